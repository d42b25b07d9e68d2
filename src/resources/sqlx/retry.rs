use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use ::sqlx::Error;
use ::sqlx::error::DatabaseError;

use super::dialect::Dialect;
use super::sqlx_database::SqlxDatabase;
use super::transaction::ManagedTransaction;
use crate::as_error::AsError;
use crate::context::{Error as ScopeError, SendAsyncFnOnce, async_with, async_with_send};

/// The longest pause before the second attempt. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause before an attempt.
const MAX_PAUSE: Duration = Duration::from_secs(1);

impl<DB: SqlxDatabase> ManagedTransaction<DB> {
    /// Runs a closure in the transaction, and retries the transaction after a conflict, as often as
    /// [`retry_serialization`](Self::retry_serialization) allows.
    ///
    /// A transaction is retried after a serialization failure or a deadlock of PostgreSQL, MySQL or MariaDB (SQLSTATE
    /// `40001` and `40P01`), and if SQLite is busy, whether the closure or the commit fails. The error is also found among
    /// the [sources](std::error::Error::source) of the closure's error, which may be transparent. Each retry runs in a new
    /// transaction, after a random pause of at most 10 ms, 20 ms, 40 ms and so on, up to 1 second.
    ///
    /// The closure must be able to run again: its effects outside of the transaction are not undone. In a spawned task, use
    /// [`run_send`](Self::run_send).
    ///
    /// # Examples
    ///
    #[cfg_attr(not(doctest), doc = include_str!("examples/run.md"))]
    ///
    /// # Errors
    ///
    /// The error of the closure, of the begin, or of the commit. If the closure and the rollback both fail, the
    /// rollback's error is [reported](crate::cleanup#reports).
    ///
    /// # Cancel safety
    ///
    /// The same as for [`transaction`](super::transaction).
    pub async fn run<T, E, K>(
        self,
        mut block: impl AsyncFnMut(&mut DB::Connection) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: AsError<K> + From<Error> + Send + 'static,
    {
        let mut retries = 0;
        loop {
            let result = async_with(self.clone(), async |tx: &mut DB::Connection| block(tx).await).await;
            match result.map_err(ScopeError::into_first) {
                Err(error) if self.is_retried::<E, K>(retries, &error) => {
                    tokio::time::sleep(pause(retries)).await;
                    retries += 1;
                }
                result => return result,
            }
        }
    }

    /// Like [`run`](Self::run), for a future that must be `Send`, such as that of a spawned task.
    ///
    /// The compiler cannot prove that for [`run`](Self::run) if the closure captures references: "implementation of `Send`
    /// is not general enough" (rust-lang/rust#110338). Each attempt runs a clone of the closure, so what it captures must
    /// be [`Clone`], as references are.
    ///
    /// # Examples
    ///
    #[cfg_attr(not(doctest), doc = include_str!("examples/run_send.md"))]
    ///
    /// # Errors
    ///
    /// The same as for [`run`](Self::run).
    ///
    /// # Cancel safety
    ///
    /// The same as for [`transaction`](super::transaction).
    pub async fn run_send<T, E, K, F>(self, block: F) -> Result<T, E>
    where
        F: for<'c> SendAsyncFnOnce<&'c mut DB::Connection, Result<T, E>> + Clone + Send,
        T: Send,
        E: AsError<K> + From<Error> + Send + 'static,
    {
        let mut retries = 0;
        loop {
            let result = async_with_send(self.clone(), block.clone()).await;
            match result.map_err(ScopeError::into_first) {
                Err(error) if self.is_retried::<E, K>(retries, &error) => {
                    tokio::time::sleep(pause(retries)).await;
                    retries += 1;
                }
                result => return result,
            }
        }
    }

    fn is_retried<E: AsError<K>, K>(&self, retries: u32, error: &E) -> bool {
        retries < self.options.retries && is_serialization_failure::<DB, E, K>(error)
    }
}

/// Returns a random pause, so that two transactions that conflict do not run again at the same time.
fn pause(retries: u32) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(1 << retries.min(10)).min(MAX_PAUSE);
    // The keys of a `RandomState` are random.
    let thousandths = (RandomState::new().hash_one(retries) % 1000) as u32;
    longest * thousandths / 1000
}

/// Returns `true` if the error, or one of its sources, requires that the transaction runs again.
fn is_serialization_failure<DB: SqlxDatabase, E: AsError<K>, K>(error: &E) -> bool {
    let mut next = error.as_error();
    while let Some(error) = next {
        // The source of sqlx's own error. The latter is not among the sources if it is wrapped transparently.
        let code = error.downcast_ref::<Box<dyn DatabaseError>>().and_then(|error| error.code());
        if code.is_some_and(|code| is_retried(Dialect::of::<DB>(), &code)) {
            return true;
        }
        next = error.source();
    }
    false
}

fn is_retried(dialect: Dialect, code: &str) -> bool {
    match dialect {
        // `SQLITE_BUSY` and its extended codes, such as `SQLITE_BUSY_SNAPSHOT`.
        Dialect::Sqlite => code.parse::<u32>().is_ok_and(|code| code & 0xff == 5),
        // `serialization_failure` and `deadlock_detected`. MySQL reports a deadlock as the former.
        Dialect::Postgres | Dialect::MySql | Dialect::Other => matches!(code, "40001" | "40P01"),
    }
}
