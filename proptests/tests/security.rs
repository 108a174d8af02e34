//! SECURITY.md says which test shows that a threat does not come true; here those tests are looked for.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Names in the last column of the table of threats.
fn named() -> Vec<String> {
    let text = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| A") || line.starts_with("| C") || line.starts_with("| X"));
    let tests = rows.map(|row| row.trim_end_matches(" |").rsplit(" | ").next().unwrap());
    tests.flat_map(|column| column.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// All Rust sources of the repository, as one text.
fn sources() -> String {
    let mut text = String::new();
    let mut folders: Vec<PathBuf> = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                text += &fs::read_to_string(&path).unwrap();
            }
        }
    }
    text
}

#[test]
fn every_test_that_security_md_names_exists() {
    let (named, sources) = (named(), sources());
    assert!(named.len() > 30, "the table is found");
    let missing: Vec<&String> =
        named.iter().filter(|name| !sources.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
