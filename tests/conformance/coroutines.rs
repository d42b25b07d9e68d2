//! The coroutines of a program: the driven one, and those that several functions await.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use withal::coroutine::{BoxCoroutine, Error, State, Step, Thrown, try_coroutine};

use super::frame::{Frame, YieldChannel, run_function};
use super::program::Value;
use super::raised::{Kind, Raised};
use super::rules::Rule;
use super::world::World;

/// A coroutine, which yields a token where it is suspended.
pub(super) type Coroutine = BoxCoroutine<'static, Value, Value, Value, Thrown<Raised>>;

pub(super) fn coroutine(world: &Arc<World>, function: usize) -> Coroutine {
    let world = Arc::clone(world);
    try_coroutine(async move |y| {
        let channel = YieldChannel::Coroutine(y.into());
        run_function(&world, &channel, function).await.map_err(Raised::into_thrown)
    })
    .boxed()
}

/// A coroutine that several functions await, one at a time.
pub(super) struct SharedCoroutine {
    world: Arc<World>,
    coroutine: Mutex<Option<Coroutine>>,
}

impl SharedCoroutine {
    pub(super) fn new(world: &Arc<World>, function: usize) -> Self {
        Self { world: Arc::clone(world), coroutine: Mutex::new(Some(coroutine(world, function))) }
    }

    /// Python's `await`: passes on what is sent to and thrown into the awaiting frame.
    pub(super) async fn awaited(&self, frame: &Frame<'_, '_>) -> Result<Value, Raised> {
        let runtime = |message| frame.world().raise(Raised::with(Kind::Runtime, message));
        let Some(coroutine) = self.coroutine.lock().unwrap().take() else {
            return Err(runtime("being-awaited"));
        };
        let mut checkout = Checkout { of: self, coroutine: Some(coroutine) };
        let coroutine = checkout.coroutine.as_mut().expect("checked out until the drop");
        let mut step = coroutine.start();
        // An exit was thrown in during a step, and the coroutine has not ended since.
        let mut is_exiting = false;
        loop {
            if let Err(Error::Pending) = step {
                step = match frame.wait(poll_fn(|cx| coroutine.poll_resume(cx))).await {
                    Ok(step) => step,
                    Err(raised) => {
                        if raised.is_exit() && is_exiting {
                            frame.world().exclude(Rule::ClosesAClose);
                        }
                        is_exiting = raised.is_exit();
                        coroutine.throw(raised.into_thrown())
                    }
                };
                continue;
            }
            is_exiting = false;
            let token = match step {
                Ok(Step::Yielded(token)) => token.expect("suspended with a token"),
                Ok(Step::Complete(value)) => return Ok(value),
                Err(Error::Raised(raised)) => return Err(raised),
                Err(Error::GeneratorExit) => return Err(Raised::bare(Kind::GeneratorExit)),
                Err(Error::AlreadyAwaited) => return Err(runtime("reuse-coro")),
                Err(other) => panic!("{other}"),
            };
            step = match frame.suspend(1, token).await {
                Ok(value) => coroutine.send(value),
                Err(raised) => coroutine.throw(raised.into_thrown()),
            };
        }
    }
}

/// Python closes a suspended coroutine when it is dropped; here its destructors run.
impl Drop for SharedCoroutine {
    fn drop(&mut self) {
        let coroutine = self.coroutine.get_mut().unwrap().as_ref();
        if coroutine.is_some_and(is_suspended) {
            self.world.exclude(Rule::LeftSuspended);
        }
    }
}

pub(super) fn is_suspended(coroutine: &Coroutine) -> bool {
    matches!(coroutine.state(), State::Suspended | State::Running)
}

struct Checkout<'a> {
    of: &'a SharedCoroutine,
    coroutine: Option<Coroutine>,
}

impl Drop for Checkout<'_> {
    fn drop(&mut self) {
        *self.of.coroutine.lock().unwrap() = self.coroutine.take();
    }
}
