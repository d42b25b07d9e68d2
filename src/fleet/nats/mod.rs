//! The engine on NATS JetStream.

mod builder;
mod entry;
mod error;
mod history;
mod items;
mod nats_engine;
mod progress;
mod subject;
mod token;
mod work_queue;

pub use builder::NatsBuilder;
pub use error::NatsError;
pub use nats_engine::NatsEngine;
pub use token::NatsToken;
