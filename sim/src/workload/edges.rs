//! What is exactly as long as it may be, one shorter, one longer, or as short as can be.

use super::{Auth, Call, Meaning, Workload};
use crate::random::{Domain, Random};
use parsecd_wire::{AuthenticationType, Status};

/// Where in a header its authentication type is (wire-protocol.md 2).
const AUTHENTICATION_TYPE: usize = 21;

impl Workload {
    /// The name of a key.
    pub(super) fn key_name(&self, number: u64) -> String {
        let longest = self.limits.key_name as usize;
        match number {
            0 => String::new(),
            1 => "a/b\0c\n".to_owned(),
            2 => "🔑".to_owned(),
            3 | 6 => "x".repeat(longest),
            4 => "k".to_owned(),
            5 => "x".repeat(longest - 1),
            7 => "x".repeat(longest + 1),
            _ => format!("key {number}"),
        }
    }

    /// Clients that name themselves in no or in very many letters.
    pub(super) fn odd_name(&self, random: &mut Random) -> Auth {
        let longest = self.limits.application_name as usize;
        let length =
            *random.pick(Domain::Workload, &[0, 1, longest - 1, longest, longest, longest + 1, 65_535]);
        Auth::Direct("n".repeat(length))
    }

    /// How many random bytes a client asks for.
    pub(super) fn random_size(&self, random: &mut Random) -> u64 {
        let most = self.limits.buffer_size.min(self.limits.response);
        let edge = *random.pick(Domain::Workload, &[most.saturating_sub(1), most, most, most + 1, u64::MAX]);
        *random.pick(Domain::Workload, &[0, 1, 16, 64, 2048, 2049, edge, edge])
    }

    /// A client whose name is empty or too long is nobody (wire-protocol.md 9, decisions.md 1): that is told before
    /// its request is read.
    pub(super) fn refuse_name(&self, call: &mut Call, auth: &Auth) {
        let Auth::Direct(name) = auth else { return };
        let shown = call.bytes.get(AUTHENTICATION_TYPE) == Some(&AuthenticationType::Direct.number());
        let framed = !matches!(call.meaning, Meaning::Anonymous(_) | Meaning::Incomplete);
        let good = (1..=self.limits.application_name as usize).contains(&name.len());
        if shown && framed && !good {
            call.meaning = Meaning::Fixed(Status::AuthenticationError);
            call.application = None;
        }
    }
}
