//! Utilities for the tests of an application, which cancel a future at every await and check that every resource is
//! released.
//!
//! | to | use |
//! |---|---|
//! | drop a future at each of its awaits, in a fresh run each time | [`cancel_at_every_await`] |
//! | check that everything that was opened was closed, and in which order | [`Ledger`] |
//! | test code that reads a paginated API without a server | [`ScriptedServer`] |
//!
//! # Examples
//!
//! A transaction without a manager. The test finds its bug: if the future is dropped after `BEGIN`, the connection returns
//! to the pool with an open transaction, and the inserts of the next user are never committed:
//!
//! ```
//! use std::ops::Deref;
//! use std::sync::Mutex;
//!
//! use rusqlite::Connection;
//! use withal::testing::cancel_at_every_await;
//!
//! /// A pool of one connection.
//! struct Pool(Mutex<Option<Connection>>);
//!
//! /// Returns its connection to the pool when it is dropped.
//! struct Pooled<'p>(&'p Pool, Option<Connection>);
//!
//! impl Pool {
//!     async fn acquire(&self) -> Pooled<'_> {
//!         Pooled(self, self.0.lock().unwrap().take())
//!     }
//! }
//!
//! impl Drop for Pooled<'_> {
//!     fn drop(&mut self) {
//!         *self.0.0.lock().unwrap() = self.1.take();
//!     }
//! }
//!
//! impl Pooled<'_> {
//!     async fn execute(&self, statement: &str) {
//!         tokio::task::yield_now().await; // as a request to a server
//!         self.1.as_ref().unwrap().execute_batch(statement).unwrap();
//!     }
//! }
//!
//! async fn insert(pool: &Pool) {
//!     let connection = pool.acquire().await;
//!     connection.execute("BEGIN").await;
//!     connection.execute("INSERT INTO names VALUES ('Ada')").await;
//!     connection.execute("COMMIT").await;
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let connection = Connection::open_in_memory().unwrap();
//! connection.execute_batch("CREATE TABLE names (name)").unwrap();
//! let pool = Pool(Mutex::new(Some(connection)));
//! let mut found = Vec::new();
//! let drops = cancel_at_every_await(|| insert(&pool))
//!     .check(async |_| {
//!         let connection = pool.acquire().await;
//!         let is_idle = connection.1.as_ref().unwrap().is_autocommit();
//!         if !is_idle {
//!             connection.execute("ROLLBACK").await;
//!         }
//!         found.push(is_idle); // a test would `assert!(is_idle)`
//!     })
//!     .await;
//! assert_eq!(drops, 7);
//! // Before the first poll, and twice at each of the three awaits.
//! assert_eq!(found, [true, true, true, false, false, false, false, true]);
//! # }
//! ```
//!
//! If the transaction is a manager, as in the example of [`context`](crate::context), the same test finds none.

mod cancel_at_every_await;
mod ledger;
mod scripted_server;

pub use self::cancel_at_every_await::{CancelAtEveryAwait, cancel_at_every_await};
pub use self::ledger::{Ledger, LedgerEntry};
pub use self::scripted_server::{ScriptedFailure, ScriptedServer};
