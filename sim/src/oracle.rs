//! Names of what is checked and of what must be reached, and how often it was.

use crate::faults::Faults;
use crate::limit::Distances;
use std::collections::BTreeMap;

/// An invariant, by its number in the list of invariants, or by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oracle {
    /// I1: nothing of one tenant reaches another.
    I1Isolation,
    /// I2: no acknowledged key is lost, none acknowledged destroyed comes back.
    I2NothingLost,
    /// I3: after recovery and quiescence, provider objects are records.
    I3ObjectsAreRecords,
    /// I4: exactly one answer per complete request, none for an incomplete one but 15.
    I4OneAnswer,
    /// I5: opcode, provider and session are echoed.
    I5Echo,
    /// I6: the identity admitted is the one the client has.
    I6Identity,
    /// I7: memory and entries stay within limits, and go back to nothing.
    I7Memory,
    /// I8: a step does no more than there is.
    I8BoundedStep,
    /// I9: principals that wait share lanes by time, tenants take turns.
    I9Fairness,
    /// I10: a silent client is closed in time, a healthy one never is.
    I10Deadlines,
    /// I11: no text that the core makes shows a secret.
    I11NoSecret,
    /// I12: what is acknowledged is durable.
    I12AckIsDurable,
    /// I13: a damaged record is never interpreted; material comes back as it was made.
    I13Corruption,
    /// I14: no panic.
    I14NoPanic,
    /// I15: after healing every request is answered and the core comes to rest.
    I15Liveness,
    /// I16: another process gets the same hash from the same world.
    I16Determinism,
    /// I17: recovery changes nothing acknowledged, however often it is cut.
    I17Recovery,
    /// I18: a request runs under the configuration it was admitted with.
    I18ReloadIsAtomic,
    /// I19: one audit event for each request that touches keys, before its answer.
    I19Audit,
    /// I20: only legal transitions.
    I20Lifecycle,
    /// Each answer has the status that the request must get.
    PlannedStatus,
    /// Each successful answer holds what was asked for.
    PlannedBody,
    /// What the answers alone say about a name never contradicts itself.
    NamesFromAnswers,
    /// A row is changed only for a request that asks for it.
    ChangeIsAskedFor,
    /// An object is made only when its reservation is durable.
    ReservedBeforeMade,
    /// An object is removed only when no name can lead to it.
    RetiredBeforeRemoved,
    /// A destruction waits for the uses that run.
    DestroyWaitsForUses,
    /// A lane runs one job and holds at most one more.
    LaneDepth,
    /// A connection with unread input is never reset.
    CleanClose,
    /// A PIN that was refused is not tried again before an operator acts.
    PinTriedOnce,
    /// Each answer, read by its specification, says what `wire` reads.
    SpecificationAgrees,
    /// Nobody has more keys or bytes than its quota, and nobody is refused who has fewer.
    Quota,
    /// Nobody waits for a lane for longer than a request may, and a host is killed for what is late only.
    WorkInTime,
    /// Who waits for room gets it as soon as there is some, in order.
    RoomInOrder,
}

impl Oracle {
    /// Every oracle.
    pub const ALL: [Oracle; 34] = [
        Oracle::I1Isolation,
        Oracle::I2NothingLost,
        Oracle::I3ObjectsAreRecords,
        Oracle::I4OneAnswer,
        Oracle::I5Echo,
        Oracle::I6Identity,
        Oracle::I7Memory,
        Oracle::I8BoundedStep,
        Oracle::I9Fairness,
        Oracle::I10Deadlines,
        Oracle::I11NoSecret,
        Oracle::I12AckIsDurable,
        Oracle::I13Corruption,
        Oracle::I14NoPanic,
        Oracle::I15Liveness,
        Oracle::I16Determinism,
        Oracle::I17Recovery,
        Oracle::I18ReloadIsAtomic,
        Oracle::I19Audit,
        Oracle::I20Lifecycle,
        Oracle::PlannedStatus,
        Oracle::PlannedBody,
        Oracle::NamesFromAnswers,
        Oracle::ChangeIsAskedFor,
        Oracle::ReservedBeforeMade,
        Oracle::RetiredBeforeRemoved,
        Oracle::DestroyWaitsForUses,
        Oracle::LaneDepth,
        Oracle::CleanClose,
        Oracle::PinTriedOnce,
        Oracle::SpecificationAgrees,
        Oracle::Quota,
        Oracle::WorkInTime,
        Oracle::RoomInOrder,
    ];
}

/// A situation that runs must reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "names are those of the list of marks")]
pub enum Mark {
    RecoveryFindsUnfinishedMaking,
    RecoveryFinishesRemoval,
    UnreadableRecordDisablesOneKey,
    CrashDuringRecovery,
    LateCompletionForDeadConnection,
    DisconnectWithPartialFrame,
    DeadlineClosesSilentClient,
    ProviderBusyThenOk,
    EffectDoneAnswerLost,
    SameNameRace,
    DestroyOverlapsSign,
    LoginLostLooksAbsent,
    StoreFullThenRoom,
    HalfPairRemoved,
    LateObjectRemoved,
    UnknownCommitBarrier,
    StuckLaneReplaced,
    OtherDeviceQuarantines,
    WaiterLeftKeyFinished,
    CrashWithCommitPending,
    ConnectionLimitReached,
    WrongResultCaught,
    StoppedInGoodOrder,
    DisconnectWithQueuedResponse,
    GroupLimitReached,
    PipelineFullStopsReading,
    ResumesReading,
    OutOfOrderCompletionsReordered,
    FourTenantsSaturated,
    BundleRotatedMidRequest,
    DaemonStoodStill,
    ReloadedUnderLoad,
    ProviderRemovedUnderLoad,
    PinLocked,
    DiedWhileStopping,
    StoreCameBack,
    RestartedWithOtherLimits,
    DowngradedOverNewerRows,
    UpgradedAgain,
    ChangeAskedForAgain,
    ConnectionOutlivesListener,
    RestImpossible,
    PartlyHealedProviderHangs,
    PartlyHealedProviderHangsAtWork,
    PartlyHealedProviderAway,
    PartlyHealedHostsDie,
    PartlyHealedOtherDevice,
    PartlyHealedPinWrong,
    PartlyHealedClientSilent,
    PartlyHealedClientIdle,
    PartlyHealedClientNeverReads,
    PartlyHealedIdentityDown,
    PartlyHealedStoreReadOnly,
    PartlyHealedStoreFull,
    PartlyHealedStoreInDoubt,
    ReloadedDuringRecovery,
    ReloadedWhileStopping,
    AckWaitsForSync,
    LateCompletionForReusedSlot,
    RetriesExhausted,
    QuotaFull,
    QuotaFreedThenRoom,
    WaitsForRoomAlone,
}

impl Mark {
    /// Every mark.
    pub const ALL: [Mark; 63] = [
        Mark::RecoveryFindsUnfinishedMaking,
        Mark::RecoveryFinishesRemoval,
        Mark::UnreadableRecordDisablesOneKey,
        Mark::CrashDuringRecovery,
        Mark::LateCompletionForDeadConnection,
        Mark::DisconnectWithPartialFrame,
        Mark::DeadlineClosesSilentClient,
        Mark::ProviderBusyThenOk,
        Mark::EffectDoneAnswerLost,
        Mark::SameNameRace,
        Mark::DestroyOverlapsSign,
        Mark::LoginLostLooksAbsent,
        Mark::StoreFullThenRoom,
        Mark::HalfPairRemoved,
        Mark::LateObjectRemoved,
        Mark::UnknownCommitBarrier,
        Mark::StuckLaneReplaced,
        Mark::OtherDeviceQuarantines,
        Mark::WaiterLeftKeyFinished,
        Mark::CrashWithCommitPending,
        Mark::ConnectionLimitReached,
        Mark::WrongResultCaught,
        Mark::StoppedInGoodOrder,
        Mark::DisconnectWithQueuedResponse,
        Mark::GroupLimitReached,
        Mark::PipelineFullStopsReading,
        Mark::ResumesReading,
        Mark::OutOfOrderCompletionsReordered,
        Mark::FourTenantsSaturated,
        Mark::BundleRotatedMidRequest,
        Mark::DaemonStoodStill,
        Mark::ReloadedUnderLoad,
        Mark::ProviderRemovedUnderLoad,
        Mark::PinLocked,
        Mark::DiedWhileStopping,
        Mark::StoreCameBack,
        Mark::RestartedWithOtherLimits,
        Mark::DowngradedOverNewerRows,
        Mark::UpgradedAgain,
        Mark::ChangeAskedForAgain,
        Mark::ConnectionOutlivesListener,
        Mark::RestImpossible,
        Mark::PartlyHealedProviderHangs,
        Mark::PartlyHealedProviderHangsAtWork,
        Mark::PartlyHealedProviderAway,
        Mark::PartlyHealedHostsDie,
        Mark::PartlyHealedOtherDevice,
        Mark::PartlyHealedPinWrong,
        Mark::PartlyHealedClientSilent,
        Mark::PartlyHealedClientIdle,
        Mark::PartlyHealedClientNeverReads,
        Mark::PartlyHealedIdentityDown,
        Mark::PartlyHealedStoreReadOnly,
        Mark::PartlyHealedStoreFull,
        Mark::PartlyHealedStoreInDoubt,
        Mark::ReloadedDuringRecovery,
        Mark::ReloadedWhileStopping,
        Mark::AckWaitsForSync,
        Mark::LateCompletionForReusedSlot,
        Mark::RetriesExhausted,
        Mark::QuotaFull,
        Mark::QuotaFreedThenRoom,
        Mark::WaitsForRoomAlone,
    ];
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub oracle: Oracle,
    /// What was seen.
    pub text: String,
}

/// What was checked, what was reached, what is broken.
#[derive(Clone, Debug)]
pub struct Findings {
    evaluated: Vec<u64>,
    marks: Vec<u64>,
    /// Faults that struck.
    pub faults: Faults,
    /// How near each limit was come.
    pub distances: Distances,
    /// How near each bound was come, per mille.
    pub peaks: BTreeMap<&'static str, u64>,
    /// What is broken, first things first.
    pub violations: Vec<Violation>,
}

impl Default for Findings {
    fn default() -> Self {
        Findings {
            evaluated: vec![0; Oracle::ALL.len()],
            marks: vec![0; Mark::ALL.len()],
            faults: Faults::default(),
            distances: Distances::default(),
            peaks: BTreeMap::new(),
            violations: Vec::new(),
        }
    }
}

impl Findings {
    /// Evaluates `oracle`; `text` tells what is wrong if it does not hold.
    pub fn check(&mut self, oracle: Oracle, holds: bool, text: impl FnOnce() -> String) {
        self.evaluated[oracle as usize] += 1;
        if !holds {
            self.violations.push(Violation { oracle, text: text() });
        }
    }

    /// Notes how near a bound was come.
    pub fn peak(&mut self, name: &'static str, size: u64, bound: u64) {
        let share = size.saturating_mul(1000).checked_div(bound).unwrap_or_default();
        let peak = self.peaks.entry(name).or_default();
        *peak = share.max(*peak);
    }

    /// Reaches a mark.
    pub fn mark(&mut self, mark: Mark) {
        self.marks[mark as usize] += 1;
    }

    /// How often an oracle was evaluated.
    pub fn evaluated(&self, oracle: Oracle) -> u64 {
        self.evaluated[oracle as usize]
    }

    /// How often a mark was reached.
    pub fn reached(&self, mark: Mark) -> u64 {
        self.marks[mark as usize]
    }

    /// Adds what another run found.
    pub fn add(&mut self, other: Findings) {
        let sums = self.evaluated.iter_mut().zip(other.evaluated);
        sums.chain(self.marks.iter_mut().zip(other.marks)).for_each(|(sum, count)| *sum += count);
        self.faults.add(&other.faults);
        self.distances.add(&other.distances);
        for (name, share) in other.peaks {
            let peak = self.peaks.entry(name).or_default();
            *peak = share.max(*peak);
        }
        self.violations.extend(other.violations);
    }
}

const _: () = assert!(Oracle::RoomInOrder as usize + 1 == Oracle::ALL.len(), "every oracle is listed");
const _: () = assert!(Mark::WaitsForRoomAlone as usize + 1 == Mark::ALL.len(), "every mark is listed");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_oracles_and_marks_are_complete_and_in_order() {
        assert!(Oracle::ALL.into_iter().enumerate().all(|(index, oracle)| oracle as usize == index));
        assert!(Mark::ALL.into_iter().enumerate().all(|(index, mark)| mark as usize == index));
    }
}
