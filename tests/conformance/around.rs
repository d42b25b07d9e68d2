//! What is around the futures of a program while they are polled.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::raised::{Kind, Raised};
use super::rules::Rule;
use super::world::World;

/// The frame of a function: the exceptions that it is handling, the innermost last.
#[derive(Default)]
pub(super) struct Handled {
    handled: Mutex<Vec<Raised>>,
    /// The exit that whoever awaits it was thrown, which closes it.
    closed_by: Mutex<Option<Raised>>,
}

impl Handled {
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

/// What is closed by an exit comes to this. In Python the exit goes on outside, whatever it returns and whichever exit it
/// raises, and it must not await any more; errors are the same here and there.
pub(super) fn exclude_unless_same<T>(world: &World, exit: &Raised, came: Option<&Result<T, Raised>>) {
    let is_same = match came {
        Some(Err(raised)) => raised.is(exit) || raised.kind() != Kind::GeneratorExit,
        Some(Ok(_)) | None => false,
    };
    if !is_same {
        world.exclude(Rule::ExitsInside);
    }
}

/// Polled as the frame of a function.
pub(super) fn framed<T, F>(
    world: &Arc<World>,
    frame: &Arc<Handled>,
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
    frame: Arc<Handled>,
}

impl<T, F: Future<Output = Result<T, Raised>>> Future for Framed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.world.enter_frame(this.frame);
        let polled = this.future.poll(cx);
        this.world.leave_frame();
        if let Some(exit) = this.frame.closed_by() {
            let came = match &polled {
                Poll::Ready(came) => Some(came),
                Poll::Pending => None,
            };
            exclude_unless_same(this.world, &exit, came);
        }
        polled
    }
}

/// No throw comes through to what is awaited inside: an exit, say.
pub(super) fn opaque<F: Future>(world: &Arc<World>, future: F) -> impl Future<Output = F::Output> + use<F> {
    shifted(world, 1, future)
}

/// But to this it does: the block inside what is opaque.
pub(super) fn transparent<F: Future>(
    world: &Arc<World>,
    future: F,
) -> impl Future<Output = F::Output> + use<F> {
    shifted(world, -1, future)
}

fn shifted<F: Future>(world: &Arc<World>, by: isize, future: F) -> impl Future<Output = F::Output> + use<F> {
    Shifted { future, by, world: Arc::clone(world), unfinished: Unfinished(Some(Arc::clone(world))) }
}

#[pin_project]
struct Shifted<F> {
    /// Before the future, whose exits begin when it is dropped.
    unfinished: Unfinished,
    #[pin]
    future: F,
    by: isize,
    world: Arc<World>,
}

/// Dropped before it has come to its end: an exit is detached then.
struct Unfinished(Option<Arc<World>>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.take().inspect(|world| world.detaches());
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
