//! Families of faults, and how often each struck.

/// A family of faults. Each says what must hold nevertheless: S, safety always; L, progress while it lasts; H,
/// progress after it heals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// What clients send is no request. S, and L for others.
    ClientBytes,
    /// Clients are slow, silent, hasty or gone. S, and L for others.
    ClientPace,
    /// Clients ask again for what may have been done. S.
    ClientSense,
    /// Commits fail, are lost or are nobody knows what; rows rot. S, H; rot is always detected.
    Store,
    /// Devices answer wrongly, halfway, late or not. S, and L for other providers; a wrong result never leaves.
    Provider,
    /// Lane hosts die, hang or never come up. S, L for other hosts, H.
    LaneHost,
    /// Clocks jump, stand still, drift; the machine is suspended. S, H.
    Clock,
    /// The identity provider is down or slow, rotates its keys; tokens are wrong. S, H.
    Identity,
    /// The daemon dies or is told to stop, reloads, runs out of descriptors. S, H.
    Process,
    /// What is ready at one instant comes in another legal order. S, L.
    Driver,
}

impl Family {
    /// Every family.
    pub const ALL: [Family; 10] = [
        Family::ClientBytes,
        Family::ClientPace,
        Family::ClientSense,
        Family::Store,
        Family::Provider,
        Family::LaneHost,
        Family::Clock,
        Family::Identity,
        Family::Process,
        Family::Driver,
    ];
}

const _: () = assert!(Family::Driver as usize + 1 == Family::ALL.len(), "every family is listed");

/// How often faults struck, by family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults([u64; Family::ALL.len()]);

impl Faults {
    /// A fault strikes.
    pub fn strikes(&mut self, family: Family) {
        self.0[family as usize] += 1;
    }

    /// How often faults of a family struck.
    pub fn struck(&self, family: Family) -> u64 {
        self.0[family as usize]
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Faults) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, count)| *sum += count);
    }
}
