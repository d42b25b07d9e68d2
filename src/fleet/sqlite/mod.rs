//! The engine on SQLite.

mod database;
mod error;
mod owner;
mod schema;
mod sqlite_engine;
mod statements;
mod token;

pub use self::error::SqliteError;
pub use self::sqlite_engine::{SqliteEngine, Synchronous};
pub use self::token::SqliteToken;
