//! Every frame of the table of malformed input (wire-protocol.md 5), through a real socket.

mod support;

use serde_json::Value;
use support::{Options, Place, bytes, hex, send};

struct Row {
    name: String,
    frame: Vec<u8>,
    shuts: bool,
    after_timeout: bool,
    expected: Value,
}

fn rows() -> Vec<Row> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../wire/tests/vectors.json");
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let row = |row: &Value| {
        let mut frame = bytes(&text(&row["hex"]));
        if let Some(repeat) = row.get("then_repeat") {
            let count = usize::try_from(repeat["count"].as_u64().unwrap()).unwrap();
            frame.resize(frame.len() + count, bytes(&text(&repeat["byte_hex"]))[0]);
        }
        assert_eq!(Some(frame.len() as u64), row["total_len"].as_u64());
        Row {
            name: text(&row["name"]),
            frame,
            shuts: text(&row["client_after_sending"]).starts_with("shuts"),
            after_timeout: row["expected"]["delay"] != "none",
            expected: row["expected"].clone(),
        }
    };
    vectors["malformed"].as_array().unwrap().iter().map(row).collect()
}

/// The whole answer; or, where the table leaves the body open, its header fields and a body.
fn check(row: &Row, answer: &[u8]) {
    if let Some(expected) = row.expected["response_hex"].as_str() {
        assert_eq!(hex(answer), expected, "{}", row.name);
        return;
    }
    assert!(answer.len() > 36, "{}: {}", row.name, hex(answer));
    let number = |range: std::ops::Range<usize>| {
        answer[range].iter().rev().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte))
    };
    let fields = [("status", 32..34), ("provider", 10..11), ("opcode", 28..32), ("session", 11..19)];
    for (name, range) in fields {
        assert_eq!(Some(number(range)), row.expected[name].as_u64(), "{}: {name}", row.name);
    }
    assert_eq!(number(22..26), answer.len() as u64 - 36, "{}: body length", row.name);
}

fn run(rows: &[Row], timeout_ms: u64) {
    use std::io::Read;
    let place = Place::new(&Options { timeout_ms, ..Options::default() });
    let daemon = place.start();
    for row in rows {
        let mut socket = daemon.connect();
        send(&mut socket, &row.frame);
        if row.shuts {
            socket.shutdown(std::net::Shutdown::Write).unwrap();
        }
        let mut answer = Vec::new();
        match socket.read_to_end(&mut answer) {
            Ok(_) => check(row, &answer),
            Err(error) => panic!("{}: {error} after {}", row.name, hex(&answer)),
        }
    }
}

/// The timeout is so long that an answer which waited for it would not come in time.
#[test]
fn malformed_frames_get_exactly_their_answer_at_once_then_the_end_of_the_stream() {
    let rows: Vec<Row> = rows().into_iter().filter(|row| !row.after_timeout).collect();
    assert_eq!(rows.len(), 85);
    run(&rows, 600_000);
}

#[test]
fn frames_that_never_end_get_connection_error_after_the_timeout_then_the_end_of_the_stream() {
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.after_timeout).collect();
    assert_eq!(rows.len(), 6);
    run(&rows, 300);
}
