//! The engine on SQLite.

mod database;
mod error;
mod owner;
mod schema;
mod sqlite_engine;

pub use self::error::SqliteError;
pub use self::sqlite_engine::{SqliteEngine, SqliteToken, Synchronous};
