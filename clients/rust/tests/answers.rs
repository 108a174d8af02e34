//! What the client makes of answers, right and wrong. The service is played by the test: it is the peer of
//! this library.

mod peer;

use parsecd_client::wire::header::{HEADER_LENGTH, KEEP_CONNECTION, RawHeader, ResponseHeader};
use parsecd_client::wire::{
    AuthenticationType, AuthenticatorInfo, Opcode, Operation, ProviderId, ProviderInfo, Reply, SecretBytes,
    Status, Uuid,
};
use parsecd_client::{Authentication, Error, ProtocolError, TransportError, UsageError};
use peer::{Peer, answer, failure};
use std::io::{Read, Write};
use std::time::Duration;

#[test]
fn a_reply_is_taken_from_exactly_one_answer_whatever_follows() {
    let bytes = [answer(Opcode::Ping, &Reply::Ping { major: 1, minor: 0 }), vec![0xFF; 10]].concat();
    let peer = Peer::answering(bytes);
    assert_eq!(peer.client().ping().unwrap(), (1, 0));
}

#[test]
fn an_answer_may_come_byte_by_byte() {
    let bytes = answer(Opcode::Ping, &Reply::Ping { major: 1, minor: 0 });
    let peer = Peer::new(move |mut stream| {
        peer::read_request(&mut stream);
        for byte in &bytes {
            stream.write_all(std::slice::from_ref(byte)).unwrap();
        }
    });
    assert_eq!(peer.client().ping().unwrap(), (1, 0));
}

#[test]
fn every_truncated_answer_is_an_error_that_says_how_much_came() {
    let bytes = answer(Opcode::Ping, &Reply::Ping { major: 1, minor: 0 });
    for length in 0..bytes.len() {
        let peer = Peer::answering(bytes.get(..length).unwrap().to_vec());
        match peer.client().ping() {
            Err(Error::Transport(TransportError::Truncated { received, .. })) => assert_eq!(received, length),
            other => panic!("{length} bytes: {other:?}"),
        }
    }
}

#[test]
fn the_status_is_looked_at_before_the_opcode() {
    let peer =
        Peer::answering(ResponseHeader::anonymous(Status::DeserializingBodyFailed).to_bytes().to_vec());
    assert!(matches!(peer.client().list_providers(), Err(Error::Service(Status::DeserializingBodyFailed))));
}

#[test]
fn an_answer_to_another_operation_is_refused() {
    let peer = Peer::answering(answer(Opcode::Ping, &Reply::Ping { major: 1, minor: 0 }));
    assert!(matches!(
        peer.client().list_providers(),
        Err(Error::Protocol(ProtocolError::Opcode { sent: Opcode::ListProviders, received: Opcode::Ping }))
    ));
}

#[test]
fn an_unknown_status_is_an_opaque_error() {
    for status in [23, 1144, 1154, u16::MAX] {
        let mut raw = RawHeader::from_bytes(&ResponseHeader::anonymous(Status::Success).to_bytes());
        raw.status = status;
        let peer = Peer::answering(raw.to_bytes().to_vec());
        match peer.client().ping() {
            Err(Error::Protocol(error @ ProtocolError::Header(_))) => {
                assert!(error.to_string().contains(&status.to_string()));
            }
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[test]
fn a_wrong_byte_anywhere_in_a_header_never_panics_and_never_hangs() {
    let good = answer(Opcode::Ping, &Reply::Ping { major: 1, minor: 0 });
    for position in 0..HEADER_LENGTH {
        for value in [0x00, 0x01, 0x80, 0xFF] {
            let mut bytes = good.clone();
            *bytes.get_mut(position).unwrap() = value;
            let peer = Peer::answering(bytes);
            // Fields without meaning in an answer may be anything, all others make it an error.
            if let Ok(version) = peer.client().ping() {
                assert!(version == (1, 0) || position == 22, "byte {position} = {value}: {version:?}");
            }
        }
    }
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let mut raw = RawHeader::from_bytes(&ResponseHeader::anonymous(Status::Success).to_bytes());
    raw.body_length = u32::MAX;
    let peer = Peer::answering(raw.to_bytes().to_vec());
    let client = peer.client().with_response_limit(1 << 20);
    assert!(matches!(
        client.ping(),
        Err(Error::Protocol(ProtocolError::BodyTooLong { announced: u32::MAX, limit: 0x10_0000 }))
    ));
}

#[test]
fn a_body_that_does_not_decode_is_refused() {
    let mut bytes =
        ResponseHeader { body_length: 2, ..ResponseHeader::anonymous(Status::Success) }.to_bytes().to_vec();
    bytes.extend([0x08, 0x80]);
    let peer = Peer::answering(bytes);
    assert!(matches!(
        peer.client().ping(),
        Err(Error::Protocol(ProtocolError::Body { opcode: Opcode::Ping, .. }))
    ));
}

#[test]
fn an_early_refusal_is_read_although_the_request_cannot_be_written() {
    let peer = Peer::new(|mut stream| {
        let mut header = [0; HEADER_LENGTH];
        stream.read_exact(&mut header).unwrap();
        stream.write_all(&failure(Status::BodySizeExceedsLimit)).unwrap();
        // Closing with most of the request unread breaks the client's writing.
    });
    let client = peer.client().with_provider(ProviderId::MbedCrypto);
    let input = vec![0; 8 << 20];
    match client.hash_compute(parsecd_client::wire::algorithm::Hash::Sha256, &input) {
        Err(Error::Service(Status::BodySizeExceedsLimit)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_connection_that_breaks_without_an_answer_reports_the_sending() {
    let peer = Peer::new(drop);
    let client = peer.client().with_provider(ProviderId::MbedCrypto);
    let input = vec![0; 8 << 20];
    match client.hash_compute(parsecd_client::wire::algorithm::Hash::Sha256, &input) {
        Err(Error::Transport(TransportError::Send(_))) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_deadline_covers_a_silent_service_and_a_dripping_one() {
    let total = Duration::from_millis(50);
    let silent = Peer::new(|mut stream| {
        peer::read_request(&mut stream);
        // Until the client gives up.
        let _ = stream.read(&mut [0]);
    });
    assert!(matches!(
        silent.client().with_deadline(total).ping(),
        Err(Error::Transport(TransportError::Deadline(after))) if after == total
    ));
    let dripping = Peer::new(|mut stream| {
        peer::read_request(&mut stream);
        let mut header = ResponseHeader::anonymous(Status::Success);
        header.body_length = 1 << 20;
        let mut alive = stream.write_all(&header.to_bytes()).is_ok();
        while alive {
            std::thread::sleep(Duration::from_millis(5));
            alive = stream.write_all(&[0]).is_ok();
        }
    });
    assert!(matches!(
        dripping.client().with_deadline(total).ping(),
        Err(Error::Transport(TransportError::Deadline(after))) if after == total
    ));
}

#[test]
fn the_deadline_covers_a_service_that_does_not_read() {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let peer = Peer::new(move |stream| {
        let _ = wait.recv();
        drop(stream);
    });
    let client = peer.client().with_provider(ProviderId::MbedCrypto).with_deadline(Duration::from_millis(50));
    let input = vec![0; 8 << 20];
    let outcome = client.hash_compute(parsecd_client::wire::algorithm::Hash::Sha256, &input);
    assert!(matches!(outcome, Err(Error::Transport(TransportError::Deadline(_)))), "{outcome:?}");
    drop(done);
}

#[test]
fn a_deadline_of_nothing_is_an_error_and_not_for_ever() {
    let peer = Peer::answering(Vec::new());
    assert!(matches!(
        peer.client().with_deadline(Duration::ZERO).ping(),
        Err(Error::Transport(TransportError::Deadline(_)))
    ));
}

#[test]
fn nobody_at_the_socket_is_an_error_that_names_it() {
    let client = parsecd_client::Client::new(parsecd_client::Endpoint::at("/nonexistent/parsec.sock"));
    let error = client.ping().unwrap_err();
    assert!(error.to_string().contains("/nonexistent/parsec.sock"), "{error}");
}

#[test]
fn random_bytes_of_another_number_are_refused() {
    for received in [0, 15, 17] {
        let reply = Reply::PsaGenerateRandom { random_bytes: SecretBytes::new(vec![7; received]) };
        let peer = Peer::answering(answer(Opcode::PsaGenerateRandom, &reply));
        match peer.client().with_provider(ProviderId::MbedCrypto).generate_random(16) {
            Err(Error::Protocol(error)) => {
                assert_eq!(error, ProtocolError::RandomLength { asked: 16, received })
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn core_operations_that_need_no_identity_are_sent_without_authentication() {
    let (requests, sent) = std::sync::mpsc::channel();
    let peer = Peer::new(move |mut stream| {
        requests.send(peer::read_request(&mut stream)).unwrap();
        stream.write_all(&failure(Status::ConnectionError)).unwrap();
    });
    let client =
        peer.client().with_authentication(Authentication::Direct("me".into())).with_provider(ProviderId::Tpm);
    client.list_providers().unwrap_err();
    let plain = sent.recv().unwrap();
    assert_eq!(plain.header.authentication_type, AuthenticationType::None.number());
    assert_eq!((plain.header.provider, plain.authentication), (ProviderId::Core.number(), Vec::new()));
    client.list_keys().unwrap_err();
    let core = sent.recv().unwrap();
    assert_eq!(core.header.authentication_type, AuthenticationType::Direct.number());
    assert_eq!((core.header.provider, core.authentication), (ProviderId::Core.number(), b"me".to_vec()));
    client.destroy_key("k").unwrap_err();
    let crypto = sent.recv().unwrap();
    assert_eq!((crypto.header.provider, crypto.authentication), (ProviderId::Tpm.number(), b"me".to_vec()));
    assert_eq!(crypto.header.flags & KEEP_CONNECTION, 0);
    let operation = Operation::decode(Opcode::PsaDestroyKey, crypto.body.as_slice()).unwrap();
    assert_eq!(operation, Operation::PsaDestroyKey { key_name: "k".into() });
}

#[test]
fn cryptography_is_not_asked_of_the_core_provider() {
    let client = parsecd_client::Client::new(parsecd_client::Endpoint::at("/nonexistent/parsec.sock"));
    assert!(matches!(client.destroy_key("k"), Err(Error::Usage(UsageError::CoreProvider))));
}

#[test]
fn the_first_provider_and_the_first_possible_authenticator_are_chosen() {
    let direct_first =
        [AuthenticationType::JwtSvid, AuthenticationType::Direct, AuthenticationType::UnixPeerCredentials];
    let with_name =
        bootstrap(&[ProviderId::Tpm, ProviderId::MbedCrypto, ProviderId::Core], &direct_first, Some("me"));
    let client = with_name.unwrap();
    assert_eq!(client.provider(), ProviderId::Tpm);
    assert_eq!(*client.authentication(), Authentication::Direct("me".into()));
    let without_name = bootstrap(&[ProviderId::Tpm, ProviderId::Core], &direct_first, None).unwrap();
    assert_eq!(*without_name.authentication(), Authentication::UnixPeerCredentials);
}

#[test]
fn a_service_that_offers_nothing_usable_is_refused_with_the_reason() {
    let unix = [AuthenticationType::UnixPeerCredentials];
    let tpm = [ProviderId::Tpm, ProviderId::Core];
    for (providers, authenticators, expected) in [
        ([ProviderId::Core].as_slice(), unix.as_slice(), UsageError::NoProvider),
        (&tpm, &[AuthenticationType::Direct], UsageError::ApplicationNameMissing),
        (&tpm, &[AuthenticationType::JwtSvid], UsageError::NoAuthenticator),
        (&tpm, &[], UsageError::NoAuthenticator),
    ] {
        match bootstrap(providers, authenticators, None) {
            Err(Error::Usage(error)) => assert_eq!(error, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
    }
}

/// Lets a client choose from these lists.
fn bootstrap(
    providers: &[ProviderId],
    authenticators: &[AuthenticationType],
    name: Option<&str>,
) -> Result<parsecd_client::Client, Error> {
    let providers = providers
        .iter()
        .map(|id| ProviderInfo {
            uuid: Uuid([7; 16]),
            description: String::new(),
            vendor: String::new(),
            version: (0, 1, 0),
            id: *id,
        })
        .collect();
    let authenticators = authenticators
        .iter()
        .map(|id| AuthenticatorInfo { description: String::new(), version: (0, 1, 0), id: *id })
        .collect();
    let lists = [
        answer(Opcode::ListProviders, &Reply::ListProviders { providers }),
        answer(Opcode::ListAuthenticators, &Reply::ListAuthenticators { authenticators }),
    ];
    let peer = Peer::new(move |mut stream| {
        let request = peer::read_request(&mut stream);
        let list = if request.header.opcode == Opcode::ListProviders.number() { 0 } else { 1 };
        stream.write_all(&lists[list]).unwrap();
    });
    peer.client().choose_provider()?.choose_authentication(name)
}

#[test]
fn a_refused_creation_is_repeated_once_and_only_if_the_name_is_not_listed() {
    use parsecd_client::wire::algorithm::Algorithm;
    use parsecd_client::wire::attributes::{KeyType, UsageFlags};
    use parsecd_client::wire::{KeyAttributes, KeyInfo};

    let attributes = KeyAttributes {
        key_type: KeyType::Aes,
        bits: 128,
        usage: UsageFlags::default(),
        algorithm: Algorithm::None,
    };
    for (listed, creations) in [("k", 1), ("another", 2)] {
        let (opcodes, asked) = std::sync::mpsc::channel();
        let keys = vec![KeyInfo { provider: ProviderId::Tpm, name: listed.into(), attributes }];
        let list = answer(Opcode::ListKeys, &Reply::ListKeys { keys });
        let peer = Peer::new(move |mut stream| {
            let opcode = peer::read_request(&mut stream).header.opcode;
            opcodes.send(opcode).unwrap();
            if opcode == Opcode::ListKeys.number() {
                stream.write_all(&list).unwrap();
            } else {
                stream.write_all(&failure(Status::PsaErrorAlreadyExists)).unwrap();
            }
        });
        let outcome = peer.client().with_provider(ProviderId::Tpm).generate_key("k", attributes);
        assert!(matches!(outcome, Err(Error::Service(Status::PsaErrorAlreadyExists))));
        let count = asked.try_iter().filter(|opcode| *opcode == Opcode::PsaGenerateKey.number()).count();
        assert_eq!(count, creations, "{listed} is listed");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(500))]

    #[test]
    fn no_answer_breaks_the_client(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200), flip in 0..HEADER_LENGTH, mask in 0..3_u8) {
        for operation in [Operation::ListProviders, Operation::ListKeys, Operation::PsaExportKey { key_name: "k".into() }] {
            let mut header = ResponseHeader::anonymous(Status::Success);
            header.opcode = operation.opcode();
            header.body_length = body.len() as u32;
            let mut bytes = header.to_bytes();
            bytes[flip] ^= mask;
            let peer = Peer::answering([bytes.as_slice(), &body].concat());
            // Reply or error, whatever it is: it returns.
            let outcome = peer.client().with_deadline(Duration::from_secs(20)).request(ProviderId::Core, &operation);
            let deadline = matches!(outcome, Err(Error::Transport(TransportError::Deadline(_))));
            proptest::prop_assert!(!deadline);
        }
    }
}
