use std::fmt;
use std::future::Future;
use std::io;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::callbacks::Callback;
use super::inner::Inner;
use super::ready_queue::Entry;
use super::{CallbackError, CallbackHandle, CallbackOutput, LoopError, LoopHandle, callback_error, run};
use crate::panic::ignore_panic;
use crate::tasks::instant::saturating_add;
use crate::tasks::task::Run;
use crate::tasks::{Promise, TaskHandle};

/// `CPython`'s event loop: callbacks and tasks of one thread, in turns.
///
/// In a turn, what is ready is done, in the order in which it became so; what becomes ready meanwhile is left for the next
/// turn. Tasks need not be `Send`. What they await may be tokio's, whose I/O, timers and tasks run between the turns.
///
/// A program of tokio's own, `#[tokio::main]`, is the better answer wherever this order does not matter: its scheduler uses
/// all processors, and interrupts what takes too long. Here a task that never awaits what is not ready keeps all others
/// from running, as in Python.
///
/// It is a handle: clones are of the same loop. It is closed when the last one is dropped; one that a callback, a task or the
/// exception handler of the loop holds keeps it from that. They find their loop by [`current`](Self::current), or it is
/// [closed](Self::close) by hand.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use withal::tasks::EventLoop;
///
/// let event_loop = EventLoop::new()?;
/// event_loop.call_soon(|| println!("first"))?;
/// let late = event_loop.call_later(Duration::from_millis(5), || println!("never"))?;
/// event_loop.call_soon(move || late.cancel())?;
/// let answer = event_loop.run_until_complete(async {
///     tokio::time::sleep(Duration::from_millis(10)).await;
///     42
/// })?;
/// assert_eq!(answer, 42);
/// event_loop.close()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EventLoop(Rc<Inner>);

impl EventLoop {
    /// A loop with a runtime of its own, that has I/O and timers: `asyncio.new_event_loop`.
    ///
    /// # Errors
    ///
    /// What the operating system refuses.
    pub fn new() -> io::Result<Self> {
        Builder::new_current_thread().enable_all().build().map(Self::with_runtime)
    }

    /// A loop over a runtime that was made for it: one with a paused clock, say. It needs its timer enabled.
    ///
    /// Of a multi-threaded one it uses this thread alone, but for what is spawned by tokio's means.
    #[must_use]
    pub fn with_runtime(runtime: Runtime) -> Self {
        Self(Rc::new(Inner::new(runtime)))
    }

    /// The loop that runs on this thread: `asyncio.get_running_loop`.
    ///
    /// # Errors
    ///
    /// [`LoopError::NoRunningLoop`] outside of callbacks and tasks.
    pub fn current() -> Result<Self, LoopError> {
        run::current().ok_or(LoopError::NoRunningLoop)
    }

    /// Calls `callback` in the next turn, after all that was to be called before.
    ///
    /// It may return nothing, or a [result](CallbackOutput); an error or a panic goes to the
    /// [exception handler](Self::set_exception_handler), and the loop goes on.
    ///
    /// # Errors
    ///
    /// [`LoopError::Closed`].
    pub fn call_soon<R: CallbackOutput>(
        &self,
        callback: impl FnOnce() -> R + 'static,
    ) -> Result<CallbackHandle, LoopError> {
        self.0.check_open()?;
        let call = self.0.calls.borrow_mut().soon(erased(callback));
        self.0.ready.push(Entry::Call(call))?;
        Ok(self.callback_handle(call, None))
    }

    /// Calls `callback` after so long, on tokio's clock; what no clock can show is 30 years.
    ///
    /// # Errors
    ///
    /// [`LoopError::Closed`].
    pub fn call_later<R: CallbackOutput>(
        &self,
        delay: Duration,
        callback: impl FnOnce() -> R + 'static,
    ) -> Result<CallbackHandle, LoopError> {
        self.call_at(saturating_add(self.time()?, delay), callback)
    }

    /// Calls `callback` at a time. Those of one time are called in the order in which they came here.
    ///
    /// # Errors
    ///
    /// [`LoopError::Closed`].
    pub fn call_at<R: CallbackOutput>(
        &self,
        when: Instant,
        callback: impl FnOnce() -> R + 'static,
    ) -> Result<CallbackHandle, LoopError> {
        self.0.check_open()?;
        let call = self.0.calls.borrow_mut().at(when, erased(callback));
        // It may be called by a task of tokio's, between the turns.
        self.0.ready.wake();
        Ok(self.callback_handle(call, Some(when)))
    }

    /// The time of [`call_at`](Self::call_at): now, on the clock of its runtime.
    ///
    /// # Errors
    ///
    /// [`LoopError::Closed`].
    pub fn time(&self) -> Result<Instant, LoopError> {
        let runtime = self.0.runtime().ok_or(LoopError::Closed)?;
        let _entered = runtime.enter();
        Ok(Instant::now())
    }

    /// What other threads use to have something called here: `call_soon_threadsafe`.
    #[must_use]
    pub fn handle(&self) -> LoopHandle {
        LoopHandle::new(Arc::clone(&self.0.ready))
    }

    /// Starts a task on this loop; its first step is in the next turn.
    ///
    /// `ensure_future` of a coroutine is the same, and a [`TaskHandle`] is ensured already.
    ///
    /// # Errors
    ///
    /// [`LoopError::Closed`].
    pub fn create_task<T, E, F>(&self, work: F) -> Result<TaskHandle<T, E>, LoopError>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: 'static,
    {
        let (promise, task) = Promise::of_task();
        self.0.spawn(Run::new(work, promise))?;
        Ok(task)
    }

    /// Runs the loop until the future is ready, and gives its output.
    ///
    /// The future is a task of the loop. Left over when the loop is stopped, it stays one.
    ///
    /// # Errors
    ///
    /// [`LoopError::Stopped`] when the loop was stopped first; otherwise as [`run_forever`](Self::run_forever).
    ///
    /// # Panics
    ///
    /// When the future does.
    pub fn run_until_complete<F>(&self, future: F) -> Result<F::Output, LoopError>
    where
        F: Future<Output: 'static> + 'static,
    {
        run::until_complete(self, future)
    }

    /// Runs the loop until [`stop`](Self::stop).
    ///
    /// # Errors
    ///
    /// [`LoopError::Closed`]; [`LoopError::AlreadyRunning`] from inside itself; [`LoopError::NestedLoop`] inside
    /// another loop, or on a thread of a tokio runtime, which one of `spawn_blocking` is as well: a loop is run on a thread
    /// of its own, or of a [`ThreadPoolExecutor`](crate::tasks::ThreadPoolExecutor).
    pub fn run_forever(&self) -> Result<(), LoopError> {
        run::forever(self)
    }

    /// Ends [`run_forever`](Self::run_forever) when this turn is over: what was ready as it began is still done. What comes
    /// later waits until the loop runs again.
    ///
    /// Called before, it has the loop run one turn.
    pub fn stop(&self) {
        self.0.is_stopping.set(true);
    }

    /// Whether it runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.0.is_running.get()
    }

    /// Whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Closes it: what was to be called is dropped, as is the exception handler, and tasks that are not over are cancelled. A
    /// second time does no harm.
    ///
    /// It waits for nothing: [`drain`](crate::cleanup::drain) before, for what is to end well.
    ///
    /// # Errors
    ///
    /// [`LoopError::Running`] while it runs.
    pub fn close(&self) -> Result<(), LoopError> {
        if self.is_running() {
            return Err(LoopError::Running);
        }
        self.0.close();
        Ok(())
    }

    /// Has `handler` called with what callbacks raise. By default it goes to the standard error stream.
    ///
    /// A handler that panics is told by the panic hook, and the loop goes on.
    pub fn set_exception_handler(&self, handler: impl Fn(&CallbackError) + 'static) {
        let before = self.0.handler.replace(Some(Rc::new(handler)));
        drop(before);
    }

    /// Calls the exception handler.
    pub fn call_exception_handler(&self, exception: &CallbackError) {
        // Not while it is borrowed: it may set another.
        let handler = self.0.handler.borrow().clone();
        ignore_panic(move || match handler {
            Some(handler) => handler(exception),
            None => eprintln!("{exception}"),
        });
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    fn callback_handle(&self, call: u64, when: Option<Instant>) -> CallbackHandle {
        CallbackHandle::new(Rc::downgrade(&self.0) as Weak<_>, call, when)
    }
}

fn erased<R: CallbackOutput>(callback: impl FnOnce() -> R + 'static) -> Callback {
    Box::new(|| callback_error::call(callback))
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop")
            .field("running", &self.is_running())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
