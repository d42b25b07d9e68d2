//! [`Group`] and its table of [`Row`]s.

use std::cell::RefCell;
use std::fmt;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

/// Rows that do the same work in different ways.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// The name of one operation, such as "item" or "page".
    pub(crate) per: &'static str,
    /// Each run is a multiple of this number of operations, such as the items of a page.
    pub(crate) step: u64,
    /// The approximate difference in operations between the two counted runs.
    pub(crate) counted: u64,
    pub(crate) clock: Clock,
    pub(crate) rows: Vec<Row>,
}

/// The clock of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Clock {
    Wall,
    /// tokio's paused clock, on which times are exact, with the minimum time of an operation. Instructions are not counted:
    /// they would be those of the timer.
    Paused {
        least: Duration,
        called: &'static str,
    },
}

/// One implementation of the work of the group.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    run: Box<dyn Fn(u64) -> Duration>,
}

impl Group {
    /// The sizes of the two runs whose difference is counted.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        let small = (self.counted / 10).next_multiple_of(self.step);
        (small, small + self.counted.next_multiple_of(self.step))
    }

    /// Divides a difference by the difference of [`sizes`](Self::sizes).
    pub(crate) fn per_operation(&self, small: u64, large: u64) -> f64 {
        let (from, to) = self.sizes();
        (float(large) - float(small)) / float(to - from)
    }
}

impl Row {
    /// Creates a row in which `work(n)` does n operations.
    pub(crate) fn new(name: &'static str, work: impl AsyncFn(u64) + 'static) -> Self {
        thread_local! {
            // One runtime for all runs, so that its creation is not measured.
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

    /// Creates a row in which `work(n)` does n operations on sockets.
    pub(crate) fn with_io(name: &'static str, work: impl AsyncFn(u64) + 'static) -> Self {
        let run = move |n| {
            let runtime = runtime().enable_io().build().expect("a runtime");
            let start = Instant::now();
            runtime.block_on(work(n));
            start.elapsed()
        };
        Row { name, run: Box::new(run) }
    }

    /// Creates a row in which `work(n)` does n operations in virtual time, for groups with [`Clock::Paused`].
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

    /// Returns the time that n operations took, by the clock of the group.
    pub(crate) fn run(&self, n: u64) -> Duration {
        (self.run)(n)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The runtime of every row: a current-thread runtime, so that every figure includes tokio's cooperative budget.
fn runtime() -> Builder {
    let mut builder = Builder::new_current_thread();
    builder.enable_time();
    builder
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}
