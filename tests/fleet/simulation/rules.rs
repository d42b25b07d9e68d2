/// A time in microseconds.
pub(super) type Micros = u64;

pub(super) const SECOND: Micros = 1_000_000;

#[expect(clippy::cast_precision_loss, reason = "a simulation takes less than 285 years")]
pub(super) fn seconds(time: Micros) -> f64 {
    time as f64 / SECOND as f64
}

/// The constants of a simulation: the fleet, the work, and the failures.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) seed: u64,
    pub(super) workers: u32,
    pub(super) partitions: u32,
    pub(super) lease: Micros,
    pub(super) attempts: u32,
    /// The pause after [`NotYet`](super::engine::Claimed::NotYet), which is the default `max_idle` of a fleet.
    pub(super) poll: Micros,
    /// The time that the engine takes for a call.
    pub(super) call: Micros,
    /// The mean time that a page takes to fetch.
    pub(super) page: Micros,
    /// The mean time between two kills of a worker, if there are any.
    pub(super) kill_every: Option<Micros>,
    /// The mean time between two stops of a worker, and the mean time of a stop.
    pub(super) stop_every: Option<(Micros, Micros)>,
    /// The probability that a page takes a minute.
    pub(super) slow: f64,
    /// The probability that a page fails.
    pub(super) fails: f64,
    /// The share of the partitions whose last page always fails.
    pub(super) broken: f64,
    /// `true` if the engine fences calls of claims that have ended. If not, the simulation must find duplicates.
    pub(super) is_fenced: bool,
}

impl Rules {
    /// No failures.
    pub(super) const CALM: Self = Self {
        seed: 15,
        workers: 1_000,
        partitions: 100_000,
        lease: 30 * SECOND,
        attempts: 5,
        poll: SECOND,
        call: 100,
        page: SECOND,
        kill_every: None,
        stop_every: None,
        slow: 0.0,
        fails: 0.0,
        broken: 0.0,
        is_fenced: true,
    };
}

/// Returns the delay after a failed attempt, with the defaults of a fleet: it doubles, from 1 second to 5 minutes, and is
/// random, from half of that value to all of it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
pub(super) fn backoff(attempts: u32, jitter: f64) -> Micros {
    let wait = (SECOND << (attempts - 1).min(16)).min(300 * SECOND);
    (wait as f64 * (0.5 + jitter / 2.0)) as Micros
}
