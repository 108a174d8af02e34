//! What clients show (wire-protocol.md 9).

use crate::call::Auth;

/// Number and bytes.
pub fn encoded(auth: &Auth) -> (u8, Vec<u8>) {
    match auth {
        Auth::Anonymous => (0, Vec::new()),
        Auth::Direct(name) => (1, name.as_bytes().to_vec()),
        Auth::Unix(uid) => {
            let byte = |index: u32| (uid >> (8 * index)) as u8;
            (3, vec![byte(0), byte(1), byte(2), byte(3)])
        }
        Auth::Token(token) => (4, token.bytes.clone()),
    }
}
