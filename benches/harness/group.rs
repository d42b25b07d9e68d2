//! What a group file makes: a [`Group`] with its table of [`Row`]s.

use std::cell::RefCell;
use std::fmt;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

/// Rows that do the same work, each in its own way.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// What one operation is: "item", "page".
    pub(crate) per: &'static str,
    /// Runs are of whole multiples of this many operations, as of a page.
    pub(crate) step: u64,
    /// About how many operations a counted run has beyond the one it is compared with.
    pub(crate) counted: u64,
    pub(crate) clock: Clock,
    pub(crate) rows: Vec<Row>,
}

/// What time is for a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Clock {
    Wall,
    /// tokio's paused clock, on which the figure is exact, beside the least time an operation can take. Instructions are
    /// not counted: they would be those of the timer.
    Paused {
        least: Duration,
        called: &'static str,
    },
}

/// One way to do the work of the group.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    run: Box<dyn Fn(u64) -> Duration>,
}

impl Group {
    /// The two sizes whose difference is counted.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        let small = (self.counted / 10).next_multiple_of(self.step);
        (small, small + self.counted.next_multiple_of(self.step))
    }

    /// Figures over the difference of [`sizes`](Self::sizes), an operation.
    pub(crate) fn per_operation(&self, small: u64, large: u64) -> f64 {
        let (from, to) = self.sizes();
        (float(large) - float(small)) / float(to - from)
    }
}

impl Row {
    /// `work(n)` does n operations.
    pub(crate) fn new(name: &'static str, work: impl AsyncFn(u64) + 'static) -> Self {
        thread_local! {
            // One for all runs: making it is no part of what is measured.
            static RUNTIME: RefCell<Runtime> = RefCell::new(runtime().build().expect("a runtime"));
        }
        let run = move |n| {
            RUNTIME.with_borrow(|runtime| {
                let start = Instant::now();
                runtime.block_on(work(n));
                start.elapsed()
            })
        };
        Row { name, run: Box::new(run) }
    }

    /// `work(n)` does n operations in virtual time; for groups with [`Clock::Paused`].
    pub(crate) fn paused(name: &'static str, work: impl AsyncFn(u64) + 'static) -> Self {
        let run = move |n| {
            let runtime = runtime().start_paused(true).build().expect("a runtime");
            runtime.block_on(async {
                let start = tokio::time::Instant::now();
                work(n).await;
                start.elapsed()
            })
        };
        Row { name, run: Box::new(run) }
    }

    /// How long n operations took, by the clock of the group.
    pub(crate) fn run(&self, n: u64) -> Duration {
        (self.run)(n)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The same for every row: a plain current-thread runtime, so that tokio's cooperative budget is in every figure.
fn runtime() -> Builder {
    let mut builder = Builder::new_current_thread();
    builder.enable_time();
    builder
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}
