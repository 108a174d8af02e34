//! I11: every secret of these worlds carries a mark, and no text that the core makes may show it, in whatever
//! form.
//!
//! Key material, random bytes, messages that are hashed and tokens carry it. PINs never come into the core: a
//! lane host has them from its own configuration.

use crate::oracle::{Findings, Oracle};
use std::fmt::{Debug, Write};
use std::sync::LazyLock;

/// Is in every secret.
pub const MARK: &[u8; 8] = b"c4n4ry!!";
/// Secrets that are shorter would not be unlike others with the mark in them.
const ROOM: usize = 2 * MARK.len();
/// Of so many steps one is told in full, beside what is rare.
const EVERY: u64 = 32;

/// How text may show the mark.
static FORMS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let text = String::from_utf8_lossy(MARK).into_owned();
    let listed = |one: &dyn Fn(&u8) -> String| MARK.iter().map(one).collect::<Vec<_>>().join(", ");
    let mut forms = vec![
        text,
        MARK.iter().map(|byte| format!("{byte:02x}")).collect(),
        MARK.iter().map(|byte| format!("{byte:02X}")).collect(),
        listed(&|byte| byte.to_string()),
        listed(&|byte| format!("{byte:x}")),
        listed(&|byte| format!("{byte:#x}")),
    ];
    forms.extend((0..3).map(in_base64));
    forms
});

/// What base64, of either alphabet, shows of the mark wherever it begins `offset` bytes after a multiple of 3.
fn in_base64(offset: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let whole = &MARK[(3 - offset) % 3..];
    let groups = whole.as_chunks::<3>().0.iter();
    groups
        .flat_map(|[one, two, three]| {
            let bits = u32::from_be_bytes([0, *one, *two, *three]);
            [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift) as usize % 64]))
        })
        .collect()
}

/// Puts the mark into a secret that has room for it.
pub fn mark(mut secret: Vec<u8>) -> Vec<u8> {
    if secret.len() >= ROOM {
        secret[..MARK.len()].copy_from_slice(MARK);
    }
    secret
}

/// Whether bytes hold the mark as it is.
pub fn is_in(bytes: &[u8]) -> bool {
    bytes.windows(MARK.len()).any(|window| window == MARK)
}

/// Whether a text shows the mark.
pub fn is_shown(text: &str) -> bool {
    FORMS.iter().any(|form| text.contains(form))
}

/// Reads what is made in one step.
#[derive(Debug)]
pub struct Reader {
    thorough: bool,
    text: String,
    read: u64,
    shown: Option<String>,
}

impl Reader {
    /// In this step; what happens often is read in few of them.
    pub fn new(moment: u64) -> Self {
        Reader { thorough: moment.is_multiple_of(EVERY), text: String::new(), read: 0, shown: None }
    }

    /// Reads what is rare, or told to people.
    pub fn read(&mut self, told: &impl Debug) {
        self.text.clear();
        self.read += 1;
        write!(self.text, "{told:?}").expect("a string takes everything");
        if is_shown(&self.text) {
            self.shown.get_or_insert_with(|| self.text.clone());
        }
    }

    /// Reads what happens all the time, in some steps.
    pub fn sample(&mut self, told: &impl Debug) {
        if self.thorough {
            self.read(told);
        }
    }

    /// Says what was read.
    pub fn tell(self, findings: &mut Findings) {
        if self.read > 0 {
            findings.check(Oracle::I11NoSecret, self.shown.is_none(), || {
                format!("a secret is shown: {}", self.shown.unwrap_or_default())
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_recognised_in_every_form() {
        let secret = mark(vec![7; 20]);
        assert!(is_in(&secret) && !is_in(&mark(vec![7; 15])));
        assert!(is_shown(&format!("Key({secret:?})")) && is_shown(&format!("{secret:x?} {secret:02x?}")));
        assert!(is_shown(&format!("{:?}", String::from_utf8_lossy(&secret))));
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(is_shown(&hex) && is_shown(&hex.to_uppercase()));
        // "c4n4ry!!" with nothing, "a" and "ab" in front.
        for base64 in ["YzRuNHJ5ISE=", "YWM0bjRyeSEh", "YWJjNG40cnkhIQ=="] {
            assert!(is_shown(base64), "{base64}");
        }
        assert!(!is_shown("SecretBytes(20 bytes)"));
    }
}
