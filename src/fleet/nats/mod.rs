//! The engine on NATS JetStream.

mod builder;
mod entry;
mod error;
mod items;
mod nats_engine;
mod subject;

pub use builder::NatsBuilder;
pub use error::NatsError;
pub use nats_engine::{NatsEngine, NatsToken};
