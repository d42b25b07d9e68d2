use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::backoff::Backoff;
use super::engine::{Outcome, Ownership};
use super::error::Error;
use crate::as_error::AsError;
use crate::error_text::with_sources;
use crate::known_error::{describe_panic, known_text};

/// The shortest time between two renewals, and between two calls of an idle worker to claim. Without it, a duration of zero
/// would keep the task busy.
pub(super) const MIN_INTERVAL: Duration = Duration::from_millis(1);

/// The settings of the claims of a fleet.
#[derive(Debug, Clone)]
pub(super) struct ClaimSettings {
    pub(super) attempts: u32,
    pub(super) backoff: Backoff,
    /// `None` for a third of the lease time.
    pub(super) renew_every: Option<Duration>,
    /// Returns the text of the error of a block.
    pub(super) error_text: fn(&(dyn Any + Send)) -> Option<String>,
    pub(super) counts: Arc<Mutex<Counts>>,
}

/// The claims of a fleet that have ended, by their outcome.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub(super) finished: u64,
    pub(super) failed: u64,
    pub(super) lost: u64,
}

impl Counts {
    /// Counts a claim that has ended, by the result of its release.
    pub(super) fn count<E: std::error::Error>(
        &mut self,
        outcome: &Outcome,
        released: &Result<Ownership, Error<E>>,
    ) {
        match released {
            Ok(Ownership::Owned) if *outcome == Outcome::Done => self.finished += 1,
            Ok(Ownership::Owned) if is_failed(outcome) => self.failed += 1,
            Ok(Ownership::Owned) => {}
            // The lease expires.
            Ok(Ownership::Fenced) | Err(_) => self.lost += 1,
        }
    }
}

impl Default for ClaimSettings {
    fn default() -> Self {
        Self {
            attempts: 5,
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(300)),
            renew_every: None,
            error_text: |error| known_text(error),
            counts: Arc::default(),
        }
    }
}

impl ClaimSettings {
    pub(super) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the outcome of an attempt that has failed.
    pub(super) fn failed(&self, attempt: u32, error: String) -> Outcome {
        if attempt >= self.attempts {
            Outcome::SetAside { error }
        } else {
            Outcome::Retry { after: self.backoff.nth(attempt), error }
        }
    }

    pub(super) fn describe(&self, error: &(dyn Any + Send)) -> String {
        (self.error_text)(error).unwrap_or_else(|| "an error without a text".into())
    }
}

/// Returns `true` if an attempt has failed.
pub(super) fn is_failed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Retry { .. } | Outcome::SetAside { .. })
}

pub(super) fn describe_payload(payload: &(dyn Any + Send)) -> String {
    describe_panic(payload).map_or_else(|| "panicked".into(), |text| format!("panicked: {text}"))
}

/// Returns the text of an error of type `X`.
pub(super) fn error_text<X: AsError<K>, K>(error: &(dyn Any + Send)) -> Option<String> {
    let error: &X = error.downcast_ref()?;
    error.as_error().map(with_sources).or_else(|| error.message())
}
