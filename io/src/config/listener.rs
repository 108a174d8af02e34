//! `[listener]` or `[[listener]]`: sockets, whom each accepts and what it shows.

use super::authenticator::{self, Authenticator, TYPES};
use super::environment::Environment;
use super::provider::Provider;
use super::settings::ListenerSettings;
use super::table::{At, Report, Span, Table, choose};
use parsecd_core::config::{AuthenticatorConfig, ListenerConfig};
use parsecd_core::ids::ProviderKey;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const KEYS: [&str; 7] =
    ["listener_type", "timeout", "socket_path", "socket_mode", "name", "authenticators", "providers"];

/// Mode of a socket (decisions.md 6).
pub(super) const SOCKET_MODE: u32 = 0o666;

/// Name of a listener that has none.
pub(super) const NAME: &str = "listener";

/// Longest path of a Unix socket, in bytes (unix(7), without the final NUL).
const SOCKET_PATH_MAX: usize = 107;

/// Longest `timeout`, in milliseconds.
const TIMEOUT_MAX: u64 = u32::MAX as u64;

/// What a listener may refer to.
pub(super) struct Known<'a> {
    pub(super) authenticators: &'a [Authenticator],
    pub(super) providers: &'a [Provider<'a>],
    pub(super) environment: &'a Environment,
}

/// The listeners of the file, and the timeout that they share.
pub(super) struct Listeners {
    pub(super) listeners: Vec<(ListenerSettings, ListenerConfig)>,
    pub(super) timeout: Option<Duration>,
}

/// Reads all listeners; one with defaults if there are none.
pub(super) fn read(tables: &[Table<'_, '_>], known: &Known<'_>, report: &mut Report<'_>) -> Listeners {
    let mut listeners: Vec<(ListenerSettings, ListenerConfig)> = Vec::new();
    let mut timeout: Option<At<u64>> = None;
    for (index, table) in tables.iter().enumerate() {
        table.check_keys(&KEYS, report);
        table.choice("listener_type", &[("DomainSocket", ())], false, report);
        read_timeout(table, &mut timeout, report);
        let name = match table.text("name", report) {
            Some(name) => name,
            None => At { value: NAME, span: table.span.clone() },
        };
        let socket = read_socket(table, known.environment, report);
        let mode = table.text("socket_mode", report).and_then(|mode| {
            let parsed = parse_mode(mode.value);
            if parsed.is_none() {
                let message = "is not the permissions of a file";
                report.error(
                    &mode.span,
                    table.key("socket_mode"),
                    message,
                    "write them in octal, as \"0660\"",
                );
            }
            parsed
        });
        let earlier = || tables.iter().zip(&listeners).take(index);
        if let Some((first, _)) = earlier().find(|(_, (settings, _))| settings.name == name.value) {
            let message =
                format!("the same name as the listener on line {}", report.position(&first.span).line);
            report.error(&name.span, table.key("name"), message, "give each listener a name of its own");
        }
        if let Some((first, _)) = earlier().find(|(_, (settings, _))| settings.socket_path == socket.value) {
            let message =
                format!("the same socket as the listener on line {}", report.position(&first.span).line);
            report.error(&socket.span, table.key("socket_path"), message, "give each a socket of its own");
        }
        let settings = ListenerSettings {
            name: name.value.to_owned(),
            socket_path: socket.value,
            socket_mode: mode.unwrap_or(SOCKET_MODE),
        };
        let authenticators = read_authenticators(table, known.authenticators, report);
        let providers = read_providers(table, known.providers, report);
        listeners.push((settings, ListenerConfig { authenticators, providers }));
    }
    if tables.is_empty() {
        listeners.push(default(known, report));
    }
    Listeners { listeners, timeout: timeout.map(|timeout| Duration::from_millis(timeout.value)) }
}

fn default(known: &Known<'_>, report: &mut Report<'_>) -> (ListenerSettings, ListenerConfig) {
    let settings = ListenerSettings {
        name: NAME.to_owned(),
        socket_path: known.environment.service_socket(),
        socket_mode: SOCKET_MODE,
    };
    let authenticators = all_authenticators(known.authenticators);
    let all: Vec<usize> = (0..known.providers.len()).collect();
    let providers = shown(&all, known.providers, &(0..0), report);
    (settings, ListenerConfig { authenticators, providers })
}

fn read_timeout(table: &Table<'_, '_>, timeout: &mut Option<At<u64>>, report: &mut Report<'_>) {
    let Some(found) = table.number("timeout", 0..=TIMEOUT_MAX, " milliseconds", report) else {
        return;
    };
    if found.value == 0 {
        let remedy = "write milliseconds, such as 200, or remove the key";
        report.error(&found.span, table.key("timeout"), "with 0 no client could ever be served", remedy);
        return;
    }
    match timeout {
        Some(first) if first.value != found.value => {
            let message = format!("another timeout than on line {}", report.position(&first.span).line);
            let remedy = "give all listeners the same timeout; this version has one for all";
            report.error(&found.span, table.key("timeout"), message, remedy);
        }
        Some(_) => {}
        None => *timeout = Some(found),
    }
}

fn read_socket(table: &Table<'_, '_>, environment: &Environment, report: &mut Report<'_>) -> At<PathBuf> {
    let socket = table
        .path("socket_path", report)
        .unwrap_or_else(|| At { value: environment.service_socket(), span: table.span.clone() });
    if socket.value.as_os_str().as_bytes().len() > SOCKET_PATH_MAX {
        let message = format!("is longer than the {SOCKET_PATH_MAX} bytes that a socket's path may have");
        report.error(&socket.span, table.key("socket_path"), message, "write a shorter path");
    }
    socket
}

fn parse_mode(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let octal = !digits.is_empty() && digits.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
    octal.then(|| u32::from_str_radix(digits, 8).ok()).flatten().filter(|mode| *mode <= 0o777)
}

fn all_authenticators(authenticators: &[Authenticator]) -> Vec<AuthenticatorConfig> {
    match authenticators {
        [] => vec![authenticator::default()],
        some => some.iter().map(|authenticator| authenticator.config.clone()).collect(),
    }
}

fn read_authenticators(
    table: &Table<'_, '_>,
    known: &[Authenticator],
    report: &mut Report<'_>,
) -> Vec<AuthenticatorConfig> {
    let key = table.key("authenticators");
    let Some(named) = table.texts("authenticators", report) else {
        return all_authenticators(known);
    };
    if named.value.is_empty() {
        let remedy = "name at least one, or remove the key for all";
        report.error(&named.span, key.clone(), "accepts nobody", remedy);
    }
    let mut chosen: Vec<AuthenticatorConfig> = Vec::new();
    for name in &named.value {
        let Some(kind) = choose(name, &key, &TYPES, false, report) else {
            continue;
        };
        let all = all_authenticators(known);
        let Some(authenticator) = all.into_iter().find(|authenticator| authenticator.kind == kind) else {
            let remedy = "add an [[authenticator]] of this type, or leave it out";
            report.error(&name.span, key.clone(), "no [[authenticator]] has this type", remedy);
            continue;
        };
        if chosen.contains(&authenticator) {
            report.error(&name.span, key.clone(), "the same authenticator twice", "name each once");
        } else {
            chosen.push(authenticator);
        }
    }
    chosen
}

fn read_providers(
    table: &Table<'_, '_>,
    known: &[Provider<'_>],
    report: &mut Report<'_>,
) -> Vec<ProviderKey> {
    let key = table.key("providers");
    let Some(named) = table.texts("providers", report) else {
        let all: Vec<usize> = (0..known.len()).collect();
        return shown(&all, known, &table.span, report);
    };
    if named.value.is_empty() {
        let remedy = "name at least one, or remove the key for all";
        report.error(&named.span, key.clone(), "shows no provider", remedy);
    }
    let mut chosen = Vec::new();
    for name in &named.value {
        match known.iter().position(|provider| provider.name == name.value) {
            None => {
                let remedy = "write the name of a [[provider]] as it stands there, or its default name";
                report.error(&name.span, key.clone(), "no [[provider]] has this name", remedy);
            }
            Some(index) if chosen.contains(&index) => {
                report.error(&name.span, key.clone(), "the same provider twice", "name each once");
            }
            Some(index) => chosen.push(index),
        }
    }
    shown(&chosen, known, &named.span, report)
}

/// Keys of the providers that are chosen. Two of a kind are reported: a request names a provider by its kind,
/// so the second could never be reached.
fn shown(chosen: &[usize], known: &[Provider<'_>], span: &Span, report: &mut Report<'_>) -> Vec<ProviderKey> {
    let mut keys = Vec::new();
    let mut seen: Vec<&Provider<'_>> = Vec::new();
    for index in chosen {
        let Some(provider) = known.get(*index) else {
            continue;
        };
        if let Some(first) = seen.iter().find(|other| other.kind == provider.kind) {
            let (first, second) = (report.position(&first.span).line, report.position(&provider.span).line);
            report.error(
                span,
                "listener.providers",
                format!("shows two providers of one type, those on lines {first} and {second}"),
                "a request names a provider by its type: show one of them here, the other on a [[listener]] of \
                 its own",
            );
        }
        seen.push(provider);
        keys.extend(u16::try_from(*index).ok().map(ProviderKey));
    }
    keys
}
