//! Graceful shutdown on Ctrl-C: the exits of ten managers run, innermost first, within a grace period. Then the program
//! ends.
//!
//! ```sh
//! cargo run --example graceful_shutdown
//! ```
//!
//! There are five sessions, each with a nested transaction. The program waits for Ctrl-C, or for three seconds. It
//! logs each open and close, and fails if their numbers differ.

use std::convert::Infallible;
use std::future::pending;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use withal::cleanup;
use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, async_with};

const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// The resources that were opened and closed, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn record(&self, entry: String) {
        println!("{entry}");
        self.0.lock().expect("log lock poisoned").push(entry);
    }

    fn count(&self, prefix: &str) -> usize {
        let entries = self.0.lock().expect("log lock poisoned");
        entries.iter().filter(|entry| entry.starts_with(prefix)).count()
    }
}

/// A resource on a server, which takes some time to close.
struct Resource {
    name: String,
    close_time: Duration,
    log: Log,
}

impl AsyncContextManager for Resource {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        sleep(Duration::from_millis(5)).await;
        self.log.record(format!("open   {}", self.name));
        Ok(self)
    }
}

impl AsyncGuard for Resource {
    type Target = str;
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut str {
        &mut self.name
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Infallible> {
        sleep(self.close_time).await;
        self.log.record(format!("close  {} ({exit:?})", self.name));
        Ok(())
    }
}

async fn session(n: u64, log: Log) {
    // The transaction takes longer to close than the session, so the order of the exits is not a coincidence.
    let session =
        Resource { name: format!("session {n}"), close_time: Duration::from_millis(5), log: log.clone() };
    let close_time = Duration::from_millis(20 * n);
    let transaction = Resource { name: format!("session {n} / transaction"), close_time, log };
    async_with!(_ = session, _ = transaction => { pending::<()>().await });
}

#[tokio::main]
async fn main() -> ExitCode {
    let log = Log::default();
    let mut sessions = JoinSet::new();
    for n in 1..=5 {
        sessions.spawn(session(n, log.clone()));
    }
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = sleep(Duration::from_secs(3)) => {}
    }
    println!("stop");
    let stopped = cleanup::shutdown(sessions.shutdown(), GRACE_PERIOD).await;
    let (opened, closed) = (log.count("open"), log.count("close"));
    println!("opened {opened}, closed {closed}");
    match stopped {
        Ok(()) if opened == closed => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
