//! Futures that record which frame of a program is being polled, and where a throw can reach.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::raised::{Kind, Raised};
use super::rules::Rule;
use super::world::World;

/// The exceptions that a frame of a function is handling, the innermost last.
#[derive(Default)]
pub(super) struct HandledExceptions {
    handled: Mutex<Vec<Raised>>,
    /// The exit that was thrown into the frame that awaits this one, which closes this one.
    closed_by: Mutex<Option<Raised>>,
}

impl HandledExceptions {
    pub(super) fn push(&self, raised: Raised) {
        self.handled.lock().unwrap().push(raised);
    }

    pub(super) fn len(&self) -> usize {
        self.handled.lock().unwrap().len()
    }

    pub(super) fn truncate(&self, len: usize) {
        self.handled.lock().unwrap().truncate(len);
    }

    pub(super) fn last(&self) -> Option<Raised> {
        self.handled.lock().unwrap().last().cloned()
    }

    pub(super) fn close(&self, exit: Raised) {
        self.closed_by.lock().unwrap().get_or_insert(exit);
    }

    pub(super) fn closed_by(&self) -> Option<Raised> {
        self.closed_by.lock().unwrap().clone()
    }
}

/// Excludes the rest if a frame that was closed by `exit` did anything but raise that exit or an error. In Python,
/// the outer frame raises the exit whatever the closed frame returns, and the closed frame must not await any more;
/// errors behave alike on both sides.
pub(super) fn exclude_unless_reraised<T>(world: &World, exit: &Raised, outcome: Option<&Result<T, Raised>>) {
    let is_same = match outcome {
        Some(Err(raised)) => raised.is(exit) || raised.kind() != Kind::GeneratorExit,
        Some(Ok(_)) | None => false,
    };
    if !is_same {
        world.exclude(Rule::ExitsInside);
    }
}

/// Polls `future` as the body of the frame.
pub(super) fn framed<T, F>(
    world: &Arc<World>,
    frame: &Arc<HandledExceptions>,
    future: F,
) -> impl Future<Output = F::Output> + use<T, F>
where
    F: Future<Output = Result<T, Raised>>,
{
    Framed { future, world: Arc::clone(world), frame: Arc::clone(frame) }
}

#[pin_project]
struct Framed<F> {
    #[pin]
    future: F,
    world: Arc<World>,
    frame: Arc<HandledExceptions>,
}

impl<T, F: Future<Output = Result<T, Raised>>> Future for Framed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.world.enter_frame(this.frame);
        let polled = this.future.poll(cx);
        this.world.leave_frame();
        if let Some(exit) = this.frame.closed_by() {
            let outcome = match &polled {
                Poll::Ready(outcome) => Some(outcome),
                Poll::Pending => None,
            };
            exclude_unless_reraised(this.world, &exit, outcome);
        }
        polled
    }
}

/// Marks `future` as one that no throw reaches: an enter or an exit.
pub(super) fn opaque<F: Future>(world: &Arc<World>, future: F) -> impl Future<Output = F::Output> + use<F> {
    shifted(world, 1, future)
}

/// Undoes [`opaque`] for a part of its future: the block of a manager.
pub(super) fn transparent<F: Future>(
    world: &Arc<World>,
    future: F,
) -> impl Future<Output = F::Output> + use<F> {
    shifted(world, -1, future)
}

fn shifted<F: Future>(world: &Arc<World>, by: isize, future: F) -> impl Future<Output = F::Output> + use<F> {
    Shifted { future, by, world: Arc::clone(world), unfinished: UnfinishedGuard(Some(Arc::clone(world))) }
}

#[pin_project]
struct Shifted<F> {
    /// Declared before the future, whose exits start when it is dropped.
    unfinished: UnfinishedGuard,
    #[pin]
    future: F,
    by: isize,
    world: Arc<World>,
}

/// Ends the comparison when the future is dropped before it completes: an exit is detached then.
struct UnfinishedGuard(Option<Arc<World>>);

impl Drop for UnfinishedGuard {
    fn drop(&mut self) {
        self.0.take().inspect(|world| world.cut_off_at_detach());
    }
}

impl<F: Future> Future for Shifted<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.world.shift_opaque(*this.by);
        let polled = this.future.poll(cx);
        this.world.shift_opaque(-*this.by);
        if polled.is_ready() {
            drop(this.unfinished.0.take());
        }
        polled
    }
}
