//! `[authenticator]` or `[[authenticator]]`: whose word is taken for who asks.

use super::table::{At, Report, Span, Table};
use parsecd_core::config::AuthenticatorConfig;
use parsecd_core::identity::Text;
use parsecd_wire::AuthenticationType;
use std::collections::BTreeSet;

pub(super) const KEYS: [&str; 3] = ["auth_type", "admins", "workload_endpoint"];

/// Names of the types.
pub(super) const TYPES: [(&str, AuthenticationType); 3] = [
    ("UnixPeerCredentials", AuthenticationType::UnixPeerCredentials),
    ("JwtSvid", AuthenticationType::JwtSvid),
    ("Direct", AuthenticationType::Direct),
];

/// An authenticator of the file.
pub(super) struct Authenticator {
    pub(super) config: AuthenticatorConfig,
    pub(super) span: Span,
}

/// The only authenticator where none is configured: it needs no trust in what a client says of itself.
pub(super) fn default() -> AuthenticatorConfig {
    AuthenticatorConfig { kind: AuthenticationType::UnixPeerCredentials, admins: BTreeSet::new() }
}

/// Reads all authenticators, those this version does not have included; they are reported.
pub(super) fn read(tables: &[Table<'_, '_>], report: &mut Report<'_>) -> Vec<Authenticator> {
    let mut authenticators: Vec<Authenticator> = Vec::new();
    for table in tables {
        table.check_keys(&KEYS, report);
        let remedy = "write auth_type = \"UnixPeerCredentials\" or \"Direct\"";
        let kind = table
            .required_text("auth_type", remedy, report)
            .and_then(|_| table.choice("auth_type", &TYPES, false, report));
        let admins = read_admins(table, kind.as_ref().map(|at| at.value), report);
        let Some(At { value: kind, span }) = kind else {
            continue;
        };
        match kind {
            AuthenticationType::JwtSvid => report.error(
                &span,
                table.key("auth_type"),
                "JwtSvid is not available in this version",
                "use \"UnixPeerCredentials\", or \"Direct\" where all clients are trusted",
            ),
            AuthenticationType::Direct => report.warn(
                &span,
                table.key("auth_type"),
                "Direct believes any name that a client gives itself; use it only where every process that can \
                 reach the socket is trusted with every key",
            ),
            _ => {}
        }
        if kind != AuthenticationType::JwtSvid {
            table.ignore("workload_endpoint", "has no effect with this authenticator", report);
        }
        match authenticators.iter().find(|other| other.config.kind == kind) {
            Some(first) => {
                let line = report.position(&first.span).line;
                let message = format!("the same authenticator as on line {line}");
                report.error(&span, table.key("auth_type"), message, "keep one of them");
            }
            None => authenticators.push(Authenticator { config: AuthenticatorConfig { kind, admins }, span }),
        }
    }
    warn_of_order(&authenticators, report);
    authenticators
}

fn warn_of_order(authenticators: &[Authenticator], report: &mut Report<'_>) {
    let rank =
        |authenticator: &Authenticator| TYPES.iter().position(|(_, kind)| *kind == authenticator.config.kind);
    for (first, second) in authenticators.iter().zip(authenticators.iter().skip(1)) {
        if rank(first) > rank(second) {
            report.warn(
                &second.span,
                "authenticator",
                "clients take the first authenticator they know, and some fail unless the order is \
                 UnixPeerCredentials, JwtSvid, Direct",
            );
            return;
        }
    }
}

fn read_admins(
    table: &Table<'_, '_>,
    kind: Option<AuthenticationType>,
    report: &mut Report<'_>,
) -> BTreeSet<Text> {
    let mut admins = BTreeSet::new();
    for admin in table.tables("admins", "authenticator.admins", report) {
        admin.check_keys(&["name"], report);
        let Some(name) = admin.required_text("name", "write the name of the admin", report) else {
            continue;
        };
        let is_user = name.value.parse::<u32>().is_ok_and(|user| user.to_string() == name.value);
        if kind == Some(AuthenticationType::UnixPeerCredentials) && !is_user {
            let why = "never matches: under UnixPeerCredentials a client's name is its user id, in decimal";
            report.warn(&name.span, admin.key("name"), why);
        }
        admins.insert(Text::from(name.value));
    }
    admins
}
