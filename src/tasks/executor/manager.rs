use std::convert::Infallible;
use std::time::Duration;

use super::ThreadPoolExecutor;
use crate::context::{AsyncContextManager, AsyncExit, Exit, Restart};

/// The exit is the [`shutdown`](ThreadPoolExecutor::shutdown), awaited: all that was submitted is done, whichever way the
/// block was left.
impl AsyncContextManager for ThreadPoolExecutor {
    type Entered = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl AsyncExit for ThreadPoolExecutor {
    type Target = Self;
    type Error = Infallible;
    type Verdict = ();
    /// A second shutdown does no harm.
    type OnDrop = Restart;

    fn target(&mut self) -> &mut Self {
        self
    }

    /// Without end: a thread cannot be interrupted.
    fn grace(&self) -> Duration {
        Duration::MAX
    }

    async fn aexit(&mut self, _exit: Exit<'_>) -> Result<(), Infallible> {
        self.shutdown().await;
        Ok(())
    }
}
