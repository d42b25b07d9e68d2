//! `resources::transaction`, `savepoint` and `advisory_lock` on SQLite, PostgreSQL and MariaDB.

mod advisory_lock;
mod cancellation;
mod database;
mod isolation;
mod mariadb;
mod plain;
mod sqlite;
mod step;
mod testing;
mod transaction;
