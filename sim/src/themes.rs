//! Worlds that are drawn like others and then have one thing happen more often, for it comes about by chance too
//! seldom: it takes a fault, an operation and a moment together.

use crate::plan::{JOB_FAULTS, KINDS, Kind, OPEN_FAULTS, Plan, Weights};
use crate::provider::JobFault;
use crate::random::{Domain, Random};

impl Plan {
    /// Turns a world towards one thing.
    pub(crate) fn favour(&mut self, random: &mut Random) {
        let draw = Domain::Swarm;
        if random.chance(draw, 700) {
            let kept = self.weights.clone();
            self.weights = Weights {
                operations: kept.operations,
                read_time: kept.read_time,
                splits: kept.splits,
                crash_within: kept.crash_within,
                stop_within: kept.stop_within,
                reload_within: kept.reload_within,
                tokens: kept.tokens,
                identity_within: kept.identity_within,
                ..Weights::default()
            };
        }
        match random.between(draw, 0, 11) {
            // A device is busy, once or longer.
            0 => {
                self.only(&[JobFault::Busy], 150);
                self.asks(&[(Kind::Create, 24), (Kind::Sign, 48), (Kind::Random, 12)]);
            }
            // Another token is in the slot when a host that died is back.
            1 => {
                self.only(&[JobFault::HostDiesBefore], 100);
                self.weights.open = 500;
                self.weights.opens = OPEN_FAULTS.map(|other| u32::from(other == JobFault::OtherDevice));
                self.asks(&[(Kind::Create, 24), (Kind::Sign, 48), (Kind::ExportPublic, 8)]);
                (self.names, self.applications) = (2, 2);
            }
            // A key that is there is used while its device says that it is not.
            2..5 => {
                self.only(&[JobFault::LoginLost], 400);
                self.asks(&[(Kind::Create, 24), (Kind::Sign, 48)]);
                (self.names, self.applications) = (2, 2);
            }
            // A key is destroyed while it is used.
            5..8 => {
                self.asks(&[(Kind::Create, 24), (Kind::Sign, 64), (Kind::Destroy, 12)]);
                (self.names, self.applications, self.pause) = (1, 1, 200);
                (self.weights.slow, self.weights.misbehaves, self.weights.tokens) = (50, 0, 0);
            }
            // A client leaves while its job runs, and another one comes in its place.
            8 => {
                self.asks(&[(Kind::Create, 16), (Kind::Sign, 48), (Kind::Random, 48)]);
                (self.weights.misbehaves, self.kept, self.pause) = (600, (0, 1), 200);
                self.weights.slow = 50;
            }
            // What a dead host began is finished by the device.
            9 => {
                let late = JobFault::LandsLate;
                self.only(&[late, late, late, JobFault::HostDiesHalfway, JobFault::UnknownAfter], 150);
                self.asks(&[(Kind::Create, 64), (Kind::Destroy, 16)]);
            }
            // A client leaves while its key is made.
            _ => {
                self.asks(&[(Kind::Create, 64), (Kind::Destroy, 24)]);
                (self.weights.misbehaves, self.kept) = (600, (0, 1));
            }
        }
    }

    /// Jobs go wrong in these ways, each as often as it is named.
    fn only(&mut self, faults: &[JobFault], per_mille: u32) {
        self.weights.job = per_mille;
        self.weights.jobs =
            JOB_FAULTS.map(|other| faults.iter().filter(|fault| **fault == other).count() as u32);
    }

    /// Clients ask this and nothing else.
    fn asks(&mut self, kinds: &[(Kind, u32)]) {
        self.weights.operations = [0; KINDS.len()];
        for (kind, weight) in kinds {
            let index = KINDS.iter().position(|other| other == kind);
            index.into_iter().for_each(|index| self.weights.operations[index] = *weight);
        }
    }
}
