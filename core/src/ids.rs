//! Names of things that outlive a single step.

use core::fmt;

/// A connection. Minted by the driver: `slot` may be reused, (`slot`, `generation`) never is. Slots are dense:
/// the core's table is as large as the highest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionKey {
    /// Place in the driver's table.
    pub slot: u32,
    /// Distinguishes users of one slot.
    pub generation: u32,
}

impl ConnectionKey {
    /// Slots are below this number.
    pub const SLOTS: u32 = 1 << 24;
}

/// A listener of the configuration. A name keeps its key for the life of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerKey(pub u16);

/// A provider of the configuration. A name keeps its key for the life of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderKey(pub u16);

/// One life of a lane host. Minted by the core; a replacement has a higher generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostKey {
    /// Provider it carries.
    pub provider: ProviderKey,
    /// Which of the provider's hosts.
    pub slot: u16,
    /// How often this slot was opened before.
    pub generation: u32,
}

/// A lane: runs one job at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneKey {
    /// Host it lives in.
    pub host: HostKey,
    /// Index inside the host.
    pub lane: u16,
}

/// Joins an output that asks for something to the input that answers it. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A request, for logs, audit and the observer. Counts up from the start of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A key object: 64 bits of the boot that made it, then a counter. Exists before the object does and is
/// never reused, not even by a store that was restored from an older copy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Random bits of the daemon's boot.
    pub boot: u64,
    /// Counts within the boot.
    pub counter: u64,
}

impl ObjectId {
    /// 16 bytes, boot first, both big-endian: the order of the bytes is the order of the ids.
    pub fn to_bytes(self) -> [u8; 16] {
        ((u128::from(self.boot) << 64) | u128::from(self.counter)).to_be_bytes()
    }

    /// The id of these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> ObjectId {
        let [b0, b1, b2, b3, b4, b5, b6, b7, c0, c1, c2, c3, c4, c5, c6, c7] = bytes;
        ObjectId {
            boot: u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7]),
            counter: u64::from_be_bytes([c0, c1, c2, c3, c4, c5, c6, c7]),
        }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.boot, self.counter)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_ids_order_like_their_bytes_and_come_back_from_them() {
        let low = ObjectId { boot: 1, counter: u64::MAX };
        let high = ObjectId { boot: 2, counter: 0 };
        assert!(low < high && low.to_bytes() < high.to_bytes());
        assert_eq!(ObjectId::from_bytes(low.to_bytes()), low);
    }
}
