//! `[[key_manager]]`: where keys are kept. There is one kind of store, whatever the file calls it.

use super::environment::{DATABASE, Environment};
use super::table::{Report, Span, Table};
use std::path::PathBuf;

pub(super) const KEYS: [&str; 5] = ["name", "manager_type", "store_path", "sqlite_db_path", "database_path"];

/// Directory of the reference's OnDisk manager (service-behaviour.md 2).
const MAPPINGS: &str = "/var/lib/parsec/mappings";

/// Database of the reference's SQLite manager (service-behaviour.md 2).
const REFERENCE_DATABASE: &str = "/var/lib/parsec/kim-mappings/sqlite/sqlite-key-info-manager.sqlite3";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    OnDisk,
    Sqlite,
}

/// A key manager of the file.
pub(super) struct KeyManager {
    name: String,
    /// Database file; `None` if its path is reported already.
    path: Option<PathBuf>,
    span: Span,
}

/// Reads all key managers.
pub(super) fn read(tables: &[Table<'_, '_>], report: &mut Report<'_>) -> Vec<KeyManager> {
    let mut managers: Vec<KeyManager> = Vec::new();
    for table in tables {
        table.check_keys(&KEYS, report);
        let kinds = [("OnDisk", Kind::OnDisk), ("SQLite", Kind::Sqlite)];
        let remedy = "write manager_type = \"SQLite\"";
        let kind = table
            .required_text("manager_type", remedy, report)
            .and_then(|_| table.choice("manager_type", &kinds, false, report));
        let path = kind.and_then(|kind| read_path(table, kind.value, report));
        table.ignore("database_path", "has no effect; the file is named by sqlite_db_path", report);
        let remedy = "write name = \"…\", which providers refer to as key_info_manager";
        let Some(name) = table.required_text("name", remedy, report) else {
            continue;
        };
        if let Some(first) = managers.iter().find(|manager| manager.name == name.value) {
            let line = report.position(&first.span).line;
            let message = format!("the same name as the key manager on line {line}");
            report.error(&name.span, table.key("name"), message, "give each a name of its own");
        }
        managers.push(KeyManager { name: name.value.to_owned(), path, span: name.span });
    }
    managers
}

fn read_path(table: &Table<'_, '_>, kind: Kind, report: &mut Report<'_>) -> Option<PathBuf> {
    let (own, other, why) = match kind {
        Kind::OnDisk => (
            "store_path",
            "sqlite_db_path",
            "has no effect with OnDisk; the directory is named by store_path",
        ),
        Kind::Sqlite => {
            ("sqlite_db_path", "store_path", "has no effect with SQLite; the file is named by sqlite_db_path")
        }
    };
    table.ignore(other, why, report);
    let configured = table.path(own, report);
    if configured.is_none() && table.span_of(own).is_some() {
        return None;
    }
    Some(match kind {
        Kind::OnDisk => configured.map_or_else(|| PathBuf::from(MAPPINGS), |path| path.value).join(DATABASE),
        Kind::Sqlite => configured.map_or_else(|| PathBuf::from(REFERENCE_DATABASE), |path| path.value),
    })
}

/// The name of the key manager that a provider refers to, and where.
pub(super) type Reference<'a> = Option<(&'a str, Span)>;

/// The one store of all providers. `references`: what each provider says, with the span of its table.
pub(super) fn store(
    managers: &[KeyManager],
    references: &[(Reference<'_>, Span)],
    environment: &Environment,
    report: &mut Report<'_>,
) -> PathBuf {
    let key = "provider.key_info_manager";
    let mut used: Vec<&KeyManager> = Vec::new();
    for (reference, span) in references {
        let found = match reference {
            Some((name, _)) => managers.iter().find(|manager| manager.name == *name),
            None => managers.first(),
        };
        match (found, reference) {
            (_, None) if managers.len() > 1 => report.error(
                span,
                key,
                "is missing, and there are several key managers",
                "write key_info_manager with the name of one of them",
            ),
            (Some(manager), _) => used.push(manager),
            (None, Some((_, span))) => {
                report.error(span, key, "no [[key_manager]] has this name", unknown_remedy(managers));
            }
            (None, None) => {}
        }
    }
    for manager in managers {
        if !references.is_empty() && !used.iter().any(|used| used.name == manager.name) {
            report.warn(&manager.span, "key_manager.name", "no provider uses this key manager");
        }
    }
    let mut stores: Vec<&KeyManager> = Vec::new();
    for manager in used {
        if manager.path.is_some() && !stores.iter().any(|other| other.path == manager.path) {
            stores.push(manager);
        }
    }
    if let [first, second, ..] = stores.as_slice() {
        let line = report.position(&first.span).line;
        report.error(
            &second.span,
            "key_manager",
            format!("another path than the key manager on line {line}; this version has one store for all"),
            "let all providers use one key manager",
        );
    }
    let configured = stores.first().and_then(|manager| manager.path.clone());
    configured.unwrap_or_else(|| environment.service_store())
}

fn unknown_remedy(managers: &[KeyManager]) -> &'static str {
    match managers {
        [] => "add a [[key_manager]] with this name, or remove key_info_manager for the default place",
        _ => "write the name of a [[key_manager]] as it stands there",
    }
}
