//! The engine on PostgreSQL.

mod builder;
mod error;
mod pool;
mod postgres_engine;
mod session;
mod sql;

pub use builder::PostgresBuilder;
pub use error::PostgresError;
pub use postgres_engine::{PostgresEngine, PostgresToken};
