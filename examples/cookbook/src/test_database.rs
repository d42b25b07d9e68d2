//! A PostgreSQL database for each test, without Docker.
//!
//! # Problem
//!
//! A test that panics, or that is cancelled by a timeout, leaves its database behind
//! ([mattermost#13572](https://github.com/mattermost/mattermost/pull/13572)), and a `DROP DATABASE` fails while a pool of the
//! test is connected ([temporal#817](https://github.com/temporalio/temporal/issues/817)). The databases of many runs add up.
//!
//! # Recipe
//!
//! The database is created as a copy of a template, which takes some milliseconds. It is dropped on every exit path of the
//! block, together with the connections that are left. A `CREATE DATABASE` that was sent continues on the server, so the enter is shielded:
//! it completes, and then the database is dropped. One server is enough for all tests: that of the system, or one of your own:
//!
//! ```sh
//! initdb -A trust -U postgres -D data && postgres -D data -k "$PWD" -c fsync=off
//! ```
//!
//! # Limits
//!
//! After `kill -9`, the database remains. Its name begins with `test_` and the time in seconds since 1970, so that the next run
//! can drop the old ones.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio_postgres::{Config, Error, NoTls};
use uuid::Uuid;
use withal::context::{AsyncContextManager, AsyncContextManagerExt, AsyncGuard, asynccontextmanager};

/// Creates a database on `server` as a copy of `template`. The target is its configuration.
pub fn test_database(
    server: Config,
    template: &'static str,
) -> impl AsyncContextManager<Guard: AsyncGuard<Target = Config, Error = Error, Suppression = ()> + Send> + Send
{
    asynccontextmanager(async move |y| {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let name = format!("test_{seconds}_{}", Uuid::new_v4().simple());
        execute(&server, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
        let mut database = server.clone();
        database.dbname(&name);
        y.yield_(database).await;
        execute(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await
    })
    .shield_enter()
}

async fn execute(server: &Config, statement: &str) -> Result<(), Error> {
    let (client, connection) = server.connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    let executed = client.batch_execute(statement).await;
    drop(client);
    connection.await.ok(); // until the connection is closed
    executed
}
