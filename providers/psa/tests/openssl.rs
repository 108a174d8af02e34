//! OpenSSL accepts signatures and ciphertexts: they are those of the standards, not only those of this
//! library.

mod support;

use parsecd_core::job::KeyOperation;
use parsecd_wire::SecretBytes;
use parsecd_wire::algorithm::{AsymmetricEncryption, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::KeyType;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::*;

struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn file(&self, name: &str, content: &[u8]) {
        fs::write(self.0.join(name), content).unwrap();
    }

    fn openssl(&self, arguments: &str) -> String {
        let output = Command::new("openssl")
            .current_dir(&self.0)
            .args(arguments.split_whitespace())
            .output()
            .expect("openssl is one of the packages that `make deps` installs");
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn openssl_verifies_rsa_signatures_of_every_kind_of_hash() {
    let directory = Directory::new("rsa");
    with_provider(|provider| {
        let key = made(generate(provider, attributes(KeyType::RsaKeyPair, 2048)));
        directory.file("public.der", &key.public);
        directory.openssl("rsa -RSAPublicKey_in -inform DER -in public.der -pubout -out public.pem");
        for (hash, name) in [
            (Hash::Sha256, "sha256"),
            (Hash::Sha512, "sha512"),
            (Hash::Sha512_224, "sha512-224"),
            (Hash::Sha512_256, "sha512-256"),
            (Hash::Sha3_224, "sha3-224"),
            (Hash::Sha3_256, "sha3-256"),
            (Hash::Sha3_384, "sha3-384"),
            (Hash::Sha3_512, "sha3-512"),
        ] {
            let digest = vec![0x77; hash.length()];
            directory.file("digest", &digest);
            let pkcs1 = AsymmetricSignature::RsaPkcs1v15Sign(SignHash::Specific(hash));
            directory.file("signature", &output(sign(provider, &key, pkcs1, &digest)));
            let verify = format!(
                "pkeyutl -verify -pubin -inkey public.pem -in digest -sigfile signature -pkeyopt digest:{name}"
            );
            let said = directory.openssl(&verify);
            assert!(said.contains("Verified Successfully"), "PKCS #1 v1.5 {name}: {said}");

            let pss = AsymmetricSignature::RsaPss(SignHash::Specific(hash));
            if matches!(hash, Hash::Sha512_224 | Hash::Sha512_256) {
                assert_eq!(sign(provider, &key, pss, &digest), NOT_SUPPORTED);
                continue;
            }
            directory.file("signature", &output(sign(provider, &key, pss, &digest)));
            let length = hash.length();
            let verify = format!("{verify} -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:{length}");
            let said = directory.openssl(&verify);
            assert!(said.contains("Verified Successfully"), "PSS {name}: {said}");
        }
    });
}

#[test]
fn openssl_decrypts_what_the_public_key_encrypted_with_a_label() {
    let directory = Directory::new("oaep");
    with_provider(|provider| {
        let key = made(generate(provider, attributes(KeyType::RsaKeyPair, 2048)));
        directory.file("pair.der", export(provider, &key).expose());
        for (hash, name) in [(Hash::Sha1, "sha1"), (Hash::Sha256, "sha256"), (Hash::Sha512, "sha512")] {
            let operation = KeyOperation::AsymmetricEncrypt {
                algorithm: AsymmetricEncryption::RsaOaep(hash),
                plaintext: SecretBytes::from(b"plaintext".as_slice()),
                salt: vec![0xAB, 0xCD],
            };
            directory.file("ciphertext", &output(key_use(provider, &key, operation)));
            let said = directory.openssl(&format!(
                "pkeyutl -decrypt -keyform DER -inkey pair.der -in ciphertext -pkeyopt rsa_padding_mode:oaep \
                 -pkeyopt rsa_oaep_md:{name} -pkeyopt rsa_mgf1_md:{name} -pkeyopt rsa_oaep_label:abcd"
            ));
            assert_eq!(said, "plaintext", "{name}");
        }
    });
}
