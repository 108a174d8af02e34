//! SECURITY.md says which test shows that a threat does not come true; here those tests are looked for.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The rows of the threat model.
const ROWS: [&str; 96] = [
    "A1.S1",
    "A1.S2",
    "A1.S3",
    "A1.S4",
    "A1.S5",
    "A1.T",
    "A1.R",
    "A1.I1",
    "A1.I2",
    "A1.D1",
    "A1.D2a",
    "A1.D2b",
    "A1.E1",
    "A1.E2",
    "A2.S",
    "A2.T",
    "A2.R",
    "A2.I1",
    "A2.I2",
    "A2.D1",
    "A2.D2",
    "A2.E",
    "A3.T",
    "A3.D",
    "A4.S",
    "A4.T",
    "A4.R",
    "A4.I",
    "A4.D1",
    "A4.D2",
    "A4.D3",
    "A4.E",
    "A5.S",
    "A5.T",
    "A5.R",
    "A5.I",
    "A5.D",
    "A5.E",
    "A6.S",
    "A6.T",
    "A6.R",
    "A6.I",
    "A6.D",
    "A7.S",
    "A7.T",
    "A7.R",
    "A7.I",
    "A7.D1",
    "A7.D2",
    "A7.D3",
    "A7.E",
    "A8.S1",
    "A8.S2",
    "A8.T1",
    "A8.T2",
    "A8.R",
    "A8.I",
    "A8.D",
    "A9.S",
    "A9.T",
    "A9.R",
    "A9.I1",
    "A9.I2",
    "A9.D",
    "A9.E",
    "A10.S",
    "A10.T",
    "A10.R",
    "A10.D1",
    "A10.D2",
    "A10.E",
    "A11.I",
    "A12.I",
    "A12.D1",
    "A12.D2",
    "A13.S",
    "A13.T",
    "A13.D1",
    "A13.D2, E",
    "C.A1.S1–2",
    "C.A1.T, I",
    "C.A1.R",
    "C.A1.D1",
    "C.A1.D2",
    "C.A1.D3, E",
    "C.A2.I1–2",
    "X1",
    "X2",
    "X3",
    "X4",
    "X5",
    "X6",
    "X7",
    "X8",
    "X9",
    "X10",
];

struct Row {
    id: String,
    threat: String,
    /// Tests, and what is open.
    cover: String,
}

impl Row {
    fn tests(&self) -> impl Iterator<Item = &str> {
        self.cover.split('`').skip(1).step_by(2).filter(|name| is_name(name))
    }

    /// What it says to be open, or why no test is asked for.
    fn gap(&self) -> Option<&str> {
        let at = ["open: ", "none asked for"].iter().find_map(|word| self.cover.find(word))?;
        Some(&self.cover[at..])
    }
}

/// Whether it is the name of a test, and not of a setting or a command.
fn is_name(text: &str) -> bool {
    text.matches('_').count() > 2 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The table of threats.
fn table() -> Vec<Row> {
    let text = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let lines = text.lines().skip_while(|line| !line.starts_with("| Row ")).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|')).map(|line| {
        let columns: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, threat, cover] = columns.try_into().expect("a row has three columns");
        Row { id: id.to_owned(), threat: threat.to_owned(), cover: cover.to_owned() }
    });
    rows.collect()
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
fn every_row_of_the_threat_model_is_in_security_md_once_and_in_its_order() {
    let table = table();
    let ids: Vec<&str> = table.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ROWS);
    assert!(table.iter().all(|row| !row.threat.is_empty()));
}

#[test]
fn every_test_that_security_md_names_exists() {
    let sources = sources();
    let table = table();
    let missing: Vec<&str> =
        table.iter().flat_map(Row::tests).filter(|name| !sources.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_row_names_a_test_or_says_what_is_open() {
    let table = table();
    let silent: Vec<&str> = table
        .iter()
        .filter(|row| row.tests().next().is_none() && row.gap().is_none())
        .map(|row| row.id.as_str())
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
    let references = table.iter().filter_map(|row| Some((row, row.cover.split("as ").nth(1)?)));
    for (row, rest) in references.filter(|(row, _)| row.cover.contains(": as ")) {
        let other = rest.split([',', ';', ':']).next().unwrap();
        assert!(ROWS.contains(&other), "{} refers to {other}", row.id);
    }
}
