//! Memory that requests may need, reserved before it is used.

/// The account of all reservations.
#[derive(Debug, Default, Hash)]
pub(crate) struct Accounts {
    reserved: u64,
}

impl Accounts {
    /// Reserves `bytes` more unless the total would exceed `limit`. A first reservation always succeeds, so
    /// that a limit below one request's size slows the service down but does not stop it.
    pub(crate) fn reserve(&mut self, bytes: u64, limit: u64) -> bool {
        let total = self.reserved.saturating_add(bytes);
        let fits = total <= limit || self.reserved == 0;
        if fits {
            self.reserved = total;
        }
        fits
    }

    /// Gives `bytes` back.
    pub(crate) fn release(&mut self, bytes: u64) {
        assert!(bytes <= self.reserved, "more is given back than was reserved");
        self.reserved = self.reserved.saturating_sub(bytes);
    }

    /// Bytes reserved.
    pub(crate) fn reserved(&self) -> u64 {
        self.reserved
    }
}
