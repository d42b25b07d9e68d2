use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use tokio::runtime::{EnterGuard, Handle, Runtime};
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::callbacks::{Callback, Callbacks};
use super::ready_queue::ReadyQueue;
use super::tasks::Tasks;
use super::{CallbackError, LoopError};
use crate::panic::ignore_panic;

type Handler = Rc<dyn Fn(&CallbackError)>;

/// A loop, whose handles [`EventLoop`](super::EventLoop)s are.
pub(super) struct Inner {
    pub(super) ready: Arc<ReadyQueue>,
    pub(super) tasks: RefCell<Tasks>,
    pub(super) calls: RefCell<Callbacks>,
    pub(super) is_running: Cell<bool>,
    pub(super) is_stopping: Cell<bool>,
    pub(super) handler: RefCell<Option<Handler>>,
    /// Tasks of tokio's `spawn_local`, which what is awaited here may want.
    pub(super) local: RefCell<Option<LocalSet>>,
    /// None when it is closed.
    runtime: RefCell<Option<Rc<Runtime>>>,
}

impl Inner {
    pub(super) fn new(runtime: Runtime) -> Self {
        Self {
            ready: Arc::default(),
            tasks: RefCell::default(),
            calls: RefCell::default(),
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

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + 'static) -> Result<(), LoopError> {
        let step = self.tasks.borrow_mut().next_step(&self.ready);
        // Refused, the work is dropped while nothing is borrowed: it may use the loop.
        step.queue()?;
        self.tasks.borrow_mut().add(Box::pin(work), step);
        Ok(())
    }

    pub(super) fn take_call(&self, call: u64, when: Option<Instant>) -> Option<Callback> {
        self.calls.borrow_mut().take(call, when)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.runtime.borrow().is_none()
    }

    pub(super) fn check_open(&self) -> Result<(), LoopError> {
        if self.is_closed() { Err(LoopError::Closed) } else { Ok(()) }
    }

    pub(super) fn close(&self) {
        let Some(runtime) = self.runtime.take() else { return };
        self.ready.close();
        // Out of their cells first: what is dropped may use the loop.
        let (calls, tasks, local) = (self.calls.take(), self.tasks.take(), self.local.take());
        // It may have a handle of this loop.
        let handler = self.handler.take();
        // A thread that ends may have no place for it any more.
        let is_ending = Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed());
        let entered: Option<EnterGuard<'_>> = (!is_ending).then(|| runtime.enter());
        calls.discard();
        tasks.discard();
        ignore_panic(|| drop(local));
        ignore_panic(|| drop(handler));
        drop(entered);
        // Never blocks, and may be called inside of another runtime.
        Rc::into_inner(runtime).into_iter().for_each(Runtime::shutdown_background);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
