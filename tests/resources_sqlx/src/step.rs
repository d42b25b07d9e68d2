//! A driver that cancels a program at each await of one of its steps.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Poll;
use std::time::Duration;

/// A step of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Begin,
    Insert,
    Savepoint,
    Commit,
    Rollback,
    Lock,
}

/// The step in which a program is.
#[derive(Default)]
pub(crate) struct Marker(AtomicU8);

impl Marker {
    pub(crate) fn enter(&self, step: Step) {
        // The program and its driver are in one task.
        self.0.store(step as u8 + 1, Ordering::Relaxed);
    }

    fn is_in(&self, step: Step) -> bool {
        self.0.load(Ordering::Relaxed) == step as u8 + 1
    }
}

/// Runs a program, and drops it when it awaits in `step` for the `n`th time, after a delay in which the server may
/// respond. Returns the output if the program completes before that.
pub(crate) async fn cancel_at<F: Future>(
    mut program: Pin<Box<F>>,
    marker: &Marker,
    step: Step,
    n: usize,
    delay: Duration,
) -> Option<F::Output> {
    let mut awaits = 0;
    let output = poll_fn(|cx| {
        if let Poll::Ready(output) = program.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        awaits += usize::from(marker.is_in(step));
        if awaits == n && marker.is_in(step) { Poll::Ready(None) } else { Poll::Pending }
    })
    .await;
    if output.is_none() && !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    output
}

/// The times at which a step is cancelled: at its first await, its second, and so on, and again from the first after a run
/// that completes. Every second time, the server has some time to respond before.
#[derive(Default)]
pub(crate) struct Schedule {
    n: usize,
    runs: u64,
}

impl Schedule {
    pub(crate) fn next(&mut self) -> (usize, Duration) {
        self.runs += 1;
        self.n += 1;
        let delay = if self.runs % 2 == 0 { 0 } else { 100 * (self.runs % 7) + 100 };
        (self.n, Duration::from_micros(delay))
    }

    /// Starts again at the first await.
    pub(crate) fn completed(&mut self) {
        self.n = 0;
    }
}

/// Returns how often each step is cancelled: `CANCELLATIONS`, or a number that keeps the tests short.
pub(crate) fn cancellations() -> usize {
    std::env::var("CANCELLATIONS").ok().and_then(|number| number.parse().ok()).unwrap_or(60)
}
