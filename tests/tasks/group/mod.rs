//! Groups of tasks: `test_taskgroups.py`, and what asyncio has no need to say.

mod cpython;
mod ends;
mod entered;
mod told;

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::time::sleep;
use withal::context::{AsyncContextManager, AsyncExit, Detach, Exit};
use withal::tasks::{ErrorGroup, TaskGroup};

use super::{Failed, Log, Noted};

const SECOND: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);
const CRASH: Failed = Failed("division by zero");

type Group = TaskGroup<Failed>;

async fn after<T>(seconds: u32, outcome: Result<T, Failed>) -> Result<T, Failed> {
    sleep(seconds * SECOND).await;
    outcome
}

/// Waits for ever, and logs its end.
async fn waits(noted: Noted) -> Result<(), Failed> {
    let _noted = noted;
    pending().await
}

fn errors<T: std::fmt::Debug>(result: Result<T, ErrorGroup<Failed>>) -> Vec<Failed> {
    result.unwrap_err().into_errors()
}

/// Its exit takes a second, and is logged.
struct Slow(&'static str, Log);

impl AsyncContextManager for Slow {
    type Entered = Self;
    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl AsyncExit for Slow {
    type Target = Self;
    type Error = Infallible;
    type Verdict = ();
    type OnDrop = Detach;
    fn target(&mut self) -> &mut Self {
        self
    }
    async fn aexit(&mut self, exit: Exit<'_>) -> Result<(), Infallible> {
        sleep(SECOND).await;
        self.1.push(format!("{} {exit:?}", self.0));
        Ok(())
    }
}
