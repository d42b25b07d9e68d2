use std::fmt;
use std::future::Future;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::callback_error::{self, CallbackError, CallbackOutput};
use super::callback_handle::CallbackHandle;
use super::callbacks::Callback;
use super::error::LoopError;
use super::inner::Inner;
use super::loop_handle::LoopHandle;
use super::run;
use crate::tasks::instant::saturating_add;
use crate::tasks::promise::Promise;
use crate::tasks::task::{Harness, box_large};
use crate::tasks::task_handle::TaskHandle;

/// An event loop that runs callbacks and tasks on one thread, in the order in which `CPython`'s loop runs them.
///
/// Each loop iteration runs the callbacks and tasks that are ready at its start, in the order in which they became
/// ready. Those that become ready during the iteration run in the next one. Tasks need not be `Send`. They may await
/// tokio's I/O, timers and tasks, which make progress between the loop iterations.
///
/// Prefer `#[tokio::main]` if this order does not matter: tokio's scheduler uses all processors, and makes long-running
/// tasks yield. On this loop, as in Python, a task that never awaits anything pending keeps all other tasks from
/// running.
///
/// An `EventLoop` is a handle, and its clones refer to the same loop. The loop is closed when the last clone is
/// dropped. A clone inside a callback, a task or the exception handler of the loop keeps the loop open: call
/// [`current`](Self::current) there instead, or [close](Self::close) the loop explicitly.
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
#[doc(alias = "asyncio")]
#[doc(alias = "LocalSet")]
#[doc(alias = "scheduler")]
pub struct EventLoop(Rc<Inner>);

impl EventLoop {
    /// Creates a loop with its own current-thread runtime, whose I/O and timers are enabled: Python's
    /// `asyncio.new_event_loop`.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system does not provide the resources of the runtime.
    pub fn new() -> io::Result<Self> {
        Builder::new_current_thread().enable_all().build().map(Self::with_runtime)
    }

    /// Creates a loop on `runtime`, for example one with a paused clock. The timer of the runtime must be enabled.
    ///
    /// The loop runs on one thread even if the runtime has several threads. Only tasks that are spawned by tokio's
    /// functions run on the other threads.
    #[must_use]
    pub fn with_runtime(runtime: Runtime) -> Self {
        Self(Rc::new(Inner::new(runtime)))
    }

    /// Returns the loop that is running on this thread: Python's `asyncio.get_running_loop`.
    ///
    /// # Errors
    ///
    /// Returns [`LoopError::NoRunningLoop`] outside of the callbacks and tasks of a loop.
    #[doc(alias = "get_running_loop")]
    pub fn current() -> Result<Self, LoopError> {
        run::current().map(Self).ok_or(LoopError::NoRunningLoop)
    }

    /// Schedules `callback` for the next loop iteration, after the callbacks and tasks that are ready already.
    ///
    /// The callback may return `()` or a [`Result`](CallbackOutput). An error or a panic is passed to the
    /// [exception handler](Self::set_exception_handler), and the loop continues.
    ///
    /// # Errors
    ///
    /// Returns [`LoopError::Closed`] if the loop is closed.
    #[doc(alias = "schedule")]
    pub fn call_soon<R: CallbackOutput>(
        &self,
        callback: impl FnOnce() -> R + 'static,
    ) -> Result<CallbackHandle, LoopError> {
        let id = self.0.call_soon(erase(callback))?;
        Ok(self.callback_handle(id, None))
    }

    /// Schedules `callback` to be called after `delay`, by tokio's clock. If the resulting instant cannot be
    /// represented, the delay is 30 years.
    ///
    /// # Errors
    ///
    /// Returns [`LoopError::Closed`] if the loop is closed.
    #[doc(alias = "delay")]
    #[doc(alias = "set_timeout")]
    #[doc(alias = "timer")]
    pub fn call_later<R: CallbackOutput>(
        &self,
        delay: Duration,
        callback: impl FnOnce() -> R + 'static,
    ) -> Result<CallbackHandle, LoopError> {
        self.call_at(saturating_add(self.time()?, delay), callback)
    }

    /// Schedules `callback` to be called at `when`. Callbacks that are due at the same time are called in the order in
    /// which they were scheduled.
    ///
    /// # Errors
    ///
    /// Returns [`LoopError::Closed`] if the loop is closed.
    pub fn call_at<R: CallbackOutput>(
        &self,
        when: Instant,
        callback: impl FnOnce() -> R + 'static,
    ) -> Result<CallbackHandle, LoopError> {
        self.0.check_open()?;
        let id = self.0.callbacks.borrow_mut().schedule(when, erase(callback));
        // A task of the runtime may call this between two loop iterations, while the loop waits for a later callback.
        self.0.ready.wake();
        Ok(self.callback_handle(id, Some(when)))
    }

    /// Returns the current time by the clock of the loop's runtime, which [`call_at`](Self::call_at) uses.
    ///
    /// # Errors
    ///
    /// Returns [`LoopError::Closed`] if the loop is closed.
    pub fn time(&self) -> Result<Instant, LoopError> {
        let runtime = self.0.runtime().ok_or(LoopError::Closed)?;
        let _entered = runtime.enter();
        Ok(Instant::now())
    }

    /// Returns a handle by which other threads can schedule callbacks: see
    /// [`call_soon_threadsafe`](LoopHandle::call_soon_threadsafe).
    #[must_use]
    #[doc(alias = "call_soon_threadsafe")]
    pub fn handle(&self) -> LoopHandle {
        LoopHandle::new(Arc::clone(&self.0.ready))
    }

    /// Spawns a task on this loop, which is first polled in the next loop iteration.
    ///
    /// For a coroutine, this is also Python's `ensure_future`. A [`TaskHandle`] needs no such call.
    ///
    /// # Errors
    ///
    /// Returns [`LoopError::Closed`] if the loop is closed.
    #[doc(alias = "ensure_future")]
    #[doc(alias = "spawn_local")]
    #[track_caller]
    pub fn create_task<T, E, F>(&self, work: F) -> Result<TaskHandle<T, E>, LoopError>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: fmt::Debug + 'static,
    {
        let (promise, task) = Promise::for_task();
        box_large!(F, work => self.0.spawn(Harness::new(work, promise)))?;
        Ok(task)
    }

    /// Runs the loop until `future` completes, and returns its output.
    ///
    /// The future runs as a task of the loop. If the loop is stopped before the future completes, the future remains a
    /// task of the loop.
    ///
    /// # Errors
    ///
    /// Returns [`LoopError::Stopped`] if the loop was stopped before the future completed. Otherwise, the errors are
    /// those of [`run_forever`](Self::run_forever).
    ///
    /// # Panics
    ///
    /// Panics if the future panics.
    #[doc(alias = "block_on")]
    pub fn run_until_complete<F>(&self, future: F) -> Result<F::Output, LoopError>
    where
        F: Future<Output: 'static> + 'static,
    {
        box_large!(F, future => run::run_until_complete(&self.0, future))
    }

    /// Runs the loop until [`stop`](Self::stop) is called.
    ///
    /// # Errors
    ///
    /// - [`LoopError::Closed`] if the loop is closed.
    /// - [`LoopError::AlreadyRunning`] if the loop is running: the call comes from one of its callbacks or tasks.
    /// - [`LoopError::NestedLoop`] inside another loop, or on a thread of a tokio runtime, including the threads of
    ///   `spawn_blocking`. Run a loop on a separate thread, or on one of a
    ///   [`ThreadPoolExecutor`](crate::tasks::ThreadPoolExecutor).
    pub fn run_forever(&self) -> Result<(), LoopError> {
        run::run_forever(&self.0)
    }

    /// Stops the loop at the end of this loop iteration: callbacks and tasks that were ready at its start still run.
    /// Those that become ready later wait until the loop runs again.
    ///
    /// If the loop is not running, the next run ends after one loop iteration.
    pub fn stop(&self) {
        self.0.is_stopping.set(true);
    }

    /// Returns `true` if the loop is running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.0.is_running.get()
    }

    /// Returns `true` if the loop was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Closes the loop: drops the scheduled callbacks and the exception handler, and cancels the tasks that have not
    /// completed. Closing a closed loop has no effect.
    ///
    /// This does not wait for cleanups. To let them complete, await [`drain`](crate::cleanup::drain) on the loop first.
    ///
    /// # Errors
    ///
    /// Returns [`LoopError::Running`] if the loop is running.
    pub fn close(&self) -> Result<(), LoopError> {
        if self.is_running() {
            return Err(LoopError::Running);
        }
        self.0.close();
        Ok(())
    }

    /// Sets the function that is called with the errors and panics of callbacks. The default prints them to the
    /// standard error stream.
    ///
    /// A panic in the handler is reported by the panic hook, and the loop continues.
    #[doc(alias = "on_error")]
    pub fn set_exception_handler(&self, handler: impl Fn(&CallbackError) + 'static) {
        // The borrow ends before the previous handler is dropped, because its destructor may use the loop.
        let previous = self.0.handler.replace(Some(Rc::new(handler)));
        drop(previous);
    }

    /// Calls the exception handler with `error`.
    pub fn call_exception_handler(&self, error: &CallbackError) {
        self.0.call_exception_handler(error);
    }

    fn callback_handle(&self, id: u64, when: Option<Instant>) -> CallbackHandle {
        CallbackHandle::new(Rc::downgrade(&self.0), id, when)
    }
}

fn erase<R: CallbackOutput>(callback: impl FnOnce() -> R + 'static) -> Callback {
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
