//! What core is made of is a short list, and each entry was put there on purpose.

use std::collections::BTreeSet;
use std::process::Command;

/// Linked into core, with all that they need themselves.
const LINKED: [&str; 7] =
    ["bytes", "parsecd-core", "parsecd-wire", "prost", "subtle", "thiserror", "zeroize"];

/// Run by the compiler for prost and thiserror; nothing of them is linked.
const MACROS: [&str; 9] = [
    "anyhow",
    "either",
    "itertools",
    "proc-macro2",
    "prost-derive",
    "quote",
    "syn",
    "thiserror-impl",
    "unicode-ident",
];

fn dependencies(edges: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--offline", "-p", "parsecd-core", "-e", edges, "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listing = String::from_utf8(output.stdout).unwrap();
    listing.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn core_links_only_what_is_listed_here() {
    assert_eq!(dependencies("normal,no-proc-macro"), LINKED.map(str::to_owned).into());
}

#[test]
fn core_needs_only_these_macros_to_compile() {
    let listed = LINKED.iter().chain(&MACROS).map(|name| (*name).to_owned()).collect();
    assert_eq!(dependencies("normal"), listed);
}
