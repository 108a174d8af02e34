//! Any split of the bytes of a request gives the same frame, or the same refusal after the same byte.

use bytes::Buf;
use parsecd_core::connection::{Frame, FrameReader, Progress};
use parsecd_wire::header::HEADER_LENGTH;
use parsecd_wire::{RawHeader, Status};
use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher};

const LIMIT: u32 = 1 << 20;

/// What a reader made of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Incomplete,
    Complete { header: RawHeader, body: Vec<u8>, authentication: Vec<u8> },
    Failed(Status),
}

/// Steps 1 to 8 of wire-protocol.md 4 for a stream that is there as a whole, and how many bytes of it are
/// used.
fn by_the_table(stream: &[u8]) -> (usize, Outcome) {
    let incomplete = (stream.len(), Outcome::Incomplete);
    let Some(magic) = stream.get(..4) else { return incomplete };
    if magic != [0x10, 0xA7, 0xC0, 0x5E] {
        return (4, Outcome::Failed(Status::InvalidHeader));
    }
    let Some(size) = stream.get(4..6) else { return incomplete };
    let size = usize::from(u16::from_le_bytes(size.try_into().unwrap()));
    let Some(rest_of_header) = stream.get(6..6 + size) else { return incomplete };
    if size != 30 {
        return (6 + size, Outcome::Failed(Status::InvalidHeader));
    }
    if rest_of_header[..2] != [1, 0] {
        return (36, Outcome::Failed(Status::WireProtocolVersionNotSupported));
    }
    if rest_of_header[28..] != [0, 0] {
        return (36, Outcome::Failed(Status::InvalidHeader));
    }
    let body = u32::from_le_bytes(rest_of_header[16..20].try_into().unwrap());
    if body > LIMIT {
        return (36, Outcome::Failed(Status::BodySizeExceedsLimit));
    }
    let body_end = 36 + usize::try_from(body).unwrap();
    let end = body_end + usize::from(u16::from_le_bytes(rest_of_header[20..22].try_into().unwrap()));
    let Some(authentication) = stream.get(body_end..end) else { return incomplete };
    let header = RawHeader::from_bytes(stream[..36].try_into().unwrap());
    let body = stream[36..body_end].to_vec();
    (end, Outcome::Complete { header, body, authentication: authentication.to_vec() })
}

fn contents(frame: Frame) -> Outcome {
    let Frame { header, mut body, authentication } = frame;
    let mut bytes = vec![0; body.remaining()];
    body.copy_to_slice(&mut bytes);
    Outcome::Complete { header, body: bytes, authentication: authentication.expose().to_vec() }
}

/// Gives `stream` to a reader in the pieces that `cuts` (ascending) make of it.
fn read_in_pieces(stream: &[u8], cuts: &[usize]) -> (usize, Outcome) {
    let mut reader = FrameReader::new(LIMIT);
    let mut start = 0;
    for end in cuts.iter().copied().chain([stream.len()]) {
        let piece = &stream[start..end];
        let push = reader.push(piece);
        match push.progress {
            Progress::Incomplete => assert_eq!(push.consumed, piece.len()),
            Progress::Complete(frame) => return (start + push.consumed, contents(frame)),
            Progress::Failed(status) => return (start + push.consumed, Outcome::Failed(status)),
        }
        start = end;
        assert_eq!(reader.is_empty(), start == 0);
        assert!(reader.wanted() > 0, "an incomplete frame wants more");
        assert!(reader.memory() <= reader.announced().unwrap_or(0) + 256);
        assert_eq!(reader.announced().is_some(), start >= HEADER_LENGTH && stream[4..6] == [30, 0]);
    }
    (stream.len(), Outcome::Incomplete)
}

fn assert_no_cut_matters(name: &str, stream: &[u8], cuts: &[usize]) {
    assert_eq!(read_in_pieces(stream, cuts), by_the_table(stream), "{name}, cut at {cuts:?}");
}

/// All ways to cut the stream into pieces, up to `most` cuts.
fn cut_everywhere(name: &str, stream: &[u8], most: usize) {
    fn deeper(name: &str, stream: &[u8], cuts: &mut Vec<usize>, most: usize) {
        assert_no_cut_matters(name, stream, cuts);
        if most == 0 {
            return;
        }
        for cut in cuts.last().map_or(0, |last| last + 1)..=stream.len() {
            cuts.push(cut);
            deeper(name, stream, cuts, most - 1);
            cuts.pop();
        }
    }
    deeper(name, stream, &mut Vec::new(), most);
}

fn header(body: u32, authentication: u16) -> RawHeader {
    let mut bytes = [0; HEADER_LENGTH];
    bytes[..7].copy_from_slice(&[0x10, 0xA7, 0xC0, 0x5E, 30, 0, 1]);
    RawHeader {
        flags: 0x1234,
        session: 0x0102_0304_0506_0708,
        authentication_type: 1,
        body_length: body,
        authentication_length: authentication,
        opcode: 1,
        status: 0xFFFF,
        ..RawHeader::from_bytes(&bytes)
    }
}

fn stream(header: RawHeader, payload: usize) -> Vec<u8> {
    let payload = (0..payload).map(|at| u8::try_from(at % 251).unwrap());
    header.to_bytes().into_iter().chain(payload).collect()
}

/// A header of `size` bytes after its size field, of which `present` come.
fn sized(size: u16, present: usize) -> Vec<u8> {
    let mut bytes = header(0, 0).to_bytes().to_vec();
    bytes[4..6].copy_from_slice(&size.to_le_bytes());
    bytes.resize(6 + present, 0xA5);
    bytes
}

/// Frames of at most 256 bytes: whole, refused, cut off, and followed by more.
fn small_streams() -> Vec<(&'static str, Vec<u8>)> {
    let ping = header(0, 0);
    vec![
        ("a header alone", stream(ping, 0)),
        ("a body", stream(header(5, 0), 5)),
        ("authentication", stream(header(0, 5), 5)),
        ("body and authentication", stream(header(7, 5), 12)),
        ("256 bytes", stream(header(120, 100), 220)),
        ("the body is short", stream(header(9, 5), 8)),
        ("the authentication is short", stream(header(9, 5), 13)),
        ("more bytes follow", stream(header(3, 2), 40)),
        ("two frames", [stream(header(3, 2), 5), stream(ping, 0)].concat()),
        ("nothing", Vec::new()),
        ("the magic number is cut off", vec![0x10, 0xA7, 0xC0]),
        ("the magic number is wrong", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("the last byte of the magic number is wrong", vec![0x10, 0xA7, 0xC0, 0x5F]),
        ("header size 0", sized(0, 0)),
        ("header size 0, more follows", sized(0, 30)),
        ("header size 10", sized(10, 10)),
        ("header size 29", sized(29, 29)),
        ("header size 29, more follows", sized(29, 31)),
        ("header size 31", sized(31, 31)),
        ("header size 31, 30 follow", sized(31, 30)),
        ("header size 65535, few follow", sized(65535, 200)),
        ("header size 65535, none follow", sized(65535, 0)),
        ("version 0.0", stream(RawHeader { version_major: 0, ..ping }, 0)),
        ("version 1.1", stream(RawHeader { version_minor: 1, ..header(4, 4) }, 8)),
        ("version 2.0 and reserved", stream(RawHeader { version_major: 2, reserved: [1, 0], ..ping }, 0)),
        ("first reserved byte", stream(RawHeader { reserved: [1, 0], ..ping }, 3)),
        ("second reserved byte", stream(RawHeader { reserved: [0, 255], ..header(LIMIT + 1, 0) }, 3)),
        ("the body is too long", stream(header(LIMIT + 1, 0), 0)),
        ("the body is far too long", stream(header(u32::MAX, u16::MAX), 100)),
        ("the longest body, just begun", stream(header(LIMIT, 9), 100)),
    ]
}

/// A frame of `vectors.json`, and how the reference answered it; requests that it was not sent have no
/// answer.
struct Vector {
    name: String,
    stream: Vec<u8>,
    answered: Option<Status>,
}

/// The requests of `vectors.json`, valid and malformed.
fn vectors() -> Vec<Vector> {
    let file: Value = serde_json::from_str(include_str!("../../wire/tests/vectors.json")).unwrap();
    let valid = file["valid"].as_array().unwrap().iter().filter(|vector| vector["kind"] == "request");
    let malformed = file["malformed"].as_array().unwrap().iter();
    valid.chain(malformed).map(vector).collect()
}

fn vector(vector: &Value) -> Vector {
    let hex = vector["hex"].as_str().unwrap().as_bytes();
    let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
    let mut stream: Vec<u8> = hex.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
    if let Some(count) = vector["then_repeat"]["count"].as_u64() {
        assert_eq!(vector["then_repeat"]["byte_hex"], "00");
        stream.resize(stream.len() + usize::try_from(count).unwrap(), 0);
    }
    let status = vector["expected"]["status"].as_u64();
    Vector {
        name: vector["name"].as_str().unwrap().to_owned(),
        stream,
        answered: status.map(|status| Status::from_number(status.try_into().unwrap()).unwrap()),
    }
}

#[test]
fn every_vector_is_refused_by_its_frame_alone_exactly_if_the_reference_says_so() {
    let of_the_frame = [
        Status::InvalidHeader,
        Status::WireProtocolVersionNotSupported,
        Status::BodySizeExceedsLimit,
        Status::ConnectionError,
    ];
    let mut refused = 0;
    for Vector { name, stream, answered } in vectors() {
        let (_, outcome) = read_in_pieces(&stream, &[]);
        let status = match outcome {
            Outcome::Failed(status) => Some(status),
            Outcome::Incomplete => Some(Status::ConnectionError),
            Outcome::Complete { .. } => None,
        };
        assert_eq!(status, answered.filter(|status| of_the_frame.contains(status)), "{name}");
        refused += usize::from(status.is_some());
    }
    assert!(refused >= 20, "{refused} vectors are refused");
}

#[test]
fn two_cuts_anywhere_in_a_vector_change_nothing() {
    let small: Vec<Vector> = vectors().into_iter().filter(|vector| vector.stream.len() <= 256).collect();
    assert!(small.len() >= 100, "{} small vectors", small.len());
    for Vector { name, stream, .. } in small {
        cut_everywhere(&name, &stream, 2);
    }
}

#[test]
fn two_cuts_anywhere_change_nothing() {
    for (name, stream) in small_streams() {
        assert!(stream.len() <= 256, "{name}");
        cut_everywhere(name, &stream, 2);
    }
}

#[test]
fn three_cuts_anywhere_in_a_frame_without_body_change_nothing() {
    cut_everywhere("ping", &stream(header(0, 0), 0), 3);
    cut_everywhere("ping with a name", &stream(header(0, 3), 3), 3);
}

/// What a reader holds, as far as it can tell.
fn state(reader: &FrameReader) -> u64 {
    let mut hasher = DefaultHasher::new();
    reader.hash(&mut hasher);
    hasher.finish()
}

/// From this every way to cut follows, for frames up to 256 bytes: a reader that has been given the first bytes
/// in one piece, and then more in a second one, is in the state of one that was given all of them in one piece.
/// So one that was given them in any number of pieces is in that state after each of them.
#[test]
fn what_a_reader_holds_follows_from_the_bytes_and_not_from_how_they_were_cut() {
    let mut streams = small_streams();
    streams.push(("16 bytes of body", stream(header(16, 0), 16)));
    streams.push(("16 bytes of authentication", stream(header(0, 16), 16)));
    for (name, stream) in streams {
        let (end, outcome) = by_the_table(&stream);
        let unfinished = if outcome == Outcome::Incomplete { end } else { end - 1 };
        let whole = |end: usize| {
            let mut reader = FrameReader::new(LIMIT);
            assert!(matches!(reader.push(&stream[..end]).progress, Progress::Incomplete), "{name}");
            reader
        };
        let states: Vec<u64> = (0..=unfinished).map(|end| state(&whole(end))).collect();
        for first in 0..=unfinished {
            for second in first..=unfinished {
                let mut reader = whole(first);
                reader.push(&stream[first..second]);
                assert_eq!(state(&reader), states[second], "{name}, cut at {first} and {second}");
            }
        }
    }
}

#[test]
fn every_split_of_a_body_of_16_bytes_gives_the_same_frame() {
    let frame = stream(header(16, 0), 16);
    for bits in 0..1_u32 << 16 {
        let cuts: Vec<usize> =
            (0..16).filter(|cut| bits >> cut & 1 == 1).map(|cut| HEADER_LENGTH + cut).collect();
        assert_no_cut_matters("16 bytes of body", &frame, &cuts);
    }
}

#[test]
fn every_split_of_a_short_malformed_frame_gives_the_same_refusal() {
    for bytes in [
        vec![0x10, 0xA7, 0xC0, 0x5F],
        vec![0, 0, 0, 0, 30, 0],
        sized(0, 0),
        sized(1, 1),
        sized(8, 8),
        sized(8, 7),
        sized(10, 10),
    ] {
        for bits in 0..1_u32 << (bytes.len() - 1) {
            let cuts: Vec<usize> = (1..bytes.len()).filter(|cut| bits >> (cut - 1) & 1 == 1).collect();
            assert_no_cut_matters("short", &bytes, &cuts);
        }
    }
}

#[test]
fn bytes_that_drip_in_one_by_one_change_nothing() {
    let mut streams = small_streams();
    streams.push(("a body of several chunks", stream(header(50_000, 40_000), 90_000)));
    streams.push(("header size 65535", sized(65535, 65535)));
    for (name, stream) in streams {
        let cuts: Vec<usize> = (0..=stream.len()).collect();
        assert_no_cut_matters(name, &stream, &cuts);
    }
}

#[test]
fn cuts_around_the_edges_of_chunks_change_nothing() {
    let large = stream(header(50_000, 40_000), 90_000);
    let edges = [0, 16384, 32768, 49152, 50_000, 50_000 + 16384, 90_000];
    let cuts: Vec<usize> = edges
        .iter()
        .flat_map(|edge| [edge + 35, edge + 36, edge + 37])
        .filter(|cut| *cut <= 90_036)
        .collect();
    for (at, first) in cuts.iter().enumerate() {
        assert_no_cut_matters("large", &large, &[*first]);
        for second in &cuts[at..] {
            assert_no_cut_matters("large", &large, &[*first, *second]);
        }
    }
}

#[test]
fn a_body_of_the_limit_is_accepted_and_one_byte_more_is_not() {
    let at_limit = stream(header(LIMIT, 0), LIMIT as usize);
    assert!(matches!(read_in_pieces(&at_limit, &[]), (_, Outcome::Complete { .. })));
    let mut reader = FrameReader::new(LIMIT);
    let push = reader.push(&header(LIMIT + 1, 0).to_bytes());
    assert!(matches!(push.progress, Progress::Failed(Status::BodySizeExceedsLimit)));
    assert_eq!((push.consumed, reader.memory()), (36, 0));
}

#[test]
fn an_overlong_header_is_counted_and_not_kept() {
    let bytes = sized(65535, 65535);
    let mut reader = FrameReader::new(LIMIT);
    assert!(matches!(reader.push(&bytes[..65540]).progress, Progress::Incomplete));
    assert_eq!((reader.memory(), reader.wanted(), reader.announced()), (0, 1, None));
    let push = reader.push(&bytes[65540..]);
    assert!(matches!(push.progress, Progress::Failed(Status::InvalidHeader)));
    assert!(size_of::<FrameReader>() <= 256);
}

#[test]
fn what_is_wanted_leads_from_check_to_check() {
    let bytes = stream(header(6, 4), 10);
    let mut reader = FrameReader::new(LIMIT);
    let mut steps = Vec::new();
    let mut at = 0;
    loop {
        let wanted = usize::try_from(reader.wanted()).unwrap();
        steps.push(wanted);
        let push = reader.push(&bytes[at..at + wanted]);
        at += push.consumed;
        if matches!(push.progress, Progress::Complete(_)) {
            break;
        }
    }
    assert_eq!((steps, at), (vec![4, 2, 30, 10], bytes.len()));
}

#[test]
fn memory_follows_the_bytes_that_came() {
    let mut reader = FrameReader::new(u32::MAX);
    reader.push(&header(u32::MAX, u16::MAX).to_bytes());
    assert_eq!(reader.announced(), Some(u64::from(u32::MAX) + u64::from(u16::MAX)));
    assert_eq!(reader.memory(), 0);
    reader.push(&[1]);
    assert!(reader.memory() <= 16384 + 256);
}

#[test]
#[should_panic(expected = "a reader reads one frame")]
fn pushing_after_the_end_is_an_error_of_the_caller() {
    let mut reader = FrameReader::new(LIMIT);
    reader.push(b"GET /");
    reader.push(b"x");
}

#[test]
fn what_is_printed_holds_no_byte_of_body_or_authentication() {
    let mut reader = FrameReader::new(LIMIT);
    reader.push(&header(6, 6).to_bytes());
    reader.push(b"canary");
    assert_eq!(
        format!("{reader:?}"),
        "FrameReader(body: Chunks(6 bytes, 0 missing), authentication: Chunks(0 bytes, 6 missing))"
    );
    let printed = format!("{:?}", reader.push(b"secret"));
    assert!(printed.contains("SecretBytes(6 bytes)") && !printed.contains("canary"), "{printed}");
    assert!(!printed.contains("99, 97, 110"), "{printed}");
}
