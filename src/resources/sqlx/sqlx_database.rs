use std::future::Future;
use std::pin::Pin;

use ::sqlx::{Database, Error, Executor};

/// A boxed future that borrows a connection.
pub(super) type ConnectionFuture<'c, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'c>>;

/// A database of sqlx: PostgreSQL, MySQL, MariaDB or SQLite.
///
/// It is implemented for each [`Database`] whose connections execute queries. A generic function needs no other bound:
///
/// ```
/// use withal::context::async_with;
/// use withal::resources::{SqlxDatabase, transaction};
///
/// async fn in_transaction<DB: SqlxDatabase>(pool: &sqlx::Pool<DB>) -> Result<(), sqlx::Error> {
///     async_with!(tx = transaction(pool) => {
///         // ..
///         # let _: &mut DB::Connection = tx;
///     })
/// }
/// ```
pub trait SqlxDatabase: Database + sealed::Execute {}

impl<DB: Database + sealed::Execute> SqlxDatabase for DB {}

pub(super) mod sealed {
    use super::{ConnectionFuture, Database, Executor};

    pub trait Execute: Database {
        /// Executes statements, without preparing them.
        fn execute<'c>(connection: &'c mut Self::Connection, sql: &'c str) -> ConnectionFuture<'c, ()>;

        /// Returns `true` if a query returns a row.
        fn has_row<'c>(connection: &'c mut Self::Connection, sql: &'c str) -> ConnectionFuture<'c, bool>;
    }

    impl<DB: Database> Execute for DB
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    {
        fn execute<'c>(connection: &'c mut DB::Connection, sql: &'c str) -> ConnectionFuture<'c, ()> {
            let executed = connection.execute(sql);
            Box::pin(async { executed.await.map(drop) })
        }

        fn has_row<'c>(connection: &'c mut DB::Connection, sql: &'c str) -> ConnectionFuture<'c, bool> {
            let fetched = connection.fetch_optional(sql);
            Box::pin(async { Ok(fetched.await?.is_some()) })
        }
    }
}
