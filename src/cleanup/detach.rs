use std::any::{Any, type_name};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;

use super::deadline::within;
use super::registry::Entry;
use super::{Event, Loss, observe};

const GRACE: Duration = Duration::from_secs(30);

/// A cleanup that is about to be detached: what [`detach`] does, with a name, a grace and a runtime of one's choice.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::cleanup::Unfinished> {
/// use std::time::Duration;
/// use withal::cleanup::{self, Cleanup};
///
/// Cleanup::new(async { Err("no such lease") })
///     .named("lease")
///     .grace(Duration::from_secs(2))
///     .detach();
/// cleanup::drain(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing runs unless it is detached"]
pub struct Cleanup<F> {
    work: F,
    name: &'static str,
    grace: Duration,
    home: Option<Handle>,
}

/// Runs `work` on the current runtime, as a task that outlives whoever detached it: a [`Cleanup`] with no word of its
/// own.
///
/// It neither blocks nor panics. Where no runtime is, the work is lost, and the observers are told.
///
/// # Examples
///
/// See [the section](crate::cleanup).
pub fn detach<F, E>(work: F)
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Send + 'static,
{
    Cleanup::new(work).detach();
}

impl<F> Cleanup<F> {
    /// Named after its type, with a grace of 30 seconds, for the runtime that [`detach`](Self::detach) is called on.
    pub fn new(work: F) -> Self {
        Self { work, name: type_name::<F>(), grace: GRACE, home: None }
    }

    /// What the observers are told it is.
    pub fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// How long it may take, from its first poll; then it is dropped, and lost. By the wall clock.
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// The runtime to use where [`detach`](Self::detach) is called on none.
    pub fn home(self, home: Option<Handle>) -> Self {
        Self { home, ..self }
    }

    /// Hands it over to the runtime.
    pub fn detach<E>(self)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Send + 'static,
    {
        let Self { work, name, grace, home } = self;
        if let Some(runtime) = Handle::try_current().ok().or(home) {
            let tracked = Tracked { name, is_over: false, _entry: Entry::new(runtime.id()) };
            drop(runtime.spawn(run(work, grace, tracked)));
        } else {
            // Its destructor may panic, and ours may be called by one.
            drop(catch_unwind(AssertUnwindSafe(|| drop(work))));
            observe::tell(&Event::Lost { name, loss: Loss::NoRuntime });
        }
    }
}

/// What is left of it when its runtime drops it.
struct Tracked {
    name: &'static str,
    is_over: bool,
    /// Dropped after the observers were told.
    _entry: Entry,
}

impl Tracked {
    fn over(mut self, event: Option<Event<'_>>) {
        self.is_over = true;
        if let Some(event) = event {
            observe::tell(&event);
        }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if !self.is_over {
            observe::tell(&Event::Lost { name: self.name, loss: Loss::Shutdown });
        }
    }
}

async fn run<F, E>(work: F, grace: Duration, tracked: Tracked)
where
    F: Future<Output = Result<(), E>>,
    E: Send + 'static,
{
    let name = tracked.name;
    // Dropped before anybody is told that it is over; a panic of its destructor is caught, too.
    let outcome = caught(within(work, grace)).await;
    match &outcome {
        Ok(Some(Ok(()))) => tracked.over(None),
        Ok(Some(Err(error))) => tracked.over(Some(Event::Failed { name, error })),
        Ok(None) => tracked.over(Some(Event::Lost { name, loss: Loss::GraceElapsed })),
        Err(payload) => tracked.over(Some(Event::Panicked { name, payload: &**payload })),
    }
}

/// The output, or what it panicked with.
async fn caught<F: Future>(work: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut work = pin!(work);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(payload) => Poll::Ready(Err(payload)),
    })
    .await
}

impl<F> fmt::Debug for Cleanup<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleanup")
            .field("name", &self.name)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
