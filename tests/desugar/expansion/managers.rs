//! Managers that do as they are told, and say so.

use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, Suppression};

use super::Log;

/// How a manager exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Passes,
    /// Says `True`, where its verdict can.
    Swallows,
    Fails,
}

/// What a manager does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) enters: bool,
    pub(super) exits: How,
}

/// What a manager can say of an error.
pub(super) trait Says: Suppression + 'static {
    fn says(swallow: bool) -> Self;

    /// The value of a block, unless its error was swallowed.
    fn value<T>(out: Self::Output<T>) -> Option<T>;
}

impl Says for () {
    fn says(_swallow: bool) {}

    fn value<T>(out: T) -> Option<T> {
        Some(out)
    }
}

impl Says for bool {
    fn says(swallow: bool) -> bool {
        swallow
    }

    fn value<T>(out: Option<T>) -> Option<T> {
        out
    }
}

/// A manager. It awaits once in its enter, and once in its exit.
pub(super) struct Manager<V> {
    log: Log,
    plan: Plan,
    target: usize,
    says: fn(bool) -> V,
}

impl<V: Says> Manager<V> {
    pub(super) fn new(log: &Log, plan: Plan) -> Self {
        log.record(format_args!("{}: made", plan.name));
        Self { log: log.clone(), plan, target: 0, says: V::says }
    }

    fn record(&self, event: &str) {
        self.log.record(format_args!("{}: {event}", self.plan.name));
    }
}

impl<V: Says> AsyncContextManager for Manager<V> {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, String> {
        self.record("aenter");
        tokio::task::yield_now().await;
        if self.plan.enters {
            self.record("entered");
            Ok(self)
        } else {
            self.record("enter fails");
            Err(format!("{}: enter", self.plan.name))
        }
    }
}

impl<V: Says> AsyncGuard for Manager<V> {
    type Target = usize;
    type Error = String;
    type Suppression = V;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut usize {
        &mut self.target
    }

    async fn aexit(&mut self, mut exit: ExitReason<'_>) -> Result<V, String> {
        let seen = match &mut exit {
            ExitReason::Ok => "None".to_owned(),
            ExitReason::Error(error) => {
                error.downcast_ref::<String>().expect("all of them are strings").clone()
            }
            ExitReason::Panic(_) => "panic".to_owned(),
            ExitReason::Cancelled => "CancelledError".to_owned(),
        };
        self.record(&format!("aexit({seen}), target {}", self.target));
        tokio::task::yield_now().await;
        self.record("exited");
        match self.plan.exits {
            How::Passes => Ok((self.says)(false)),
            How::Swallows => Ok((self.says)(true)),
            How::Fails => Err(format!("{}: exit", self.plan.name)),
        }
    }
}

impl<V> Drop for Manager<V> {
    fn drop(&mut self) {
        self.log.record(format_args!("{}: dropped", self.plan.name));
    }
}
