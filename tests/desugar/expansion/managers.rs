//! Managers that follow a [`Plan`] and record their events.

use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, Suppression};

use super::Log;

/// The behaviour of a manager's exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExitPlan {
    Propagates,
    /// Suppresses the error, if the manager's type permits it.
    Suppresses,
    Fails,
}

/// The behaviour of a manager.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) enters: bool,
    pub(super) exits: ExitPlan,
}

/// A manager's type of suppression, with or without the possibility to suppress an error.
pub(super) trait FromBool: Suppression + 'static {
    fn from_bool(suppress: bool) -> Self;

    /// Returns the value of a block, or `None` if its error was suppressed.
    fn value<T>(out: Self::Output<T>) -> Option<T>;
}

impl FromBool for () {
    fn from_bool(_suppress: bool) {}

    fn value<T>(out: T) -> Option<T> {
        Some(out)
    }
}

impl FromBool for bool {
    fn from_bool(suppress: bool) -> bool {
        suppress
    }

    fn value<T>(out: Option<T>) -> Option<T> {
        out
    }
}

/// A manager that awaits once when entered and once when exited.
pub(super) struct Manager<V> {
    log: Log,
    plan: Plan,
    target: usize,
    suppression: fn(bool) -> V,
}

impl<V: FromBool> Manager<V> {
    pub(super) fn new(log: &Log, plan: Plan) -> Self {
        withal_test_support::expect_reports("expansion::managers::Manager failed");
        withal_test_support::expect_reports("the error of the block of a dropped scope was lost");
        log.record(format_args!("{}: created", plan.name));
        Self { log: log.clone(), plan, target: 0, suppression: V::from_bool }
    }

    fn record(&self, event: &str) {
        self.log.record(format_args!("{}: {event}", self.plan.name));
    }
}

impl<V: FromBool> AsyncContextManager for Manager<V> {
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

impl<V: FromBool> AsyncGuard for Manager<V> {
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
                error.downcast_ref::<String>().expect("all errors are strings").clone()
            }
            ExitReason::Panic(_) => "panic".to_owned(),
            ExitReason::Cancelled => "CancelledError".to_owned(),
        };
        self.record(&format!("aexit({seen}), target {}", self.target));
        tokio::task::yield_now().await;
        self.record("exited");
        match self.plan.exits {
            ExitPlan::Propagates => Ok((self.suppression)(false)),
            ExitPlan::Suppresses => Ok((self.suppression)(true)),
            ExitPlan::Fails => Err(format!("{}: exit", self.plan.name)),
        }
    }
}

impl<V> Drop for Manager<V> {
    fn drop(&mut self) {
        self.log.record(format_args!("{}: dropped", self.plan.name));
    }
}
