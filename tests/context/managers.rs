//! Managers that several of these files use, besides the [`probes!`](withal_test_support::probes).

use std::future::{Future, ready};
use std::marker::PhantomData;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::time::sleep;
use withal::context::{
    AsyncContextManager, AsyncGuard, Detach, DropAfterChildren, DropNow, ExitReason, NotEntering, Restart,
    Suppression, interrupt_when,
};
use withal_test_support::event_log::{EventLog, kind};

/// Implements `AsyncContextManager` for guards that are their own manager.
macro_rules! enters_as_itself {
    ($($guard:ty: $error:ty),+) => {$(
        impl withal::context::AsyncContextManager for $guard {
            type Guard = Self;

            async fn aenter(self) -> Result<Self, $error> {
                Ok(self)
            }
        }
    )+};
}

pub(crate) use enters_as_itself;

type Exit<V, E> = Box<dyn FnMut(ExitReason<'_>) -> BoxFuture<'static, Result<V, E>> + Send>;

/// A manager with the drop policy `P` whose exit is a closure. Its target is 7.
pub(crate) struct OnExit<P, V, E> {
    exit: Exit<V, E>,
    grace_period: fn() -> Duration,
    target: u32,
    policy: PhantomData<fn() -> P>,
}

/// Creates a manager whose exit calls `exit`.
pub(crate) fn on_exit<P, V, E, R>(
    mut exit: impl FnMut(ExitReason<'_>) -> R + Send + 'static,
) -> OnExit<P, V, E>
where
    R: Future<Output = Result<V, E>> + Send + 'static,
{
    OnExit {
        exit: Box::new(move |reason| exit(reason).boxed()),
        grace_period: || Duration::from_secs(30),
        target: 7,
        policy: PhantomData,
    }
}

/// Creates a manager whose exit records the reason.
pub(crate) fn records_exit<P, E: std::fmt::Debug + Send + 'static>(log: &EventLog) -> OnExit<P, (), E> {
    let log = log.clone();
    on_exit(move |exit| {
        log.record(kind(&exit));
        ready(Ok(()))
    })
}

impl<P, V, E> OnExit<P, V, E> {
    pub(crate) fn grace_period(self, grace_period: fn() -> Duration) -> Self {
        Self { grace_period, ..self }
    }
}

// By hand for each policy: a policy that is a parameter would have to be bounded by the implementation itself.
macro_rules! guards {
    ($($policy:ty),+) => {$(
        impl<V: Suppression + 'static, E: std::fmt::Debug + Send + 'static> AsyncContextManager for OnExit<$policy, V, E> {
            type Guard = Self;

            async fn aenter(self) -> Result<Self, E> {
                Ok(self)
            }
        }

        impl<V: Suppression + 'static, E: std::fmt::Debug + Send + 'static> AsyncGuard for OnExit<$policy, V, E> {
            type Target = u32;
            type Error = E;
            type Suppression = V;
            type OnDrop = $policy;

            fn target(&mut self) -> &mut u32 {
                &mut self.target
            }

            fn grace_period(&self) -> Duration {
                (self.grace_period)()
            }

            fn aexit(&mut self, exit: ExitReason<'_>) -> impl Future<Output = Result<V, E>> + Send {
                (self.exit)(exit)
            }
        }
    )+};
}

guards!(DropNow, DropAfterChildren, Detach, Restart);

/// Panics when it is dropped.
#[derive(Debug)]
pub(crate) struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("in a destructor")
    }
}

/// Polls a future until it has nothing left to do but wait, then drops it.
pub(crate) async fn drop_while_pending(future: impl Future) {
    let mut future = Box::pin(future);
    for _ in 0..20 {
        assert!(futures::poll!(&mut future).is_pending());
    }
}

/// A timeout that suppresses the interrupt, as `move_on_after` of trio.
pub(crate) struct MoveOn(pub(crate) Duration);

impl AsyncContextManager for MoveOn {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, NotEntering> {
        interrupt_when(sleep(self.0))?;
        Ok(self)
    }
}

impl AsyncGuard for MoveOn {
    type Target = Self;
    type Error = NotEntering;
    type Suppression = bool;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<bool, NotEntering> {
        Ok(exit.is_cancelled())
    }
}
