use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

/// Delays that double from a minimum to a maximum, with jitter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    step: u32,
}

impl Backoff {
    pub(super) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, step: 0 }
    }

    /// Returns the next delay.
    pub(super) fn next(&mut self) -> Duration {
        self.step = self.step.saturating_add(1);
        self.nth(self.step)
    }

    /// Returns the delay after the `n`th failure, from 1.
    pub(super) fn nth(&self, n: u32) -> Duration {
        let factor = 1_u32.checked_shl(n.saturating_sub(1).min(31)).unwrap_or(u32::MAX);
        jitter(self.min.checked_mul(factor).unwrap_or(self.max).min(self.max))
    }
}

/// Returns a random duration from half of `delay` to all of it.
pub(super) fn jitter(delay: Duration) -> Duration {
    // Each `RandomState` has keys of its own, seeded by the system.
    let random = RandomState::new().hash_one(0_u8) >> 32;
    let half = delay / 2;
    let share = u32::try_from(random).unwrap_or(u32::MAX);
    half + Duration::from_secs_f64(half.as_secs_f64() * (f64::from(share) / f64::from(u32::MAX)))
}
