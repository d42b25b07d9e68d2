use withal_test_support::random::Random as Uniform;

use super::rules::Micros;

/// Random numbers of the distributions that the simulation needs.
pub(super) struct Random(Uniform);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(Uniform(seed))
    }

    /// Returns a number in `0.0..1.0`.
    pub(super) fn fraction(&mut self) -> f64 {
        self.0.fraction()
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// Returns a time of the exponential distribution.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    pub(super) fn exponential(&mut self, mean: Micros) -> Micros {
        (-(mean as f64) * (1.0 - self.fraction()).ln()) as Micros
    }

    /// Returns the number of pages of a partition: 1 to 20, 4 on average. Most are small.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn size(&mut self) -> u32 {
        (1.2 / (1.0 - self.fraction())).min(20.0) as u32
    }
}
