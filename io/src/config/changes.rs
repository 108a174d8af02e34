//! What differs between two configurations: for the log, one line each, and what cannot differ while the
//! daemon runs.

use super::authenticator::TYPES;
use super::error::{ConfigError, ConfigErrors};
use super::settings::{ListenerSettings, Settings};
use parsecd_core::config::{AuthenticatorConfig, ListenerConfig, ProviderConfig};
use parsecd_core::ids::{ListenerKey, ProviderKey};
use parsecd_wire::AuthenticationType;
use std::fmt::Display;
use std::path::Path;

/// Refuses what cannot change while the daemon runs. Both settings have the keys of their names.
///
/// # Errors
/// Each by its key, with the remedy.
pub fn refuse_fixed(file: Option<&Path>, before: &Settings, after: &Settings) -> Result<(), ConfigErrors> {
    let mut errors = Vec::new();
    let mut fixed = |same: bool, key: &str| {
        if !same {
            errors.push(ConfigError {
                file: file.map(Path::to_owned),
                position: None,
                key: key.to_owned(),
                message: "cannot change while parsecd runs".to_owned(),
                remedy: "restart parsecd, or undo the change".to_owned(),
            });
        }
    };
    fixed(before.store == after.store, "key_manager");
    fixed(before.log.format == after.log.format, "core_settings.log_format");
    fixed(before.core.executor == after.core.executor, "core_settings.executor_threads");
    fixed(before.log.timestamp == after.log.timestamp, "core_settings.log_timestamp");
    if errors.is_empty() { Ok(()) } else { Err(ConfigErrors(errors)) }
}

/// What `after` changes, one line each, and at the end what it leaves as it is.
pub fn changes(before: &Settings, after: &Settings) -> Vec<String> {
    let mut changes = Changes::default();
    changes.core_settings(before, after);
    changes.providers(before, after);
    changes.listeners(before, after);
    let unchanged = match changes.unchanged.as_slice() {
        [] => None,
        some => Some(format!("unchanged: {}", some.join(", "))),
    };
    changes.lines.into_iter().chain(unchanged).collect()
}

#[derive(Default)]
struct Changes {
    lines: Vec<String>,
    unchanged: Vec<String>,
}

impl Changes {
    fn core_settings(&mut self, before: &Settings, after: &Settings) {
        let known = self.lines.len();
        let mut value = |key: &str, pick: &dyn Fn(&Settings) -> String| {
            let (before, after) = (pick(before), pick(after));
            if before != after {
                self.lines.push(format!("core_settings.{key}: {before} -> {after}"));
            }
        };
        let ms = |duration: std::time::Duration| duration.as_millis().to_string();
        value("allow_root", &|all| all.allow_root.to_string());
        value("log_level", &|all| all.log.level.map_or("default".into(), |level| format!("{level:?}")));
        value("log_error_details", &|all| all.log.error_details.to_string());
        value("audit_log", &|all| shown(all.audit_log.as_ref().map(|path| path.display())));
        value("allow_deprecated", &|all| all.core.allow_deprecated.to_string());
        value("refuse_pkcs1v15_encryption", &|all| all.core.refuse_pkcs1v15_encryption.to_string());
        value("forbid_inline_secrets", &|all| all.forbid_inline_secrets.to_string());
        value("allowed_modules", &|all| match &all.allowed_modules {
            Some(modules) => format!("{modules:?}"),
            None => "any".to_owned(),
        });
        value("body_len_limit", &|all| all.core.limits.body_length.to_string());
        value("buffer_size_limit", &|all| all.core.limits.buffer_size.to_string());
        value("response_limit", &|all| all.core.limits.response.to_string());
        value("key_name_max", &|all| all.core.limits.key_name.to_string());
        value("connections_max", &|all| all.core.limits.connections.to_string());
        value("tenant_keys_max", &|all| all.core.limits.tenant_quota.keys.to_string());
        value("tenant_bytes_max", &|all| all.core.limits.tenant_quota.bytes.to_string());
        value("principal_keys_max", &|all| all.core.limits.principal_quota.keys.to_string());
        value("principal_bytes_max", &|all| all.core.limits.principal_quota.bytes.to_string());
        value("request_timeout", &|all| ms(all.core.deadlines.request));
        value("operation_timeout", &|all| ms(all.core.deadlines.operation));
        value("drain_timeout", &|all| ms(all.core.deadlines.drain));
        value("idle_timeout", &|all| ms(all.core.deadlines.idle));
        if self.lines.len() == known {
            self.unchanged.push("core_settings".to_owned());
        }
        let (from, to) = (before.core.deadlines.silence, after.core.deadlines.silence);
        if from != to {
            self.lines.push(format!("listener.timeout: {} -> {}", from.as_millis(), to.as_millis()));
        }
    }

    fn providers(&mut self, before: &Settings, after: &Settings) {
        for (key, provider) in &after.core.providers {
            match before.core.providers.get(key) {
                None => {
                    self.lines.push(format!("provider {} added: hosts {}", provider.name, provider.hosts))
                }
                Some(old) => self.provider(old, provider),
            }
        }
        for (key, provider) in &before.core.providers {
            if !after.core.providers.contains_key(key) {
                self.lines.push(format!("provider {} removed", provider.name));
            }
        }
    }

    fn provider(&mut self, before: &ProviderConfig, after: &ProviderConfig) {
        let name = format!("provider {}", after.name);
        let hosts = format!("hosts {} -> {}", before.hosts, after.hosts);
        match (before.revision != after.revision, before.hosts != after.hosts) {
            (true, true) => self.lines.push(format!("{name} reopened: {hosts}")),
            (true, false) => self.lines.push(format!("{name} reopened")),
            (false, true) => self.lines.push(format!("{name}: {hosts}")),
            (false, false) if before == after => self.unchanged.push(name),
            (false, false) => self.lines.push(format!("{name} changed")),
        }
    }

    fn listeners(&mut self, before: &Settings, after: &Settings) {
        for (key, listener) in &after.listeners {
            let path = listener.socket_path.display();
            match listener_of(before, *key).zip(listener_of(after, *key)) {
                None => self.lines.push(format!("listener {} added at {path}", listener.name)),
                Some((old, new)) => self.listener(before, after, old, new),
            }
        }
        for (key, listener) in &before.listeners {
            if !after.listeners.contains_key(key) {
                let path = listener.socket_path.display();
                self.lines.push(format!("listener {} removed from {path}", listener.name));
            }
        }
    }

    fn listener(&mut self, before: &Settings, after: &Settings, old: Listener<'_>, new: Listener<'_>) {
        let known = self.lines.len();
        let name = format!("listener {}", new.0.name);
        if old.0.socket_path != new.0.socket_path {
            let (from, to) = (old.0.socket_path.display(), new.0.socket_path.display());
            self.lines.push(format!("{name} moved from {from} to {to}"));
        }
        if old.0.socket_mode != new.0.socket_mode {
            let (from, to) = (old.0.socket_mode, new.0.socket_mode);
            self.lines.push(format!("{name}: socket_mode {from:04o} -> {to:04o}"));
        }
        let providers = |settings: &Settings, listener: &ListenerConfig| {
            list(listener.providers.iter().map(|key| provider_name(settings, *key)))
        };
        let (from, to) = (providers(before, old.1), providers(after, new.1));
        if from != to {
            self.lines.push(format!("{name}: providers {from} -> {to}"));
        }
        let kinds = |listener: &ListenerConfig| {
            list(listener.authenticators.iter().map(|authenticator| type_name(authenticator.kind)))
        };
        let (from, to) = (kinds(old.1), kinds(new.1));
        if from != to {
            self.lines.push(format!("{name}: authenticators {from} -> {to}"));
        }
        for authenticator in &new.1.authenticators {
            if let Some(old) = old.1.authenticator(authenticator.kind) {
                self.admins(&name, old, authenticator);
            }
        }
        if self.lines.len() == known {
            self.unchanged.push(name);
        }
    }

    fn admins(&mut self, listener: &str, before: &AuthenticatorConfig, after: &AuthenticatorConfig) {
        let added = after.admins.difference(&before.admins).map(|name| format!("{name:?} added"));
        let removed = before.admins.difference(&after.admins).map(|name| format!("{name:?} removed"));
        let changes: Vec<String> = added.chain(removed).collect();
        if !changes.is_empty() {
            let kind = type_name(after.kind);
            self.lines.push(format!("{listener}: admins of {kind}: {}", changes.join(", ")));
        }
    }
}

type Listener<'a> = (&'a ListenerSettings, &'a ListenerConfig);

fn listener_of(settings: &Settings, key: ListenerKey) -> Option<Listener<'_>> {
    Some((settings.listeners.get(&key)?, settings.core.listeners.get(&key)?))
}

fn provider_name(settings: &Settings, key: ProviderKey) -> String {
    settings.core.providers.get(&key).map_or_else(String::new, |provider| provider.name.to_string())
}

fn type_name(kind: AuthenticationType) -> String {
    TYPES.iter().find(|(_, known)| *known == kind).map_or_else(String::new, |(name, _)| (*name).to_owned())
}

fn shown(value: Option<impl Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

fn list(names: impl Iterator<Item = String>) -> String {
    format!("[{}]", names.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::{Environment, Keys, core_settings};
    use super::*;

    const PROVIDER: &str = "[[provider]]\nprovider_type = \"MbedCrypto\"\n";

    /// The two configurations, with keys.
    fn both(before: &str, after: &str) -> (Settings, Settings) {
        let mut keys = Keys::default();
        let mut parse = |text: &str| {
            let settings = Settings::parse(Path::new("test.toml"), text, &Environment::default());
            keys.assign(settings.unwrap()).unwrap()
        };
        (parse(before), parse(after))
    }

    fn lines(before: &str, after: &str) -> Vec<String> {
        let (before, after) = both(&format!("{before}{PROVIDER}"), &format!("{after}{PROVIDER}"));
        changes(&before, &after)
    }

    /// A value of each key of `[core_settings]` that is not its default.
    fn other_value(key: &str) -> &'static str {
        match key {
            "allow_deprecated"
            | "allow_root"
            | "forbid_inline_secrets"
            | "log_error_details"
            | "log_timestamp"
            | "refuse_pkcs1v15_encryption" => "true",
            "allowed_modules" => "[\"/lib/p11.so\"]",
            "audit_log" => "\"/var/log/audit\"",
            "log_format" => "\"json\"",
            "executor_threads" => "77",
            "log_level" => "\"debug\"",
            _ => "4097",
        }
    }

    #[test]
    fn a_change_of_any_core_setting_is_told_or_refused_by_its_name() {
        for key in core_settings::KEYS {
            let changed = format!("[core_settings]\n{key} = {}\n", other_value(key));
            let (before, after) = both(PROVIDER, &format!("{changed}{PROVIDER}"));
            let told = changes(&before, &after).join("\n");
            let refused = refuse_fixed(None, &before, &after).err().map(|errors| errors.to_string());
            let name = format!("core_settings.{key}");
            let without_effect = ["thread_pool_size", "idle_listener_sleep_duration"].contains(&key);
            let named = told.contains(&name) || refused.is_some_and(|text| text.contains(&name));
            assert_eq!(named, !without_effect, "{key}: {told}");
        }
    }

    #[test]
    fn the_same_configuration_changes_nothing_and_says_of_what() {
        assert_eq!(
            lines("", ""),
            ["unchanged: core_settings, provider mbed-crypto-provider, listener listener"]
        );
    }

    #[test]
    fn listeners_are_told_apart_by_name() {
        let listener =
            |name: &str, path: &str| format!("[[listener]]\nname = \"{name}\"\nsocket_path = \"{path}\"\n");
        let before = listener("a", "/a") + &listener("b", "/b");
        let after = listener("c", "/c") + &listener("b", "/d") + "socket_mode = \"0660\"\n";
        assert_eq!(
            lines(&before, &after),
            [
                "listener b moved from /b to /d",
                "listener b: socket_mode 0666 -> 0660",
                "listener c added at /c",
                "listener a removed from /a",
                "unchanged: core_settings, provider mbed-crypto-provider"
            ]
        );
    }

    #[test]
    fn who_is_accepted_and_what_is_shown_is_told() {
        let direct = |admin: &str| {
            format!("[[authenticator]]\nauth_type = \"Direct\"\nadmins = [{{ name = \"{admin}\" }}]\n")
        };
        let unix = "[[authenticator]]\nauth_type = \"UnixPeerCredentials\"\n";
        let second = "[[provider]]\nprovider_type = \"MbedCrypto\"\nname = \"second\"\nhosts = 3\n[listener]\nproviders = [\"second\"]\n";
        assert_eq!(
            lines(&direct("x"), &format!("{}{unix}{second}", direct("y"))),
            [
                "provider second added: hosts 3",
                "listener listener: providers [mbed-crypto-provider] -> [second]",
                "listener listener: authenticators [Direct] -> [Direct, UnixPeerCredentials]",
                "listener listener: admins of Direct: \"y\" added, \"x\" removed",
                "unchanged: core_settings, provider mbed-crypto-provider"
            ]
        );
    }

    #[test]
    fn providers_say_whether_they_are_reopened() {
        let hosts = |hosts: u16| format!("{PROVIDER}hosts = {hosts}\n");
        let (before, mut after) = both(&hosts(1), &hosts(2));
        let told = |after: &Settings| changes(&before, after).swap_remove(0);
        assert_eq!(told(&after), "provider mbed-crypto-provider: hosts 1 -> 2");
        after.core.providers.get_mut(&ProviderKey(0)).unwrap().revision = 1;
        assert_eq!(told(&after), "provider mbed-crypto-provider reopened: hosts 1 -> 2");
    }

    #[test]
    fn another_store_is_refused_by_name() {
        let manager = "[[key_manager]]\nname = \"m\"\nmanager_type = \"SQLite\"\nsqlite_db_path = \"/x\"\n";
        let (before, after) = both(PROVIDER, &format!("{manager}{PROVIDER}"));
        let refused = refuse_fixed(Some(Path::new("f.toml")), &before, &after).unwrap_err().to_string();
        assert!(
            refused.starts_with("f.toml: key_manager: cannot change while parsecd runs; restart"),
            "{refused}"
        );
    }
}
