//! Ctrl-C in the middle of ten open scopes: all of their exits run, inner before outer, within a grace; then the program
//! ends.
//!
//! ```sh
//! cargo run --example graceful_shutdown
//! ```
//!
//! Five sessions, each with a lease and a transaction inside of it. It waits for Ctrl-C, or for three seconds. What it prints in
//! the end is the ledger, and whether it is balanced.

use std::convert::Infallible;
use std::future::pending;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use withal::cleanup;
use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, async_with};

const GRACE: Duration = Duration::from_secs(5);

/// What was opened and closed, in order.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Vec<String>>>);

impl Ledger {
    fn note(&self, entry: String) {
        println!("{entry}");
        self.0.lock().expect("nothing panics while it is locked").push(entry);
    }

    fn count(&self, word: &str) -> usize {
        let entries = self.0.lock().expect("nothing panics while it is locked");
        entries.iter().filter(|entry| entry.starts_with(word)).count()
    }
}

/// Something on a server, whose goodbye takes a while.
struct Resource {
    name: String,
    goodbye: Duration,
    ledger: Ledger,
}

impl AsyncContextManager for Resource {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        sleep(Duration::from_millis(5)).await;
        self.ledger.note(format!("open   {}", self.name));
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
        sleep(self.goodbye).await;
        self.ledger.note(format!("close  {} ({exit:?})", self.name));
        Ok(())
    }
}

async fn session(n: u64, ledger: Ledger) {
    // The inner goodbyes are the slower ones: the order is no accident.
    let lease =
        Resource { name: format!("session {n}"), goodbye: Duration::from_millis(5), ledger: ledger.clone() };
    let goodbye = Duration::from_millis(20 * n);
    let transaction = Resource { name: format!("session {n} / transaction"), goodbye, ledger };
    async_with!(_ = lease, _ = transaction => { pending::<()>().await });
}

#[tokio::main]
async fn main() -> ExitCode {
    let observer = cleanup::observe(|event| eprintln!("{event}"));
    let ledger = Ledger::default();
    let mut sessions = JoinSet::new();
    for n in 1..=5 {
        sessions.spawn(session(n, ledger.clone()));
    }
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = sleep(Duration::from_secs(3)) => {}
    }
    println!("stop");
    let stopped = cleanup::shutdown(sessions.shutdown(), GRACE).await;
    drop(observer);
    let (opened, closed) = (ledger.count("open"), ledger.count("close"));
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
