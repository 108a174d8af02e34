//! Choices that all follow from one draw, so that a request costs one however odd it is, and the quietest
//! draw gives the plainest request.

/// A stream of choices.
#[derive(Clone, Copy, Debug)]
pub struct Choices(u64);

impl Choices {
    /// What follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Choices(seed)
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        mixed ^ (mixed >> 32)
    }

    /// A number below `span`.
    pub fn below(&mut self, span: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(span)) >> 64) as u64
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of `items`, if there is one.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() { None } else { items.get(self.below(items.len() as u64) as usize) }
    }
}
