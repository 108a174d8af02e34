//! Each mistake, with its line, its key and its remedy.

use crate::{REFERENCE, parse};
use parsecd::config::ConfigError;

fn only(text: &str) -> ConfigError {
    let errors = parse(text).map(|_| panic!("accepted:\n{text}")).unwrap_err();
    assert_eq!(errors.0.len(), 1, "{errors}\n{text}");
    errors.0.into_iter().next().unwrap()
}

/// REFERENCE with one piece of text replaced.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(REFERENCE.matches(from).count(), 1, "{from}");
    REFERENCE.replace(from, to)
}

#[test]
fn each_mistake_names_line_key_and_remedy() {
    // What is replaced, by what, then the line, the key, and parts of message and remedy.
    let cases = [
        (
            "log_timestamp",
            "log_timestmap",
            6,
            "core_settings.log_timestmap",
            "unknown key",
            "`log_timestamp`",
        ),
        (
            "allow_root = false",
            "colour = 1",
            10,
            "core_settings.colour",
            "unknown key",
            "remove it; known here",
        ),
        ("[core_settings]", "[core_setings]", 2, "core_setings", "unknown key", "`core_settings`"),
        ("\"warn\"", "\"warning\"", 5, "core_settings.log_level", "not one of", "one of \"off\", \"error\""),
        ("\"warn\"", "\"wran\"", 5, "core_settings.log_level", "not one of", "\"warn\"?"),
        ("\"warn\"", "3", 5, "core_settings.log_level", "is a value of type integer", "a text in quotes"),
        (
            "log_timestamp = false",
            "log_timestamp = \"no\"",
            6,
            "core_settings.log_timestamp",
            "string",
            "true or false",
        ),
        (
            "body_len_limit = 1048576",
            "body_len_limit = 0",
            7,
            "core_settings.body_len_limit",
            "range",
            "from 1 to",
        ),
        (
            "body_len_limit = 1048576",
            "body_len_limit = -1",
            7,
            "core_settings.body_len_limit",
            "range",
            "bytes",
        ),
        (
            "body_len_limit = 1048576",
            "body_len_limit = 1e6",
            7,
            "core_settings.body_len_limit",
            "float",
            "whole number",
        ),
        (
            "body_len_limit = 1048576",
            "body_len_limit = 99999999999999999999999999",
            7,
            "core_settings.body_len_limit",
            "range",
            "134217728 bytes",
        ),
        (
            "allow_deprecated = false",
            "request_timeout = 0",
            11,
            "core_settings.request_timeout",
            "range",
            "1 to",
        ),
        (
            "allow_deprecated = false",
            "audit_log = \"\"",
            11,
            "core_settings.audit_log",
            "not a path",
            "write a path",
        ),
        (
            "allow_deprecated = false",
            "allowed_modules = [\"/a\", 2]",
            11,
            "core_settings.allowed_modules",
            "integer",
            "texts in quotes",
        ),
        ("timeout = 200", "timeout = 0", 15, "listener.timeout", "with 0 no client", "such as 200"),
        ("\"DomainSocket\"", "\"TcpSocket\"", 14, "listener.listener_type", "not one of", "\"DomainSocket\""),
        ("timeout = 200", "socket_mode = \"rw\"", 15, "listener.socket_mode", "permissions", "\"0660\""),
        ("timeout = 200", "socket_mode = \"1666\"", 15, "listener.socket_mode", "permissions", "octal"),
        (
            "timeout = 200",
            "authenticators = []",
            15,
            "listener.authenticators",
            "accepts nobody",
            "at least one",
        ),
        (
            "timeout = 200",
            "authenticators = [\"Direct\"]",
            15,
            "listener.authenticators",
            "no [[authenticator]] has this type",
            "add an [[authenticator]]",
        ),
        (
            "timeout = 200",
            "authenticators = [\"Drect\"]",
            15,
            "listener.authenticators",
            "not one of",
            "\"Direct\"?",
        ),
        ("timeout = 200", "providers = []", 15, "listener.providers", "shows no provider", "at least one"),
        (
            "timeout = 200",
            "providers = [\"x\"]",
            15,
            "listener.providers",
            "no [[provider]]",
            "its default name",
        ),
        (
            "timeout = 200",
            "providers = [\"mbed-crypto-provider\", \"mbed-crypto-provider\"]",
            15,
            "listener.providers",
            "twice",
            "each once",
        ),
        (
            "auth_type = \"UnixPeerCredentials\"",
            "auth_type = \"JwtSvid\"\nworkload_endpoint = \"unix:/x\"",
            19,
            "authenticator.auth_type",
            "JwtSvid is not available in this version",
            "UnixPeerCredentials",
        ),
        (
            "auth_type = \"UnixPeerCredentials\"",
            "",
            18,
            "authenticator.auth_type",
            "is missing",
            "write auth_type",
        ),
        ("{ name = \"1001\" }", "{ }", 20, "authenticator.admins.name", "is missing", "name of the admin"),
        (
            "{ name = \"1001\" }",
            "{ nam = \"1\", name = \"1\" }",
            20,
            "authenticator.admins.nam",
            "unknown",
            "`name`",
        ),
        ("{ name = \"1001\" }", "\"1001\"", 20, "authenticator.admins", "type string", "as a table"),
        (
            "manager_type = \"SQLite\"",
            "manager_type = \"Sqlite\"",
            24,
            "key_manager.manager_type",
            "not one",
            "\"SQLite\"?",
        ),
        (
            "manager_type = \"SQLite\"",
            "",
            22,
            "key_manager.manager_type",
            "is missing",
            "manager_type = \"SQLite\"",
        ),
        (
            "key_info_manager = \"sqlite-manager\"",
            "key_info_manager = \"on-disk-manager\"",
            30,
            "provider.key_info_manager",
            "no [[key_manager]] has this name",
            "as it stands there",
        ),
        ("provider_type = \"MbedCrypto\"", "", 27, "provider.provider_type", "is missing", "MbedCrypto"),
        (
            "provider_type = \"MbedCrypto\"",
            "provider_type = \"Mbedcrypto\"",
            28,
            "provider.provider_type",
            "not one",
            "\"MbedCrypto\"?",
        ),
        ("\"mbed-crypto-provider\"", "\"\"", 29, "provider.name", "is empty", "default"),
        ("\"mbed-crypto-provider\"", "\"p\"\nhosts = 0", 30, "provider.hosts", "range", "1 to 64"),
        (
            "\"mbed-crypto-provider\"",
            "\"p\"\nlibrary_path = \"x\"",
            30,
            "provider.library_path",
            "unknown key",
            "known here",
        ),
        ("timeout = 200", "timeout = 200 200", 15, "", "not TOML", "check quotes"),
        ("timeout = 200", "timeout = 200\ntimeout = 300", 16, "timeout", "a second time", "keep one"),
        ("[listener]", "[core_settings]", 13, "core_settings", "a second time", "keep one"),
    ];
    for (from, to, line, key, message, remedy) in cases {
        let text = changed(from, to);
        let errors = parse(&text).map(|_| panic!("accepted:\n{text}")).unwrap_err();
        // A table given twice leaves its other keys without a home; everything else is one mistake.
        if from != "[listener]" {
            assert_eq!(errors.0.len(), 1, "{errors}");
        }
        let error = errors.0.iter().find(|error| error.message.contains(message)).unwrap_or_else(|| {
            panic!("no {message:?} in {errors}");
        });
        let position = error.position.unwrap();
        assert_eq!((position.line, error.key.as_str()), (line, key), "{error}");
        assert!(error.remedy.contains(remedy), "{error}");
        let shown = error.to_string();
        assert!(shown.starts_with(&format!("/etc/parsec/config.toml:{line}:")), "{shown}");
    }
}

#[test]
fn providers_that_are_not_there_are_refused_by_name_and_the_rest_of_the_file_is_still_checked() {
    let tpm =
        "provider_type = \"Tpm\"\ntcti = \"mssim\"\nowner_hierarchy_auth = \"hex:00\"\nskip_if_no_tpm = true";
    let pkcs11 = "provider_type = \"Pkcs11\"\nlibrary_path = \"/x.so\"\nslot_number = 1\nuser_pin = \"1\"\n\
                  serial_number = \"1\"\nsoftware_public_operations = true\nallow_export = true";
    let cases = [
        (tpm, "the TPM provider is not available in this version", "MbedCrypto"),
        (pkcs11, "the PKCS#11 provider is not available in this version", "MbedCrypto"),
        ("provider_type = \"TrustedService\"", "no Trusted Service provider", "the software provider"),
        (
            "provider_type = \"CryptoAuthLib\"\ndevice_type = \"atecc508a\"\niface_type = \"i2c\"\nbus = 1",
            "no CryptoAuthLib provider",
            "the software provider",
        ),
    ];
    for (provider, message, remedy) in cases {
        let text = format!("{REFERENCE}[[provider]]\n{provider}\nkey_info_manager = \"sqlite-manager\"\n");
        let error = only(&text);
        assert_eq!((error.position.unwrap().line, error.key.as_str()), (32, "provider.provider_type"));
        assert!(error.message.contains(message) && error.remedy.contains(remedy), "{error}");

        let errors = parse(&text.replace("timeout = 200", "timeuot = 200")).unwrap_err();
        let keys: Vec<&str> = errors.0.iter().map(|error| error.key.as_str()).collect();
        assert_eq!(keys, ["listener.timeuot", "provider.provider_type"]);
    }
}

#[test]
fn an_inline_secret_is_refused_where_the_file_says_so() {
    let text = changed("allow_root = false", "forbid_inline_secrets = true");
    let text = format!(
        "{text}[[provider]]\nprovider_type = \"Tpm\"\ntcti = \"device\"\nowner_hierarchy_auth = \"secret\"\n\
         key_info_manager = \"sqlite-manager\"\n"
    );
    let errors = parse(&text).unwrap_err();
    let found: Vec<(u32, &str)> =
        errors.0.iter().map(|error| (error.position.unwrap().line, error.key.as_str())).collect();
    assert_eq!(found, [(32, "provider.provider_type"), (34, "provider.owner_hierarchy_auth")]);
    assert!(errors.0[1].message.contains("forbid_inline_secrets"));
}

#[test]
fn two_providers_of_a_kind_on_one_listener_are_refused_by_their_lines() {
    let second = "[[provider]]\nprovider_type = \"MbedCrypto\"\nname = \"second\"\nkey_info_manager = \"sqlite-manager\"\n";
    let error = only(&format!("{REFERENCE}{second}"));
    assert_eq!((error.position.unwrap().line, error.key.as_str()), (13, "listener.providers"));
    assert!(error.message.contains("lines 28 and 32"), "{error}");
    assert!(error.remedy.contains("[[listener]]"), "{error}");
}

#[test]
fn names_and_sockets_that_are_taken_are_refused_with_the_line_of_the_first() {
    let provider = "[[provider]]\nprovider_type = \"MbedCrypto\"\nkey_info_manager = \"sqlite-manager\"\n";
    let text = changed("timeout = 200", "providers = [\"mbed-crypto-provider\"]");
    let error = only(&format!("{text}{provider}"));
    assert_eq!((error.position.unwrap().line, error.key.as_str()), (31, "provider.name"));
    assert!(error.message.contains("line 28"), "{error}");

    let manager = "[[key_manager]]\nname = \"sqlite-manager\"\nmanager_type = \"OnDisk\"\n";
    let error = only(&format!("{REFERENCE}{manager}"));
    assert_eq!((error.position.unwrap().line, error.key.as_str()), (32, "key_manager.name"));
    assert!(error.message.contains("line 23"), "{error}");

    let authenticators = "[[authenticator]]\nauth_type = \"Direct\"\n".repeat(2);
    let error =
        only(&format!("{authenticators}{provider}").replace("key_info_manager = \"sqlite-manager\"\n", ""));
    assert_eq!((error.position.unwrap().line, error.key.as_str()), (4, "authenticator.auth_type"));
    assert!(error.message.contains("line 2"), "{error}");

    let listeners = "[[listener]]\nname = \"l\"\nsocket_path = \"/s\"\n[[listener]]\nname = \"l\"\nsocket_path = \"/s\"\n";
    let text = format!("{listeners}[[provider]]\nprovider_type = \"MbedCrypto\"\n");
    let errors = parse(&text).unwrap_err();
    let found: Vec<(u32, &str)> =
        errors.0.iter().map(|error| (error.position.unwrap().line, error.key.as_str())).collect();
    assert_eq!(found, [(5, "listener.name"), (6, "listener.socket_path")]);
    assert!(errors.0.iter().all(|error| error.message.contains("line 1")), "{errors}");
}

#[test]
fn a_timeout_that_differs_between_listeners_is_refused() {
    let listener = |name: &str, timeout: u32| {
        format!("[[listener]]\nname = \"{name}\"\nsocket_path = \"/{name}\"\ntimeout = {timeout}\n")
    };
    let provider = "[[provider]]\nprovider_type = \"MbedCrypto\"\n";
    let error = only(&format!("{}{}{provider}", listener("a", 100), listener("b", 200)));
    assert_eq!((error.position.unwrap().line, error.key.as_str()), (8, "listener.timeout"));
    assert!(error.message.contains("line 4"), "{error}");
    parse(&format!("{}{}{provider}", listener("a", 100), listener("b", 100))).unwrap();
}

#[test]
fn one_store_serves_all_providers_so_two_paths_are_refused() {
    let second = "[[key_manager]]\nname = \"m\"\nmanager_type = \"OnDisk\"\nstore_path = \"/other\"\n\
                  [[provider]]\nprovider_type = \"Tpm\"\ntcti = \"device\"\nkey_info_manager = \"m\"\n";
    let errors = parse(&format!("{REFERENCE}{second}")).unwrap_err();
    let error = errors.0.iter().find(|error| error.key == "key_manager").unwrap();
    assert_eq!(error.position.unwrap().line, 32);
    assert!(error.message.contains("line 23") && error.remedy.contains("one key manager"), "{error}");

    let unnamed = changed("key_info_manager = \"sqlite-manager\"", "");
    let error = only(&format!("{unnamed}[[key_manager]]\nname = \"m\"\nmanager_type = \"OnDisk\"\n"));
    assert_eq!(error.key, "provider.key_info_manager");
    assert!(error.message.contains("several key managers"), "{error}");
}

#[test]
fn a_socket_path_that_the_kernel_cannot_bind_is_refused() {
    let error = only(&changed("/run/parsec/parsec.sock", &format!("/run/{}", "x".repeat(103))));
    assert_eq!((error.position.unwrap().line, error.key.as_str()), (16, "listener.socket_path"));
    assert!(error.message.contains("107 bytes"), "{error}");
    parse(&changed("/run/parsec/parsec.sock", &format!("/run/{}", "x".repeat(102)))).unwrap();
}

#[test]
fn a_file_without_a_provider_is_refused() {
    let error = only("[core_settings]\n");
    assert_eq!((error.position, error.key.as_str()), (None, "provider"));
    assert!(error.remedy.contains("[[provider]]"), "{error}");
}

#[test]
fn sections_must_be_tables() {
    let errors = parse("core_settings = 1\nlistener = [1]\nprovider = \"x\"\n").unwrap_err();
    let found: Vec<(u32, &str)> =
        errors.0.iter().map(|error| (error.position.unwrap().line, error.key.as_str())).collect();
    assert_eq!(found, [(1, "core_settings"), (2, "listener"), (3, "provider")]);
    let error = only("[[core_settings]]\n[[core_settings]]\n[[provider]]\nprovider_type = \"MbedCrypto\"\n");
    assert_eq!((error.position.unwrap().line, error.key.as_str()), (2, "core_settings"));
}

#[test]
fn all_mistakes_are_reported_in_the_order_of_the_file() {
    let text = REFERENCE
        .replace("\"warn\"", "\"loud\"")
        .replace("timeout = 200", "timeout = 0")
        .replace("\"SQLite\"", "7")
        .replace("hosts", "host")
        .replace("provider_type = \"MbedCrypto\"", "provider_typ = \"MbedCrypto\"");
    let errors = parse(&text).unwrap_err();
    let found: Vec<(u32, &str)> =
        errors.0.iter().map(|error| (error.position.unwrap().line, error.key.as_str())).collect();
    let expected = [
        (5, "core_settings.log_level"),
        (15, "listener.timeout"),
        (24, "key_manager.manager_type"),
        (27, "provider.provider_type"),
        (28, "provider.provider_typ"),
    ];
    assert_eq!(found, expected);
    assert_eq!(errors.to_string().lines().count(), 5);
}

#[test]
fn columns_count_characters() {
    let error = only(&changed("socket_path = \"/run/parsec/parsec.sock\"", "\"é\" = 1"));
    assert_eq!(error.key, "listener.(a key in quotes)");
    let error = only("provider = [{ name = \"é\", provider_type = 1 }]");
    assert_eq!((error.position.unwrap().line, error.position.unwrap().column), (1, 43));
}
