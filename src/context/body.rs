use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};

use super::policy::sealed::Home;
use super::scope::Rest;
use crate::cleanup::TrackingScope;
use crate::panic::catch_panic;

/// The block of a scope: what is detached while it is polled or dropped, the scope's exit will wait for.
#[pin_project(PinnedDrop)]
pub struct Body<'s, F, I, H> {
    /// None when it is over.
    #[pin]
    work: Option<F>,
    #[pin]
    interrupt: I,
    rest: &'s mut Rest<H>,
}

/// How a block has ended.
pub enum Ended<T> {
    Done(T),
    Panicked(Payload),
    Interrupted,
}

/// What it panicked with; boxed once more, for what is moved where nothing panics to be small.
#[expect(unreachable_pub, reason = "an alias is not reached, but what it stands for is")]
pub type Payload = Box<Box<dyn Any + Send>>;

impl<'s, F, I, H> Body<'s, F, I, H> {
    #[inline]
    pub fn new(work: F, interrupt: I, rest: &'s mut Rest<H>) -> Self {
        Self { work: Some(work), interrupt, rest }
    }
}

impl<F: Future, I: Future<Output = ()>, H: Home> Future for Body<'_, F, I, H> {
    type Output = Ended<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended<F::Output>> {
        let mut this = self.project();
        let Rest { inner, home } = &mut **this.rest;
        let extent = TrackingScope::open(inner);
        let polled = catch_panic(|| {
            let work = this.work.as_mut().as_pin_mut().expect("it is polled until it is ready");
            if let Poll::Ready(output) = work.poll(cx) {
                this.work.set(None);
                return Poll::Ready(Ended::Done(output));
            }
            this.interrupt.poll(cx).map(|()| Ended::Interrupted)
        });
        let ended = match polled {
            Ok(Poll::Ready(Ended::Interrupted)) => {
                discard(this.work).err().map_or(Ended::Interrupted, panicked)
            }
            Ok(Poll::Ready(ended)) => ended,
            Ok(Poll::Pending) => {
                home.remember();
                return Poll::Pending;
            }
            Err(payload) => {
                // The first panic is the one that is told.
                drop(discard(this.work));
                panicked(payload)
            }
        };
        drop(extent);
        Poll::Ready(ended)
    }
}

#[cold]
fn panicked<T>(payload: Box<dyn Any + Send>) -> Ended<T> {
    Ended::Panicked(Box::new(payload))
}

/// Drops what is not over.
#[cold]
fn discard<F>(mut work: Pin<&mut Option<F>>) -> Result<(), Box<dyn Any + Send>> {
    catch_panic(|| work.set(None))
}

#[pinned_drop]
impl<F, I, H> PinnedDrop for Body<'_, F, I, H> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.work.is_some() {
            let _extent = TrackingScope::open(&mut this.rest.inner);
            this.work.set(None);
        }
    }
}
