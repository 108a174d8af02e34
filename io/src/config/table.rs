//! Walking through a parsed file: tables, typed values, and the report of everything that is wrong with them.

use super::error::{ConfigError, ConfigErrors, Position};
use super::nearest::nearest;
use super::settings::Warning;
use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes of the file that a value or key takes up.
pub(super) type Span = Range<usize>;

/// Longest unknown key that is shown, in bytes.
const LONGEST_SHOWN: usize = 64;

/// Whether a key may hold this byte without quotes.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Collects mistakes and warnings, and knows where lines begin.
pub(super) struct Report<'i> {
    file: PathBuf,
    text: &'i str,
    errors: Vec<ConfigError>,
    warnings: Vec<Warning>,
    broken_lines: BTreeSet<u32>,
}

impl<'i> Report<'i> {
    pub(super) fn new(file: &Path, text: &'i str) -> Self {
        Report {
            file: file.to_owned(),
            text,
            errors: Vec::new(),
            warnings: Vec::new(),
            broken_lines: BTreeSet::new(),
        }
    }

    /// Where in the file `span` begins.
    pub(super) fn position(&self, span: &Span) -> Position {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline.saturating_add(1));
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
        Position {
            line: count(before.bytes().filter(|byte| *byte == b'\n').count()),
            column: count(before.get(line_start..).unwrap_or_default().chars().count()),
        }
    }

    /// Reports a mistake. On a line that is not TOML there is none but that: what looks like a key or a value
    /// there may be a piece of another one.
    pub(super) fn error(
        &mut self,
        span: &Span,
        key: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let position = self.position(span);
        if !self.broken_lines.contains(&position.line) {
            self.push(Some(position), key, message, remedy);
        }
    }

    /// Reports a mistake of the file as a whole.
    pub(super) fn error_of_file(
        &mut self,
        key: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.push(None, key, message, remedy);
    }

    fn push(
        &mut self,
        position: Option<Position>,
        key: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.errors.push(ConfigError {
            file: Some(self.file.clone()),
            position,
            key: key.into(),
            message: message.into(),
            remedy: remedy.into(),
        });
    }

    /// Reports a place where the text is not TOML. The parser's own words are not shown: they quote the text.
    pub(super) fn syntax(&mut self, error: &toml::de::Error) {
        let span = error.span().unwrap_or(0..0);
        let (key, message, remedy) = if error.message() == "duplicate key" {
            let text = self.text.get(span.clone()).unwrap_or_default();
            // A key in quotes may be a value that got there by mistake.
            let bare = text.len() <= LONGEST_SHOWN && text.bytes().all(is_bare);
            let key = if bare { text } else { "(a key in quotes)" };
            (key, "the same key or table a second time", "keep one of them")
        } else {
            ("", "this is not TOML", "check quotes, brackets and the `=` here; texts stand in double quotes")
        };
        let first = self.position(&span);
        self.push(Some(first), key, message, remedy);
        self.broken_lines.extend(first.line..=self.position(&(span.end..span.end)).line);
    }

    /// Tells of something that is accepted.
    pub(super) fn warn(&mut self, span: &Span, key: impl Into<String>, message: impl Into<String>) {
        let line = Some(self.position(span).line);
        self.warnings.push(Warning { line, key: key.into(), message: message.into() });
    }

    /// The warnings, or the errors if there are any, in the order of the file.
    pub(super) fn finish(mut self) -> Result<Vec<Warning>, ConfigErrors> {
        self.errors.sort_by_key(|error| error.position);
        self.warnings.sort_by_key(|warning| warning.line);
        if self.errors.is_empty() { Ok(self.warnings) } else { Err(ConfigErrors(self.errors)) }
    }
}

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// A table of the file.
pub(super) struct Table<'a, 'i> {
    /// Its key, for messages.
    pub(super) name: &'static str,
    /// Its header.
    pub(super) span: Span,
    entries: &'a DeTable<'i>,
}

/// `table.key`, or `key` in the outermost table.
fn full(name: &str, key: &str) -> String {
    if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
}

impl<'a, 'i> Table<'a, 'i> {
    pub(super) fn new(name: &'static str, span: Span, entries: &'a DeTable<'i>) -> Self {
        Table { name, span, entries }
    }

    /// Full name of one of its keys.
    pub(super) fn key(&self, key: &str) -> String {
        full(self.name, key)
    }

    /// Reports every key that is not among `known`.
    pub(super) fn check_keys(&self, known: &[&str], report: &mut Report<'_>) {
        for key in self.entries.keys() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let remedy = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("remove it; known here: {}", known.join(", ")),
            };
            // A text in quotes where a key is expected may be a value that got there by mistake.
            let bare = report.text.get(key.span()) == Some(name) && name.len() <= LONGEST_SHOWN;
            let shown = if bare { self.key(name) } else { self.key("(a key in quotes)") };
            report.error(&key.span(), shown, "unknown key", remedy);
        }
    }

    /// The span of a key that is there, whatever its value.
    pub(super) fn span_of(&self, key: &str) -> Option<Span> {
        self.entries.get_key_value(key).map(|(key, _)| key.span())
    }

    /// Warns if `key` is there, which means nothing.
    pub(super) fn ignore(&self, key: &str, why: &str, report: &mut Report<'_>) {
        if let Some(span) = self.span_of(key) {
            report.warn(&span, self.key(key), why);
        }
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'i>>> {
        self.entries.get(key)
    }

    fn typed<T>(
        &self,
        key: &str,
        expected: &str,
        report: &mut Report<'_>,
        read: impl FnOnce(&'a DeValue<'i>) -> Option<T>,
    ) -> Option<At<T>> {
        let found = self.value(key)?;
        let value = read(found.get_ref());
        if value.is_none() {
            let message = format!("must be {expected}, is a value of type {}", found.get_ref().type_str());
            report.error(&found.span(), self.key(key), message, format!("write {expected}"));
        }
        value.map(|value| At { value, span: found.span() })
    }

    /// A text.
    pub(super) fn text(&self, key: &str, report: &mut Report<'_>) -> Option<At<&'a str>> {
        self.typed(key, "a text in quotes", report, DeValue::as_str)
    }

    /// A text that must be there; reported if it is not.
    pub(super) fn required_text(
        &self,
        key: &str,
        remedy: &str,
        report: &mut Report<'_>,
    ) -> Option<At<&'a str>> {
        if self.value(key).is_none() {
            report.error(&self.span, self.key(key), "is missing", remedy);
        }
        self.text(key, report)
    }

    /// A text that is not empty.
    pub(super) fn path(&self, key: &str, report: &mut Report<'_>) -> Option<At<PathBuf>> {
        let text = self.text(key, report)?;
        if text.value.is_empty() || text.value.contains('\0') {
            report.error(&text.span, self.key(key), "is not a path", "write a path, or remove the key");
            return None;
        }
        Some(At { value: PathBuf::from(text.value), span: text.span })
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, key: &str, report: &mut Report<'_>) -> Option<bool> {
        self.typed(key, "true or false", report, DeValue::as_bool).map(|at| at.value)
    }

    /// A whole number in `range`; `unit` is for the message, such as " bytes".
    pub(super) fn number(
        &self,
        key: &str,
        range: RangeInclusive<u64>,
        unit: &str,
        report: &mut Report<'_>,
    ) -> Option<At<u64>> {
        let integer = self.typed(key, "a whole number", report, DeValue::as_integer)?;
        let number = u64::from_str_radix(integer.value.as_str(), integer.value.radix()).ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let bounds = format!("{} to {}{unit}", range.start(), range.end());
            report.error(
                &integer.span,
                self.key(key),
                format!("is not in the range {bounds}"),
                format!("write a number from {bounds}"),
            );
        }
        number.map(|value| At { value, span: integer.span })
    }

    /// One of some words, in any case if `any_case`.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&str, T)],
        any_case: bool,
        report: &mut Report<'_>,
    ) -> Option<At<T>> {
        let text = self.text(key, report)?;
        choose(&text, &self.key(key), choices, any_case, report).map(|value| At { value, span: text.span })
    }

    /// An array of texts.
    pub(super) fn texts(&self, key: &str, report: &mut Report<'_>) -> Option<At<Vec<At<&'a str>>>> {
        let array = self.typed(key, "an array of texts", report, DeValue::as_array)?;
        let mut texts = Vec::new();
        for item in array.value.iter() {
            match item.get_ref().as_str() {
                Some(value) => texts.push(At { value, span: item.span() }),
                None => report.error(
                    &item.span(),
                    self.key(key),
                    format!("holds a value of type {}", item.get_ref().type_str()),
                    "write texts in quotes",
                ),
            }
        }
        Some(At { value: texts, span: array.span })
    }

    /// One table or an array of tables.
    pub(super) fn tables(
        &self,
        key: &str,
        name: &'static str,
        report: &mut Report<'_>,
    ) -> Vec<Table<'a, 'i>> {
        let Some(found) = self.value(key) else {
            return Vec::new();
        };
        let items: &[Spanned<DeValue<'i>>] = match found.get_ref() {
            DeValue::Table(entries) => return vec![Table::new(name, found.span(), entries)],
            DeValue::Array(items) => items,
            other => {
                let message = format!("must be a table, is a value of type {}", other.type_str());
                let full = self.key(key);
                let remedy = format!("write [{full}] or [[{full}]]");
                report.error(&found.span(), full, message, remedy);
                return Vec::new();
            }
        };
        let mut tables = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::Table(entries) => tables.push(Table::new(name, item.span(), entries)),
                other => report.error(
                    &item.span(),
                    self.key(key),
                    format!("holds a value of type {}", other.type_str()),
                    format!("write each as a table, [[{}]]", self.key(key)),
                ),
            }
        }
        tables
    }
}

/// The meaning of `text`; reported, with the nearest choice, if it has none.
pub(super) fn choose<T: Copy>(
    text: &At<&str>,
    key: &str,
    choices: &[(&str, T)],
    any_case: bool,
    report: &mut Report<'_>,
) -> Option<T> {
    let means = |word: &str| word == text.value || (any_case && word.eq_ignore_ascii_case(text.value));
    let chosen = choices.iter().find(|(word, _)| means(word)).map(|(_, value)| *value);
    if chosen.is_none() {
        let words = || choices.iter().map(|(word, _)| *word);
        let remedy = match nearest(text.value, words()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("write one of \"{}\"", words().collect::<Vec<_>>().join("\", \"")),
        };
        report.error(&text.span, key, "is not one of the words known here", remedy);
    }
    chosen
}
