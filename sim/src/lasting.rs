//! What stays broken when only a part of the world heals, and what that explains.

use crate::oracle::Mark;
use crate::plan::{OWNING, SEALING};
use crate::random::{Domain, Random};
use crate::store::GroupFate;
use parsecd_core::ids::ProviderKey;
use parsecd_core::output::WakeReason;

/// How a provider stays broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Its devices answer nothing, not even a log-in.
    Hangs,
    /// Its devices take a log-in, and answer nothing after it.
    HangsAtWork,
    /// Its devices are away.
    Away,
    /// Its hosts die whenever they start.
    HostsDie,
    /// Another token is in the slot.
    OtherDevice,
    /// The PIN is wrong.
    PinWrong,
}

/// How a client stays difficult. It comes again whenever it was sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nuisance {
    /// It sends half of a request.
    Silent,
    /// It keeps its connection and asks no more.
    Idle,
    /// It asks for more than a socket holds, and never reads.
    NeverReads,
}

/// All that stays broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lasting {
    /// A provider.
    pub provider: Option<(ProviderKey, Broken)>,
    /// A client.
    pub client: Option<Nuisance>,
    /// How every group commit goes.
    pub store: Option<GroupFate>,
    /// The identity provider is down.
    pub identity: bool,
}

/// Something that is not over while the core rests otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    /// A connection, or what belongs to it; whether it is the difficult client's, or gone.
    Client(bool),
    /// A host, or a job on it.
    Host(ProviderKey),
    /// A page of rows.
    Page,
    /// A commit.
    Commit,
    /// A deadline.
    Deadline(WakeReason),
    /// Anything else.
    Other,
}

impl Lasting {
    /// What stays broken of this world; in half of the worlds nothing does.
    pub fn draw(random: &mut Random) -> Option<Lasting> {
        let draw = Domain::Healing;
        if !random.chance(draw, 500) {
            return None;
        }
        let first = random.between(draw, 0, 3);
        let mut also = |one: u64| first == one || random.chance(draw, 150);
        let (provider, client, store, identity) = (also(0), also(1), also(2), also(3));
        let mut lasting = Lasting { identity, ..Lasting::default() };
        if provider {
            let broken = *random.pick(
                draw,
                &[
                    Broken::Hangs,
                    Broken::HangsAtWork,
                    Broken::Away,
                    Broken::HostsDie,
                    Broken::OtherDevice,
                    Broken::OtherDevice,
                    Broken::PinWrong,
                ],
            );
            let owns = matches!(broken, Broken::OtherDevice | Broken::PinWrong) || random.chance(draw, 500);
            lasting.provider = Some((if owns { OWNING } else { SEALING }, broken));
        }
        if client {
            let nuisances = [Nuisance::Silent, Nuisance::Idle, Nuisance::NeverReads];
            lasting.client = Some(*random.pick(draw, &nuisances));
        }
        if store {
            let fates = [GroupFate::Refused, GroupFate::Full, GroupFate::FullForAll, GroupFate::Unknown];
            lasting.store = Some(*random.pick(draw, &fates));
        }
        Some(lasting)
    }

    /// Marks of what it is.
    pub fn marks(&self) -> Vec<Mark> {
        let provider = self.provider.map(|(_, broken)| match broken {
            Broken::Hangs => Mark::PartlyHealedProviderHangs,
            Broken::HangsAtWork => Mark::PartlyHealedProviderHangsAtWork,
            Broken::Away => Mark::PartlyHealedProviderAway,
            Broken::HostsDie => Mark::PartlyHealedHostsDie,
            Broken::OtherDevice => Mark::PartlyHealedOtherDevice,
            Broken::PinWrong => Mark::PartlyHealedPinWrong,
        });
        let client = self.client.map(|nuisance| match nuisance {
            Nuisance::Silent => Mark::PartlyHealedClientSilent,
            Nuisance::Idle => Mark::PartlyHealedClientIdle,
            Nuisance::NeverReads => Mark::PartlyHealedClientNeverReads,
        });
        let store = self.store.map(|fate| match fate {
            GroupFate::Refused | GroupFate::Normal => Mark::PartlyHealedStoreReadOnly,
            GroupFate::Full | GroupFate::FullForAll => Mark::PartlyHealedStoreFull,
            GroupFate::Unknown => Mark::PartlyHealedStoreInDoubt,
        });
        let identity = self.identity.then_some(Mark::PartlyHealedIdentityDown);
        [provider, client, store, identity].into_iter().flatten().collect()
    }

    /// Whether one of the faults that stay is why `pending` is not over.
    ///
    /// A wrong PIN and another token explain nothing: who is refused does not try again, and whose device is
    /// another one waits to be told.
    pub fn explains(&self, pending: Pending) -> bool {
        let client = self.client.is_some();
        let retried = self
            .provider
            .filter(|(_, broken)| !matches!(broken, Broken::OtherDevice | Broken::PinWrong))
            .map(|(provider, _)| provider);
        match pending {
            Pending::Client(lasting) => client && lasting,
            // A client may ask what a lane has to do; an object whose row cannot be erased is looked for again.
            Pending::Host(provider) => {
                retried == Some(provider) || client || (provider == OWNING && self.store.is_some())
            }
            Pending::Page => retried.is_some() || self.store.is_some(),
            Pending::Commit => self.store.is_some(),
            Pending::Deadline(reason) => match reason {
                WakeReason::Operation | WakeReason::Reopen => retried.is_some(),
                WakeReason::Settling => retried.is_some() || self.store.is_some(),
                WakeReason::FirstByte
                | WakeReason::Silence
                | WakeReason::Request
                | WakeReason::AnswerTaken
                | WakeReason::Idle
                | WakeReason::Drain
                | WakeReason::Queue => client,
                WakeReason::Accept | WakeReason::Grace => false,
            },
            Pending::Other => false,
        }
    }

    /// Whether an object or a row may be left half done because of it.
    pub fn keeps_lives(&self) -> bool {
        self.store.is_some() || matches!(self.provider, Some((_, Broken::Hangs | Broken::HangsAtWork)))
    }
}
