use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use tokio::runtime::{EnterGuard, Handle, Runtime};
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::callback_error::CallbackError;
use super::callbacks::{Callback, Callbacks};
use super::error::LoopError;
use super::ready_queue::{Entry, ReadyQueue};
use super::tasks::Tasks;
use crate::panic::ignore_panic;

type ExceptionHandler = Rc<dyn Fn(&CallbackError)>;

/// The state of a loop, which the clones of an [`EventLoop`](super::EventLoop) share.
///
/// No cell is borrowed while user code runs: callbacks, tasks, the exception handler and all destructors may use the
/// loop.
pub(super) struct Inner {
    pub(super) ready: Arc<ReadyQueue>,
    pub(super) tasks: RefCell<Tasks>,
    pub(super) callbacks: RefCell<Callbacks>,
    pub(super) is_running: Cell<bool>,
    pub(super) is_stopping: Cell<bool>,
    pub(super) handler: RefCell<Option<ExceptionHandler>>,
    /// Runs the tasks that the tasks of the loop spawn by tokio's `spawn_local`.
    pub(super) local: RefCell<Option<LocalSet>>,
    /// `None` once the loop is closed.
    runtime: RefCell<Option<Rc<Runtime>>>,
}

impl Inner {
    pub(super) fn new(runtime: Runtime) -> Self {
        Self {
            ready: Arc::default(),
            tasks: RefCell::default(),
            callbacks: RefCell::default(),
            is_running: Cell::new(false),
            is_stopping: Cell::new(false),
            handler: RefCell::default(),
            local: RefCell::default(),
            runtime: RefCell::new(Some(Rc::new(runtime))),
        }
    }

    pub(super) fn runtime(&self) -> Option<Rc<Runtime>> {
        self.runtime.borrow().clone()
    }

    pub(super) fn spawn(&self, future: impl Future<Output = ()> + 'static) -> Result<(), LoopError> {
        let waker = self.tasks.borrow_mut().next_waker(&self.ready);
        // On an error, `future` is dropped here, where nothing is borrowed.
        waker.enqueue()?;
        // The entry cannot be popped before this insert: the loop runs on this thread.
        self.tasks.borrow_mut().insert(Box::pin(future), waker);
        Ok(())
    }

    pub(super) fn call_soon(&self, callback: Callback) -> Result<u64, LoopError> {
        self.check_open()?;
        let id = self.callbacks.borrow_mut().add_ready(callback);
        self.ready.push(Entry::Callback(id))?;
        Ok(id)
    }

    pub(super) fn take_callback(&self, id: u64, when: Option<Instant>) -> Option<Callback> {
        self.callbacks.borrow_mut().take(id, when)
    }

    pub(super) fn call_exception_handler(&self, error: &CallbackError) {
        // Cloned, so that no cell is borrowed during the call: the handler may set another one.
        let handler = self.handler.borrow().clone();
        ignore_panic(move || match handler {
            Some(handler) => handler(error),
            None => eprintln!("{error}"),
        });
    }

    pub(super) fn is_closed(&self) -> bool {
        self.runtime.borrow().is_none()
    }

    pub(super) fn check_open(&self) -> Result<(), LoopError> {
        if self.is_closed() { Err(LoopError::Closed) } else { Ok(()) }
    }

    pub(super) fn close(&self) {
        // Taken first: the destructors below find the loop closed, and a nested `close` returns here.
        let Some(runtime) = self.runtime.take() else { return };
        self.ready.close();
        // Take everything out of its cell before it is dropped, so that no destructor runs while a cell is borrowed.
        let (callbacks, tasks, local) = (self.callbacks.take(), self.tasks.take(), self.local.take());
        let handler = self.handler.take();
        // Destructors may use the runtime, but a thread that is ending can no longer enter it.
        let is_thread_ending = Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed());
        let entered: Option<EnterGuard<'_>> = (!is_thread_ending).then(|| runtime.enter());
        callbacks.drop_all();
        tasks.drop_all();
        ignore_panic(|| drop(local));
        ignore_panic(|| drop(handler));
        drop(entered);
        // In the background: the loop may be closed inside another runtime, where nothing may block.
        Rc::into_inner(runtime).into_iter().for_each(Runtime::shutdown_background);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
