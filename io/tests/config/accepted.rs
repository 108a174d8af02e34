//! What is accepted, and what it means.

use crate::{REFERENCE, accepted, bare, parse, path};
use parsecd::config::{Environment, LogFormat, LogLevel, ProviderSettings, Settings};
use parsecd_core::config::{Deadlines, Limits, MaterialPlace, Quota};
use parsecd_core::ids::{ListenerKey, ProviderKey};
use parsecd_wire::{AuthenticationType, ProviderId};
use std::time::Duration;

const PROVIDER: &str = "[[provider]]\nprovider_type = \"MbedCrypto\"\n";

fn warned(settings: &Settings) -> Vec<(u32, &str)> {
    settings.warnings.iter().map(|warning| (warning.line.unwrap(), warning.key.as_str())).collect()
}

#[test]
fn a_file_of_the_reference_starts_unchanged_with_a_warning_for_what_means_nothing_here() {
    let settings = accepted(REFERENCE);
    let ignored = [(3, "core_settings.thread_pool_size"), (4, "core_settings.idle_listener_sleep_duration")];
    assert_eq!(warned(&settings), ignored);
    assert_eq!(settings.store, path("/var/lib/parsec/keys/store.sqlite3"));
    assert_eq!(settings.log.level, Some(LogLevel::Warn));
    assert_eq!(settings.core.limits, Limits::default());
    let silence = Duration::from_millis(200);
    let deadlines = Deadlines { silence, first_byte: silence, ..Deadlines::default() };
    assert_eq!(settings.core.deadlines, deadlines);
    assert!(!settings.allow_root && !settings.core.allow_deprecated && !settings.core.audit);

    let listener = &settings.listeners[&ListenerKey(0)];
    assert_eq!(listener.socket_path, path("/run/parsec/parsec.sock"));
    assert_eq!((listener.name.as_str(), listener.socket_mode), ("listener", 0o666));
    let shown = &settings.core.listeners[&ListenerKey(0)];
    assert_eq!(shown.providers, [ProviderKey(0)]);
    assert_eq!(shown.authenticators.len(), 1);
    assert_eq!(shown.authenticators[0].kind, AuthenticationType::UnixPeerCredentials);
    let admins: Vec<&str> = shown.authenticators[0].admins.iter().map(|name| &**name).collect();
    assert_eq!(admins, ["1000", "1001"]);

    assert_eq!(settings.providers[&ProviderKey(0)], ProviderSettings::Psa);
    let provider = &settings.core.providers[&ProviderKey(0)];
    assert_eq!((&*provider.name, provider.hosts), ("mbed-crypto-provider", 2));
    assert_eq!(provider.material, MaterialPlace::Record);
    assert_eq!(provider.info.id, ProviderId::MbedCrypto);
    assert_eq!(provider.info.uuid.to_string(), "1c1139dc-ad7c-47dc-ad6b-db6fdb466552");
    assert_eq!((provider.info.vendor.as_str(), provider.info.version), ("Arm", (0, 1, 0)));
}

#[test]
fn single_tables_and_arrays_of_tables_mean_the_same() {
    let array = REFERENCE
        .replace("[listener]", "[[listener]]")
        .replace("[authenticator]", "[[authenticator]]")
        .replace("[[key_manager]]", "[key_manager]")
        .replace("[[provider]]", "[provider]");
    assert_eq!(accepted(&array), accepted(REFERENCE));
}

#[test]
fn the_smallest_file_is_served_with_the_defaults_of_a_service() {
    let settings = accepted(PROVIDER);
    assert_eq!(settings.listeners[&ListenerKey(0)].socket_path, path("/run/parsec/parsec.sock"));
    assert_eq!(settings.store, path("/var/lib/parsec/keys.sqlite3"));
    assert_eq!(settings.core.deadlines, Deadlines::default());
    assert_eq!(settings.log.level, None);
    assert_eq!(settings.log.format, LogFormat::Text);
    let listener = &settings.core.listeners[&ListenerKey(0)];
    assert_eq!(listener.authenticators.len(), 1);
    assert_eq!(listener.authenticators[0].kind, AuthenticationType::UnixPeerCredentials);
    assert_eq!(&*settings.core.providers[&ProviderKey(0)].name, "mbed-crypto-provider");
    assert_eq!(settings.warnings, []);
}

#[test]
fn a_service_manager_says_where_things_belong_that_the_file_does_not_name() {
    let environment = Environment {
        runtime_directory: Some(path("/run/keys")),
        state_directory: Some(path("/var/lib/keys")),
        user_runtime: Some(path("/run/user/1000")),
        user_state: Some(path("/home/alice/.local/state")),
        cores: 16,
    };
    let settings = Settings::parse(&path("/c.toml"), PROVIDER, &environment).unwrap();
    assert_eq!(settings.listeners[&ListenerKey(0)].socket_path, path("/run/keys/parsec.sock"));
    assert_eq!(settings.store, path("/var/lib/keys/keys.sqlite3"));
    assert_eq!(settings.core.providers[&ProviderKey(0)].hosts, 16);
}

#[test]
fn without_a_file_the_own_user_is_served_from_the_own_directories() {
    let environment = Environment {
        user_runtime: Some(path("/run/user/1000")),
        user_state: Some(path("/home/alice/.local/state")),
        cores: 1,
        ..Environment::default()
    };
    let settings = Settings::defaults_in(&environment).unwrap();
    assert_eq!(settings.listeners[&ListenerKey(0)].socket_path, path("/run/user/1000/parsec/parsec.sock"));
    assert_eq!(settings.store, path("/home/alice/.local/state/parsec/keys.sqlite3"));
    let provider = &settings.core.providers[&ProviderKey(0)];
    assert_eq!((provider.hosts, provider.info.id), (2, ProviderId::MbedCrypto));
    let listener = &settings.core.listeners[&ListenerKey(0)];
    assert_eq!(listener.providers, [ProviderKey(0)]);
    assert_eq!(listener.authenticators.len(), 1);
    assert_eq!(listener.authenticators[0].kind, AuthenticationType::UnixPeerCredentials);

    let service = Environment {
        runtime_directory: Some(path("/run/parsec")),
        state_directory: Some(path("/var/lib/parsec")),
        ..environment
    };
    let settings = Settings::defaults_in(&service).unwrap();
    assert_eq!(settings.listeners[&ListenerKey(0)].socket_path, path("/run/parsec/parsec.sock"));
    assert_eq!(settings.store, path("/var/lib/parsec/keys.sqlite3"));
}

#[test]
fn without_a_file_and_without_places_both_are_named_with_their_remedy() {
    let errors = Settings::defaults_in(&bare()).unwrap_err();
    assert_eq!(errors.0.len(), 2);
    let text = errors.to_string();
    for part in ["socket", "XDG_RUNTIME_DIR", "store", "XDG_STATE_HOME", "--config"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn both_managers_of_the_reference_are_our_store_at_their_path() {
    let store = |manager: &str| {
        let text = format!("{PROVIDER}key_info_manager = \"m\"\n[[key_manager]]\nname = \"m\"\n{manager}");
        accepted(&text)
    };
    let on_disk = store("manager_type = \"OnDisk\"\nstore_path = \"/srv/mappings\"");
    assert_eq!(on_disk.store, path("/srv/mappings/keys.sqlite3"));
    let on_disk = store("manager_type = \"OnDisk\"");
    assert_eq!(on_disk.store, path("/var/lib/parsec/mappings/keys.sqlite3"));
    let sqlite = store("manager_type = \"SQLite\"");
    let reference = "/var/lib/parsec/kim-mappings/sqlite/sqlite-key-info-manager.sqlite3";
    assert_eq!(sqlite.store, path(reference));
    let sqlite = store("manager_type = \"SQLite\"\nstore_path = \"/a\"\ndatabase_path = \"/b\"");
    assert_eq!(sqlite.store, path(reference));
    assert_eq!(warned(&sqlite), [(7, "key_manager.store_path"), (8, "key_manager.database_path")]);
}

#[test]
fn every_key_of_core_settings_has_its_meaning() {
    let text = format!(
        "[core_settings]
        body_len_limit = 2_000
        buffer_size_limit = 0x1000
        response_limit = 9000
        key_name_max = 100
        connections_max = 400
        tenant_keys_max = 5
        tenant_bytes_max = 6
        principal_keys_max = 7
        principal_bytes_max = 8
        request_timeout = 1000
        drain_timeout = 2000
        operation_timeout = 3000
        idle_timeout = 4000
        allow_root = true
        allow_deprecated = true
        refuse_pkcs1v15_encryption = true
        forbid_inline_secrets = true
        allowed_modules = [\"/usr/lib/softhsm/libsofthsm2.so\"]
        log_level = \"DeBug\"
        log_format = \"json\"
        log_timestamp = true
        log_error_details = true
        audit_log = \"/var/log/parsec/audit.jsonl\"
        {PROVIDER}"
    );
    let settings = accepted(&text);
    let limits = &settings.core.limits;
    assert_eq!((limits.body_length, limits.buffer_size, limits.response), (2000, 4096, 9000));
    assert_eq!((limits.key_name, limits.connections, limits.connections_per_group), (100, 400, 100));
    assert_eq!(limits.tenant_quota, Quota { keys: 5, bytes: 6 });
    assert_eq!(limits.principal_quota, Quota { keys: 7, bytes: 8 });
    let deadlines = &settings.core.deadlines;
    let seconds = Duration::from_secs;
    assert_eq!((deadlines.request, deadlines.drain), (seconds(1), seconds(2)));
    assert_eq!((deadlines.operation, deadlines.idle), (seconds(3), seconds(4)));
    assert!(settings.allow_root && settings.core.allow_deprecated && settings.forbid_inline_secrets);
    assert!(settings.core.refuse_pkcs1v15_encryption && settings.core.audit);
    assert_eq!(settings.allowed_modules, Some(vec![path("/usr/lib/softhsm/libsofthsm2.so")]));
    assert_eq!((settings.log.level, settings.log.format), (Some(LogLevel::Debug), LogFormat::Json));
    assert!(settings.log.timestamp && settings.log.error_details);
    assert_eq!(settings.audit_log, Some(path("/var/log/parsec/audit.jsonl")));
}

#[test]
fn answers_have_room_for_the_largest_random_answer_unless_said_otherwise() {
    let settings = accepted(&format!("[core_settings]\nbuffer_size_limit = 4096\n{PROVIDER}"));
    assert_eq!(settings.core.limits.response, 4096 + 65536);
}

#[test]
fn listeners_choose_their_authenticators_and_providers_in_their_own_order() {
    let settings = accepted(
        r#"
        [[authenticator]]
        auth_type = "UnixPeerCredentials"
        [[authenticator]]
        auth_type = "Direct"
        admins = [ { name = "root" } ]
        [[provider]]
        provider_type = "MbedCrypto"
        name = "first"
        [[provider]]
        provider_type = "MbedCrypto"
        name = "second"
        hosts = 5
        [[listener]]
        name = "inside"
        socket_path = "/run/inside.sock"
        socket_mode = "0600"
        timeout = 300
        authenticators = ["Direct", "UnixPeerCredentials"]
        providers = ["second"]
        [[listener]]
        name = "outside"
        socket_path = "/run/outside.sock"
        socket_mode = "0o660"
        timeout = 300
        authenticators = ["UnixPeerCredentials"]
        providers = ["first"]
        "#,
    );
    let kinds = |listener| {
        let authenticators = settings.core.listeners[&ListenerKey(listener)].authenticators.iter();
        authenticators.map(|authenticator| authenticator.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(0), [AuthenticationType::Direct, AuthenticationType::UnixPeerCredentials]);
    assert_eq!(kinds(1), [AuthenticationType::UnixPeerCredentials]);
    assert_eq!(settings.core.listeners[&ListenerKey(0)].providers, [ProviderKey(1)]);
    assert_eq!(settings.core.listeners[&ListenerKey(1)].providers, [ProviderKey(0)]);
    assert_eq!(settings.listeners[&ListenerKey(0)].socket_mode, 0o600);
    assert_eq!(settings.listeners[&ListenerKey(1)].socket_mode, 0o660);
    assert_eq!(settings.core.providers[&ProviderKey(1)].hosts, 5);
    assert_eq!(&*settings.core.providers[&ProviderKey(1)].name, "second");
}

#[test]
fn what_is_accepted_but_unwise_is_a_warning_with_its_line() {
    let cases = [
        ("[authenticator]\nauth_type = \"Direct\"\n", 2, "authenticator.auth_type", "believes any name"),
        (
            "[authenticator]\nauth_type = \"UnixPeerCredentials\"\nadmins = [{ name = \"alice\" }]\n",
            3,
            "authenticator.admins.name",
            "never matches",
        ),
        (
            "[authenticator]\nauth_type = \"UnixPeerCredentials\"\nworkload_endpoint = \"unix:/x\"\n",
            3,
            "authenticator.workload_endpoint",
            "has no effect",
        ),
        (
            "[[key_manager]]\nname = \"spare\"\nmanager_type = \"OnDisk\"\n[[key_manager]]\nname = \"m\"\n\
             manager_type = \"OnDisk\"\n[[provider]]\nprovider_type = \"MbedCrypto\"\nkey_info_manager = \"m\"\n",
            2,
            "key_manager.name",
            "no provider uses",
        ),
    ];
    for (section, line, key, part) in cases {
        let provider = if section.contains("[[provider]]") { "" } else { PROVIDER };
        let settings = accepted(&format!("{section}{provider}"));
        let [warning] = settings.warnings.as_slice() else { panic!("{section}: {:?}", settings.warnings) };
        assert_eq!((warning.line, warning.key.as_str()), (Some(line), key), "{section}");
        assert!(warning.message.contains(part), "{warning}");
    }
}

#[test]
fn an_order_of_authenticators_that_breaks_clients_is_a_warning() {
    let both = |first, second| {
        let section = |kind| format!("[[authenticator]]\nauth_type = \"{kind}\"\n");
        accepted(&format!("{}{}{PROVIDER}", section(first), section(second)))
    };
    let usual = both("UnixPeerCredentials", "Direct");
    assert_eq!(warned(&usual), [(4, "authenticator.auth_type")]);
    let unusual = both("Direct", "UnixPeerCredentials");
    assert_eq!(warned(&unusual), [(2, "authenticator.auth_type"), (4, "authenticator")]);
    assert!(unusual.warnings[1].message.contains("UnixPeerCredentials, JwtSvid, Direct"));
    assert_eq!(unusual.core.listeners[&ListenerKey(0)].authenticators[0].kind, AuthenticationType::Direct);
}

#[test]
fn comments_windows_line_ends_and_inline_tables_are_toml_too() {
    let text = "provider = [{ provider_type = \"MbedCrypto\" }] # one\r\nlistener = { timeout = 5 }\r\n";
    assert_eq!(parse(text).unwrap().core.deadlines.silence, Duration::from_millis(5));
}
