//! A transaction as a context manager: committed when the block completes, and rolled back on an error, on a panic, and
//! when the future is dropped. The database is `SQLite`, in memory. After each case, the program prints the rows of the
//! table.
//!
//! ```sh
//! cargo run --example transaction_scope
//! ```

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use rusqlite::{Connection, Error};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::sleep;
use withal::cleanup;
use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, async_with};

#[derive(Clone)]
struct Database(Arc<Mutex<Connection>>);

impl Database {
    fn open() -> Result<Self, Error> {
        let connection = Connection::open_in_memory()?;
        connection
            .execute_batch("CREATE TABLE account (name TEXT UNIQUE, balance INTEGER CHECK (balance >= 0))")?;
        connection.execute_batch("INSERT INTO account VALUES ('Ada', 10), ('Grace', 0)")?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Returns a context manager that begins a transaction when it is entered.
    fn transaction(&self) -> Begin {
        Begin(self.clone())
    }

    async fn rows(&self) -> Result<String, Error> {
        let connection = self.0.lock().await;
        let mut rows = connection.prepare("SELECT name, balance FROM account ORDER BY name")?;
        let rows =
            rows.query_map([], |row| Ok(format!("{} {}", row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?.join(", "))
    }
}

struct Begin(Database);

struct Transaction(OwnedMutexGuard<Connection>);

impl Transaction {
    async fn transfer(&self, amount: i64) -> Result<(), Error> {
        let pay = "UPDATE account SET balance = balance + ?1 WHERE name = ?2";
        self.0.execute(pay, (amount, "Grace"))?;
        sleep(Duration::from_millis(1)).await; // the first of two statements has run
        self.0.execute(pay, (-amount, "Ada"))?; // fails if the balance would be negative
        Ok(())
    }
}

impl AsyncContextManager for Begin {
    type Guard = Transaction;

    async fn aenter(self) -> Result<Transaction, Error> {
        let connection = self.0.0.lock_owned().await;
        connection.execute_batch("BEGIN")?;
        Ok(Transaction(connection))
    }
}

impl AsyncGuard for Transaction {
    type Target = Self;
    type Error = Error;
    type Suppression = ();
    // With a remote database, the commit would be awaited, and must not be interrupted.
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Error> {
        tokio::task::yield_now().await;
        self.0.execute_batch(if exit.is_ok() { "COMMIT" } else { "ROLLBACK" })
    }
}

async fn transfer(database: &Database, amount: i64) -> Result<(), Error> {
    async_with!(tx = database.transaction() => { tx.transfer(amount).await? })
}

/// Leaves the block by `return`, which commits.
async fn transfer_and_return(database: &Database, amount: i64) -> Result<&'static str, Error> {
    async_with!(tx = database.transaction() => {
        tx.transfer(amount).await?;
        return Ok("returned");
    })
}

async fn panic_in_the_middle(database: &Database) -> Result<(), Error> {
    async_with!(tx = database.transaction() => {
        tx.transfer(1).await?;
        assert_eq!(1 + 1, 3, "a bug");
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cleanup::run_main(run(), Duration::from_secs(10)).await
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    // Do not print the intentional panic below.
    std::panic::set_hook(Box::new(|_| {}));
    let database = Database::open()?;
    println!("{:<28} {}", "before", database.rows().await?);

    transfer(&database, 3).await?;
    println!("{:<28} {}", "committed", database.rows().await?);

    println!("{:<28} {}", transfer_and_return(&database, 2).await?, database.rows().await?);

    let error = transfer(&database, 100).await.unwrap_err();
    println!("{:<28} {}", "rolled back: an error", database.rows().await?);

    let panic = AssertUnwindSafe(panic_in_the_middle(&database)).catch_unwind().await;
    println!("{:<28} {}", "rolled back: a panic", database.rows().await?);

    // Polled once, then dropped during its `sleep`, as by `select!` or a timeout.
    let dropped = transfer(&database, 1).now_or_never();
    cleanup::drain(Duration::from_secs(10)).await?;
    println!("{:<28} {}", "rolled back: dropped", database.rows().await?);

    assert!(panic.is_err() && dropped.is_none());
    println!("the error was: {error}");
    Ok(())
}
