use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, Error};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio::time::sleep;
use withal::cleanup::Phase;
use withal::context::{
    AsyncContextManager, AsyncContextManagerExt, AsyncGuard, Detach, ExitReason, ShieldEnter,
};

use super::ledger::Ledger;
use super::telemetry::Telemetry;

type Statement = Box<dyn FnOnce(&Connection) + Send>;

/// A connection to SQLite on its own thread, which runs one transaction at a time.
#[derive(Clone)]
pub(crate) struct Database {
    statements: mpsc::Sender<Statement>,
    /// Held by the transaction that is open.
    turn: Arc<Mutex<()>>,
    ledger: Arc<Ledger>,
    telemetry: Telemetry,
}

impl Database {
    /// Starts the thread, and registers its end with the phase.
    pub(crate) fn start(
        close: &Phase,
        data: Option<&Path>,
        ledger: Arc<Ledger>,
        telemetry: Telemetry,
    ) -> Result<Self, Error> {
        let connection = match data {
            Some(data) => Connection::open(data.join("orders.db"))?,
            None => Connection::open_in_memory()?,
        };
        connection.execute_batch(
            "PRAGMA synchronous = OFF;
            CREATE TABLE orders (id TEXT PRIMARY KEY, is_confirmed INTEGER NOT NULL DEFAULT 0);
            CREATE TABLE items (order_id TEXT NOT NULL, name TEXT NOT NULL);
            CREATE TABLE documents (id INTEGER PRIMARY KEY);",
        )?;
        let (statements, receiver) = mpsc::channel::<Statement>();
        let (ended, end) = oneshot::channel();
        thread::spawn(move || {
            for statement in receiver {
                statement(&connection);
            }
            // Not in a transaction, and the file is closed.
            let is_idle = connection.is_autocommit();
            let closed = connection.close().map_err(|(_, error)| error);
            drop(ended.send(closed.map(|()| is_idle)));
        });
        let database = Self { statements, turn: Arc::default(), ledger, telemetry };
        // The thread ends when the last sender is dropped. This one is dropped when the phase begins.
        let last = database.clone();
        close.step("database", async move {
            drop(last);
            match end.await {
                Ok(Ok(true)) => {
                    println!("database closed");
                    Ok(())
                }
                Ok(Ok(false)) => Err("a transaction is open".to_owned()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("the thread has panicked".to_owned()),
            }
        });
        Ok(database)
    }

    /// Returns a context manager that begins a transaction when it is entered. If the enter is cancelled, the transaction is
    /// still begun, and then rolled back.
    pub(crate) fn transaction(&self) -> ShieldEnter<Begin> {
        Begin(self.clone()).shield_enter()
    }

    /// Runs a statement on the thread.
    async fn call<T: Send + 'static>(
        &self,
        statement: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, result) = oneshot::channel();
        let statement: Statement = Box::new(move |connection| drop(sender.send(statement(connection))));
        let is_sent = self.statements.send(statement).is_ok();
        let closed = || Error::InvalidParameterName("the database is closed".to_owned());
        if is_sent { result.await.unwrap_or_else(|_| Err(closed())) } else { Err(closed()) }
    }
}

pub(crate) struct Begin(Database);

impl AsyncContextManager for Begin {
    type Guard = Transaction;

    async fn aenter(self) -> Result<Transaction, Error> {
        let turn = Arc::clone(&self.0.turn).lock_owned().await;
        self.0.call(|connection| connection.execute_batch("BEGIN")).await?;
        self.0.ledger.begun.add(1);
        Ok(Transaction { database: self.0, _turn: turn })
    }
}

pub(crate) struct Transaction {
    database: Database,
    _turn: OwnedMutexGuard<()>,
}

impl Transaction {
    /// Inserts an order and its two items. A request can be cancelled between them.
    pub(crate) async fn insert_order(&self, id: String) -> Result<(), Error> {
        let order = id.clone();
        self.database
            .call(move |connection| connection.execute("INSERT INTO orders (id) VALUES (?1)", [order]))
            .await?;
        for item in ["first", "second"] {
            let id = id.clone();
            let insert = "INSERT INTO items VALUES (?1, ?2)";
            self.database.call(move |connection| connection.execute(insert, (id, item))).await?;
            sleep(Duration::from_micros(100)).await; // the stock is checked
        }
        Ok(())
    }

    pub(crate) async fn confirm(&self, id: String) -> Result<(), Error> {
        let update = "UPDATE orders SET is_confirmed = 1 WHERE id = ?1";
        self.database.call(move |connection| connection.execute(update, [id])).await.map(drop)
    }

    pub(crate) async fn store_page(&self, ids: Vec<u32>) -> Result<(), Error> {
        let insert = "INSERT INTO documents VALUES (?1)";
        for id in ids {
            self.database.call(move |connection| connection.execute(insert, [id])).await?;
        }
        Ok(())
    }
}

impl AsyncGuard for Transaction {
    type Target = Self;
    type Error = Error;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Error> {
        let Database { ledger, telemetry, .. } = &self.database;
        let (statement, counter) = match exit {
            ExitReason::Ok => ("COMMIT", &ledger.committed),
            _ => ("ROLLBACK", &ledger.rolled_back),
        };
        self.database.call(move |connection| connection.execute_batch(statement)).await?;
        counter.add(1);
        telemetry.record(statement);
        Ok(())
    }
}
