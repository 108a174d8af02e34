//! Rules about the source text that no compiler or linter keeps.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines a source file may have, unless it is generated.
const MOST_LINES: usize = 600;

/// Crates in which no input may panic.
const CALM: [&str; 5] = ["core", "wire", "handoff", "io", "executor"];

/// What each of them denies outside tests.
const DENIED: [&str; 5] = [
    "clippy::unwrap_used",
    "clippy::expect_used",
    "clippy::panic",
    "clippy::indexing_slicing",
    "clippy::cast_possible_truncation",
];

/// Folders whose code may be unsafe: back ends, and the proof that core links without std.
const MAY_BE_UNSAFE: [&str; 2] = ["providers", "core/no-std-proof"];

/// Lines above an unsafe block in which its reason is looked for.
const SAFETY_WITHIN: usize = 12;

struct Source {
    /// From the root of the repository.
    path: PathBuf,
    text: String,
}

impl Source {
    fn is_generated(&self) -> bool {
        self.text.lines().take(3).any(|line| line.starts_with("//") && line.contains("@generated"))
    }

    fn is_under(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All Rust sources of the repository.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push(Source { path: path.strip_prefix(root()).unwrap().to_owned(), text });
            }
        }
    }
    assert!(sources.len() > 20, "the sources are found");
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    sources
}

/// Asserts that `offence` finds nothing; it is given each line that is not a comment, with its index.
fn assert_no_line(rule: &str, sources: &[Source], offence: impl Fn(&Source, usize, &str) -> bool) {
    let mut found = Vec::new();
    for source in sources {
        for (index, line) in source.text.lines().enumerate() {
            if !line.trim_start().starts_with("//") && offence(source, index, line) {
                found.push(format!("{}:{}: {}", source.path.display(), index + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

/// Whether `line` has `word` as a word of its own.
fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

#[test]
fn no_source_file_is_longer_than_a_few_pages() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| !source.is_generated())
        .map(|source| (source.text.lines().count(), source))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, source)| format!("{}: {lines}", source.path.display()))
        .collect();
    assert!(long.is_empty(), "longer than {MOST_LINES} lines:\n{}", long.join("\n"));
}

#[test]
fn no_test_is_switched_off() {
    assert_no_line("a test is ignored", &sources(), |_, _, line| line.contains(concat!("#[", "ignore")));
}

/// Whether the line begins unsafe code: a block, an implementation, a declaration, a function, an attribute.
fn begins_unsafe(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let with_its_object = words.windows(2).any(|pair| {
        let object = pair[1].starts_with('{') || ["impl", "extern", "fn", "trait"].contains(&pair[1]);
        pair[0].rsplit(|c: char| !c.is_alphanumeric() && c != '_').next() == Some("unsafe") && object
    });
    with_its_object || line.contains("#[unsafe(") || words.last() == Some(&"unsafe")
}

#[test]
fn every_unsafe_block_says_why_it_is_sound() {
    let mut unsafe_sources = sources();
    unsafe_sources.retain(|source| source.is_under(&MAY_BE_UNSAFE));
    assert_no_line("unsafe without a SAFETY comment", &unsafe_sources, |source, index, line| {
        let above: Vec<&str> = source.text.lines().take(index).collect();
        begins_unsafe(line) && !above.iter().rev().take(SAFETY_WITHIN).any(|line| line.contains("SAFETY:"))
    });
}

#[test]
fn unsafe_code_stays_in_the_back_ends() {
    let mut others = sources();
    others.retain(|source| !source.is_under(&MAY_BE_UNSAFE) && !source.path.ends_with("tidy.rs"));
    assert_no_line("unsafe outside the back ends", &others, |_, _, line| begins_unsafe(line));
}

#[test]
fn maps_of_the_core_have_an_order_that_every_machine_repeats() {
    let mut core = sources();
    core.retain(|source| source.is_under(&["core/src", "wire/src"]));
    assert_no_line("a map without order", &core, |_, _, line| {
        has_word(line, "HashMap") || has_word(line, "HashSet")
    });
}

#[test]
fn crates_that_take_input_deny_what_panics_on_it() {
    for name in CALM {
        let roots = ["src/lib.rs", "src/main.rs"].map(|file| root().join(name).join(file));
        let roots: Vec<&PathBuf> = roots.iter().filter(|path| path.exists()).collect();
        assert!(!roots.is_empty(), "{name} has a crate root");
        for path in roots {
            let text: String = fs::read_to_string(path).unwrap().split_whitespace().collect();
            let denied = text
                .split_once("#![cfg_attr(not(test),deny(")
                .and_then(|(_, rest)| rest.split_once("))]"))
                .unwrap_or_else(|| panic!("{} denies nothing outside tests", path.display()))
                .0;
            for lint in DENIED {
                assert!(denied.split(',').any(|it| it == lint), "{} does not deny {lint}", path.display());
            }
        }
    }
}

#[test]
fn what_is_denied_there_is_allowed_nowhere_in_silence() {
    let mut calm = sources();
    calm.retain(|source| source.is_under(&CALM.map(|name| name)) && source.path.iter().any(|it| it == "src"));
    assert_no_line("a denied lint is allowed without a reason", &calm, |source, index, line| {
        let attribute: String = source.text.lines().skip(index).take(6).collect();
        let attribute = attribute.split(']').next().unwrap_or_default();
        (line.contains("[allow(") || line.contains("[expect("))
            && DENIED.iter().any(|lint| attribute.contains(lint))
            && !attribute.contains("reason")
    });
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = manifest.split("members = [").nth(1).unwrap().split(']').next().unwrap();
    let members: Vec<&str> = members.split('"').skip(1).step_by(2).collect();
    assert!(members.contains(&"core"), "the members are found: {members:?}");
    for member in members {
        let manifest = fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{member} has lints of its own");
    }
}
