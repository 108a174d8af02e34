//! The unmodified parsec-tool 0.7.0 against the service: every subcommand that the software provider serves,
//! its outputs checked with OpenSSL.

use crate::keys::ecdsa_key;
use crate::service::{DIRECT, Service, UNIX_PEER, admin};
use crate::tool::Tool;
use parsecd_client::{Authentication, Client};

/// What parsec-tool is called under Direct authentication.
const TOOL: &str = "parsec-tool";

fn uid() -> String {
    rustix::process::geteuid().as_raw().to_string()
}

fn direct_first() -> Service {
    Service::with_authenticators(&[DIRECT, &admin(TOOL), UNIX_PEER].concat())
}

fn unix_peer_first() -> Service {
    Service::with_authenticators(&[UNIX_PEER, &admin(&uid()), DIRECT].concat())
}

#[test]
fn the_service_tells_what_it_is() {
    let service = direct_first();
    let tool = Tool::new(&service);
    assert_eq!(tool.output(&["ping"]), "1.0\n");
    let providers = ids(&tool.output(&["list-providers"]));
    assert_eq!(providers, ["0x01 (Mbed Crypto provider)", "0x00 (Core provider)"]);
    let authenticators = ids(&tool.output(&["list-authenticators"]));
    assert_eq!(
        authenticators,
        ["0x01 (Direct authentication)", "0x03 (Unix Peer Credentials authentication)"]
    );
    assert_eq!(
        sorted(&tool.output(&["list-opcodes"])),
        [
            "0x01 (Ping)",
            "0x08 (ListProviders)",
            "0x09 (ListOpcodes)",
            "0x0e (ListAuthenticators)",
            "0x1a (ListKeys)"
        ]
    );
    let served = sorted(&tool.output(&["list-opcodes", "-p", "1"]));
    for opcode in [
        "0x02 (PsaGenerateKey)",
        "0x03 (PsaDestroyKey)",
        "0x04 (PsaSignHash)",
        "0x05 (PsaVerifyHash)",
        "0x06 (PsaImportKey)",
        "0x07 (PsaExportPublicKey)",
        "0x0a (PsaAsymmetricEncrypt)",
        "0x0b (PsaAsymmetricDecrypt)",
        "0x0c (PsaExportKey)",
        "0x0d (PsaGenerateRandom)",
        "0x0f (PsaHashCompute)",
        "0x10 (PsaHashCompare)",
        "0x20 (CanDoCrypto)",
    ] {
        assert!(served.iter().any(|line| line == opcode), "{opcode} is missing in {served:?}");
    }
}

/// What follows `ID: ` in the lines of a list.
fn ids(output: &str) -> Vec<String> {
    output.lines().filter_map(|line| line.strip_prefix("ID: ")).map(str::to_owned).collect()
}

fn sorted(output: &str) -> Vec<String> {
    let mut lines: Vec<String> = output.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn keys_are_created_listed_and_deleted_under_direct_authentication() {
    keys_are_created_listed_and_deleted(&Tool::new(&direct_first()));
}

#[test]
fn keys_are_created_listed_and_deleted_with_unix_peer_credentials() {
    keys_are_created_listed_and_deleted(&Tool::new(&unix_peer_first()));
}

fn keys_are_created_listed_and_deleted(tool: &Tool<'_>) {
    assert_eq!(tool.output(&["list-keys"]), "");
    tool.output(&["create-ecc-key", "-k", "ecc 🔑"]);
    tool.output(&["create-rsa-key", "-k", "rsa"]);
    tool.output(&["create-rsa-key", "-k", "rsa oaep", "--oaep"]);
    tool.output(&["create-rsa-key", "-k", "rsa sign", "--for-signing", "--bits", "3072"]);
    let provider = "Mbed Crypto provider";
    assert_eq!(
        sorted(&tool.output(&["list-keys"])),
        [
            format!(
                "* ecc 🔑 ({provider}, EccKeyPair {{ curve_family: SecpR1 }}, 256 bits, permitted algorithm: \
                 AsymmetricSignature(Ecdsa {{ hash_alg: Specific(Sha256) }}))"
            ),
            format!(
                "* rsa ({provider}, RsaKeyPair, 2048 bits, permitted algorithm: \
                 AsymmetricEncryption(RsaPkcs1v15Crypt))"
            ),
            format!(
                "* rsa oaep ({provider}, RsaKeyPair, 2048 bits, permitted algorithm: \
                 AsymmetricEncryption(RsaOaep {{ hash_alg: Sha256 }}))"
            ),
            format!(
                "* rsa sign ({provider}, RsaKeyPair, 3072 bits, permitted algorithm: \
                 AsymmetricSignature(RsaPkcs1v15Sign {{ hash_alg: Specific(Sha256) }}))"
            ),
        ]
    );
    tool.failure(&["create-ecc-key", "-k", "rsa"]);
    for name in ["rsa", "rsa oaep", "rsa sign", "ecc 🔑"] {
        tool.output(&["delete-key", "-k", name]);
        tool.failure(&["delete-key", "-k", name]);
    }
    assert_eq!(tool.output(&["list-keys"]), "");
}

#[test]
fn exported_public_keys_are_read_by_openssl() {
    let service = direct_first();
    let tool = Tool::new(&service);
    tool.output(&["create-ecc-key", "-k", "ecc"]);
    tool.output(&["create-rsa-key", "-k", "rsa"]);
    for (name, says) in [("ecc", "NIST CURVE: P-256"), ("rsa", "Public-Key: (2048 bit)")] {
        let pem = tool.output(&["export-public-key", "-k", name]);
        let text = tool.openssl(&["pkey", "-pubin", "-noout", "-text"], &pem);
        assert!(text.contains(says), "{text}");
    }
    let pkcs1 = tool.output(&["export-public-key", "--pkcs1", "-k", "rsa"]);
    let text = tool.openssl(&["rsa", "-RSAPublicKey_in", "-noout", "-text"], &pkcs1);
    assert!(text.contains("Public-Key: (2048 bit)"), "{text}");
    tool.failure(&["export-public-key", "-k", "missing"]);
}

#[test]
fn signatures_are_verified_by_openssl() {
    let service = unix_peer_first();
    let tool = Tool::new(&service);
    tool.output(&["create-ecc-key", "-k", "ecc"]);
    tool.output(&["create-rsa-key", "-k", "rsa", "--for-signing"]);
    let content = tool.file("content", "what is signed".as_bytes());
    for name in ["ecc", "rsa"] {
        let public = tool.file("public.pem", tool.output(&["export-public-key", "-k", name]).as_bytes());
        let base64 = tool.output(&["sign", "-k", name, "what is signed"]);
        let signature = tool.path("signature");
        tool.openssl(&["base64", "-d", "-A", "-out", &signature], base64.trim_end());
        let verify = ["dgst", "-sha256", "-verify", &public, "-signature", &signature, &content];
        assert_eq!(tool.openssl(&verify, ""), "Verified OK\n", "{name}");
    }
}

#[test]
fn what_the_tool_and_openssl_encrypt_the_tool_decrypts() {
    let service = direct_first();
    let tool = Tool::new(&service);
    tool.output(&["create-rsa-key", "-k", "pkcs1"]);
    tool.output(&["create-rsa-key", "-k", "oaep", "--oaep"]);
    for (name, padding) in [
        ("pkcs1", ["rsa_padding_mode:pkcs1"].as_slice()),
        ("oaep", &["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"]),
    ] {
        let by_tool = tool.output(&["encrypt", "-k", name, "grüße 🔑"]);
        assert_eq!(tool.output(&["decrypt", "-k", name, by_tool.trim_end()]), "grüße 🔑\n");

        let public = tool.file("public.pem", tool.output(&["export-public-key", "-k", name]).as_bytes());
        let ciphertext = tool.path("ciphertext");
        let mut encrypt = vec!["pkeyutl", "-encrypt", "-pubin", "-inkey", &public, "-out", &ciphertext];
        padding.iter().for_each(|option| encrypt.extend(["-pkeyopt", option]));
        tool.openssl(&encrypt, "by OpenSSL");
        let by_openssl = tool.openssl(&["base64", "-A", "-in", &ciphertext], "");
        assert_eq!(tool.output(&["decrypt", "-k", name, &by_openssl]), "by OpenSSL\n");
    }
    tool.failure(&["decrypt", "-k", "oaep", "bm90aGluZw=="]);
}

#[test]
fn certificate_requests_are_verified_by_openssl() {
    let service = direct_first();
    let tool = Tool::new(&service);
    tool.output(&["create-ecc-key", "-k", "ecc"]);
    tool.output(&["create-rsa-key", "-k", "rsa", "--for-signing"]);
    for name in ["ecc", "rsa"] {
        let request =
            tool.output(&["create-csr", "-k", name, "--cn", "parsecd", "--o", "clé", "--san", "example.org"]);
        let text = tool.openssl(&["req", "-verify", "-noout", "-text", "-nameopt", "utf8"], &request);
        assert!(text.contains("CN=parsecd") && text.contains("O=clé"), "{text}");
        assert!(text.contains("DNS:example.org"), "{text}");
    }
}

#[test]
fn random_bytes_come_in_the_number_asked_for() {
    let service = direct_first();
    let tool = Tool::new(&service);
    let draw = |count: &str| tool.output(&["generate-random", "-n", count]);
    let (first, second) = (draw("32"), draw("32"));
    assert_ne!(first, second);
    for line in [first, second] {
        let bytes: Vec<&str> = line.split_whitespace().collect();
        assert!(bytes.len() == 32 && bytes.iter().all(|byte| u8::from_str_radix(byte, 16).is_ok()), "{line}");
    }
    assert_eq!(draw("0"), "\n");
}

#[test]
fn an_admin_lists_and_deletes_clients_of_its_own_authenticator() {
    let service = direct_first();
    let tool = Tool::new(&service);
    tool.output(&["create-ecc-key", "-k", "key"]);
    let plain = Client::new(service.endpoint()).choose_provider().unwrap();
    let other = plain.clone().with_authentication(Authentication::Direct("another".into()));
    let unix = plain.with_authentication(Authentication::UnixPeerCredentials);
    for client in [&other, &unix] {
        client.generate_key("key", ecdsa_key()).unwrap();
    }
    assert_eq!(sorted(&tool.output(&["list-clients"])), ["another", TOOL]);
    tool.output(&["delete-client", "-c", "another"]);
    assert_eq!(tool.output(&["list-clients"]), format!("{TOOL}\n"));
    assert!(other.list_keys().unwrap().is_empty());
    assert_eq!(unix.list_keys().unwrap().len(), 1);
    tool.output(&["delete-client", "-c", "nobody"]);
}

#[test]
fn who_is_no_admin_neither_lists_nor_deletes_clients() {
    let service = Service::with_authenticators(&[UNIX_PEER, &admin(TOOL)].concat());
    let tool = Tool::new(&service);
    tool.output(&["create-ecc-key", "-k", "key"]);
    tool.failure(&["list-clients"]);
    tool.failure(&["delete-client", "-c", &uid()]);
    assert!(tool.output(&["list-keys"]).starts_with("* key "));
}
