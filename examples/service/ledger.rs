use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of the work that the service has begun and ended.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) accepted: Counter,
    pub(crate) answered: Counter,
    /// Requests whose clients have closed the connection before the response.
    pub(crate) left: Counter,
    /// Requests that got no response although their clients have waited for it, or an error.
    pub(crate) failed: Counter,
    /// Reservations of requests that got no response.
    pub(crate) released: Counter,
    pub(crate) begun: Counter,
    pub(crate) committed: Counter,
    pub(crate) rolled_back: Counter,
    pub(crate) created: Counter,
    pub(crate) ended: Counter,
    pub(crate) started: Counter,
    pub(crate) reaped: Counter,
    pub(crate) rendered: Counter,
    pub(crate) pages: Counter,
    pub(crate) stored: Counter,
    pub(crate) recorded: Counter,
    pub(crate) flushed: Counter,
}

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// The threads that have counted have ended, or have sent a message since.
    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts a task as ended when it is dropped.
pub(crate) struct Task(Arc<Ledger>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.ended.add(1);
    }
}

impl Ledger {
    /// Counts a task as created.
    pub(crate) fn task(self: &Arc<Self>) -> Task {
        self.created.add(1);
        Task(Arc::clone(self))
    }

    /// Counts a page as begun, and returns the function that counts it as stored.
    pub(crate) fn page(&self) -> impl FnOnce() {
        self.pages.add(1);
        || self.stored.add(1)
    }

    fn open_transactions(&self) -> u64 {
        self.begun.get() - self.committed.get() - self.rolled_back.get()
    }

    pub(crate) fn is_balanced(&self) -> bool {
        self.failed.get() == 0
            && self.accepted.get() == self.answered.get() + self.left.get()
            && self.left.get() == self.released.get()
            && self.open_transactions() == 0
            && self.created.get() == self.ended.get()
            && self.started.get() == self.reaped.get()
            && self.rendered.get() == self.created.get()
            && self.pages.get() == self.stored.get()
            && self.recorded.get() == self.flushed.get()
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [accepted, answered, left, failed] =
            [&self.accepted, &self.answered, &self.left, &self.failed].map(Counter::get);
        writeln!(
            f,
            "requests      {accepted} accepted, {answered} answered, {left} left by their clients, {failed} failed"
        )?;
        writeln!(f, "reservations  {left} cancelled, {} released", self.released.get())?;
        let [begun, committed, rolled_back] =
            [&self.begun, &self.committed, &self.rolled_back].map(Counter::get);
        let open = self.open_transactions();
        writeln!(
            f,
            "transactions  {begun} begun, {committed} committed, {rolled_back} rolled back, {open} open"
        )?;
        writeln!(f, "tasks         {} created, {} ended", self.created.get(), self.ended.get())?;
        let [started, reaped, rendered] = [&self.started, &self.reaped, &self.rendered].map(Counter::get);
        writeln!(f, "children      {started} started, {reaped} ended, {rendered} invoices rendered")?;
        writeln!(f, "pages         {} begun, {} stored", self.pages.get(), self.stored.get())?;
        write!(f, "events        {} recorded, {} flushed", self.recorded.get(), self.flushed.get())
    }
}
