//! The fake identity provider: issues tokens, publishes the keys that verify them, and fails.
//!
//! Assumed of a real one (JWT-SVID, SPIFFE Workload API): whoever verifies has a bundle of keys and needs
//! nobody else; a rotation changes the bundle, with the old key still in it for a while or not; a token
//! names its key, its audience, its subject and the time it is valid. Times are the issuer's, which are right.

use crate::canary::MARK;
use crate::random::{Domain, Random};
use parsecd_core::config::Limits;
use parsecd_core::input::TokenVerdict;
use parsecd_core::time::WallTime;
use std::collections::BTreeSet;

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// A token and whom it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Subject: a SPIFFE id.
    pub name: String,
    /// Distinguishes all tokens.
    pub serial: u64,
    /// As it is sent.
    pub bytes: Vec<u8>,
}

/// The identity provider.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    /// It answers nobody.
    pub down: bool,
    signing: u32,
    bundle: BTreeSet<u32>,
    serial: u64,
    /// Real time in milliseconds.
    pub time: i64,
    /// Tokens that are wrong, per mille.
    pub wrong: u32,
    /// Longest life of a token that is accepted, in milliseconds.
    longest: i64,
}

impl Identities {
    /// One that publishes its first key; so many tokens of a thousand are wrong.
    pub fn new(wrong: u32, limits: &Limits) -> Self {
        let longest = limits.token_lifetime.as_millis() as i64;
        Identities { bundle: [0].into(), wrong, longest, ..Identities::default() }
    }

    /// Issues a token; a few are not good.
    pub fn issue(&mut self, name: &str, random: &mut Random) -> Token {
        let draw = Domain::Identity;
        self.serial += 1;
        let (mut key, mut audience, mut padding) = (self.signing, "parsecd", 0);
        let (mut from, mut until) = (self.time - HOUR, self.time + HOUR);
        let wrong = random.chance(draw, self.wrong);
        match if wrong { random.between(draw, 0, 7) } else { u64::MAX } {
            0 => until = self.time - 1,
            1 => until = self.time + random.between(draw, 0, 200) as i64,
            2 => (from, until) = (self.time + HOUR, self.time + 2 * HOUR),
            3 => until = from + self.longest + 1,
            4 => audience = "somebody else",
            5 => key = 1_000_000,
            6 => padding = 60_000,
            7 => from = self.time + random.between(draw, 0, 200) as i64,
            _ => {}
        }
        let (signature, padding) = (String::from_utf8_lossy(MARK), "x".repeat(padding));
        let text = format!("{}|{key}|{audience}|{from}|{until}|{name}|{signature}{padding}", self.serial);
        Token { name: name.to_owned(), serial: self.serial, bytes: text.into_bytes() }
    }

    /// Another key signs from now on; `overlaps`: the one before still verifies.
    pub fn rotate(&mut self, overlaps: bool) {
        let before = self.signing;
        self.signing += 1;
        self.bundle.clear();
        self.bundle.insert(self.signing);
        if overlaps {
            self.bundle.insert(before);
        }
    }

    /// Says whose token this is, and its serial number.
    pub fn verify(&self, token: &[u8]) -> (u64, TokenVerdict) {
        let text = String::from_utf8_lossy(token);
        let mut fields = text.split('|');
        let mut next = || fields.next().unwrap_or_default();
        let (serial, key, audience) = (next(), next(), next());
        let (from, until, name) = (next(), next(), next());
        let serial = serial.parse().unwrap_or_default();
        let known = key.parse().is_ok_and(|key: u32| self.bundle.contains(&key));
        let verdict = match (from.parse(), until.parse()) {
            _ if self.down => TokenVerdict::Unavailable,
            (Ok(from), Ok(until)) if known && audience == "parsecd" => TokenVerdict::Genuine {
                name: name.into(),
                valid_from: WallTime(from),
                valid_until: WallTime(until),
            },
            _ => TokenVerdict::Refused,
        };
        (serial, verdict)
    }

    /// It answers, and issues nothing but good tokens.
    pub fn heal(&mut self) {
        self.down = false;
        self.wrong = 0;
    }
}
