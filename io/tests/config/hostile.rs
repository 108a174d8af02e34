//! Files that nobody means: no value is ever shown, nothing panics.

use crate::{REFERENCE, parse};
use proptest::prelude::*;

const CANARY: &str = "c4n4ry";

/// Everything that a user could be shown.
fn shown(text: &str) -> String {
    match parse(text) {
        Ok(settings) => {
            let warnings: Vec<String> = settings.warnings.iter().map(ToString::to_string).collect();
            format!("{:?} {}", settings.warnings, warnings.join("\n"))
        }
        Err(errors) => format!("{errors:?} {errors}"),
    }
}

/// A file with the canary as the value of every key that takes a text, and of some that do not. No key looks
/// like its beginning: keys are shown, and a cut could complete it.
const CANARIES: &str = r#"
[core_settings]
thread_pool_size = "c4n4ry"
log_level = "c4n4ry"
log_format = "c4n4ry"
log_timestamp = "c4n4ry"
body_len_limit = "c4n4ry"
audit_log = "c4n4ry\u0000"
allowed_modules = ["c4n4ry"]
unknwon = "c4n4ry"
[[listener]]
listener_type = "c4n4ry"
timeout = "c4n4ry"
socket_path = "/c4n4ry"
socket_mode = "c4n4ry"
name = "c4n4ry"
authenticators = ["c4n4ry"]
providers = ["c4n4ry"]
[[listener]]
name = "c4n4ry"
socket_path = "/c4n4ry"
[[authenticator]]
auth_type = "c4n4ry"
workload_endpoint = "c4n4ry"
admins = [{ name = "c4n4ry" }, "c4n4ry", { name = ["c4n4ry"] }]
[[authenticator]]
auth_type = "UnixPeerCredentials"
workload_endpoint = "c4n4ry"
admins = [{ name = "c4n4ry" }]
[[key_manager]]
name = "c4n4ry"
manager_type = "c4n4ry"
store_path = "c4n4ry"
[[key_manager]]
name = "c4n4ry"
manager_type = "SQLite"
sqlite_db_path = "c4n4ry"
database_path = "c4n4ry"
store_path = "c4n4ry"
[[provider]]
provider_type = "c4n4ry"
name = "c4n4ry"
key_info_manager = "c4n4ry"
user_pin = "c4n4ry"
[[provider]]
provider_type = "Pkcs11"
name = "c4n4ry1"
key_info_manager = "c4n4ry2"
library_path = "c4n4ry"
serial_number = "c4n4ry"
user_pin = "c4n4ry"
[[provider]]
provider_type = "Tpm"
name = "c4n4ry1"
key_info_manager = "c4n4ry"
tcti = "c4n4ry"
owner_hierarchy_auth = "str:c4n4ry"
endorsement_hierarchy_auth = "hex:c4n4ry"
[[provider]]
provider_type = "MbedCrypto"
name = "c4n4ry1"
key_info_manager = "c4n4ry3"
hosts = "c4n4ry"
"#;

#[test]
fn no_value_is_shown_whatever_is_wrong_with_it() {
    let text = shown(CANARIES);
    assert!(!text.contains(CANARY), "{text}");
    // The test would prove nothing if the file were not looked at.
    assert!(text.lines().count() > 20, "{text}");
}

#[test]
fn no_value_is_shown_where_the_file_is_not_toml() {
    let broken = [
        "user_pin = c4n4ry",
        "user_pin = \"c4n4ry",
        "user_pin \"c4n4ry\"",
        "user_pin = 'c4n4ry\" c4n4ry",
        "user_pin = \"str:\" c4n4ry = 1",
        "user_pin = \"\"\"c4n4ry\nc4n4ry = 1\n",
        "user_pin = \"\\c4n4ry\"",
        "user_pin = [\"c4n4ry\" \"c4n4ry\"",
        "[\"c4n4ry\"",
        "user_pin =\nc4n4ry",
    ];
    for line in broken {
        let text = shown(&format!("{REFERENCE}\n{line}\n"));
        assert!(text.contains("not TOML"), "{line}: {text}");
        assert!(!text.contains(CANARY), "{line}: {text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn arbitrary_text_is_answered(text in "\\PC*") {
        shown(&text);
    }

    #[test]
    fn arbitrary_toml_like_text_is_answered(
        lines in prop::collection::vec("(\\[{1,2}[a-z_]{1,15}\\]{1,2}|[a-z_]{1,15}( ?= ?)[\"'0-9a-z\\[\\]{}=.,-]{0,12})", 0..30),
    ) {
        shown(&lines.join("\n"));
    }

    #[test]
    fn a_file_with_a_piece_cut_out_or_doubled_shows_no_value(
        start in 0..CANARIES.len(),
        length in 0_usize..40,
        twice: bool,
    ) {
        let end = (start + length).min(CANARIES.len());
        let middle = if twice { CANARIES[start..end].repeat(2) } else { String::new() };
        let text = shown(&format!("{}{middle}{}", &CANARIES[..start], &CANARIES[end..]));
        prop_assert!(!text.contains(CANARY), "{}", text);
    }
}
