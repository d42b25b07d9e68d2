//! Managers for the clients of servers, each a recipe to copy into an application. `README.md` is their index.
//!
//! Each file is complete: its head describes the problem, the recipe and its limits.

pub mod axum_server;
pub mod grpc_server;
pub mod nats_subscription;
pub mod postgres_transaction;
pub mod rabbit_consumer;
pub mod redis_lock;
pub mod scratch_folder;
pub mod serve;
pub mod tcp_half_close;
pub mod telemetry;
pub mod test_database;
pub mod websocket;
