//! A channel of RabbitMQ with a consumer, both closed before the scope ends.
//!
//! # Problem
//!
//! Dropping a `Consumer` and its `Channel` sends the cancellation and the close in the background, and nothing waits for
//! them ([lapin#277](https://github.com/amqp-rs/lapin/issues/277)). When the next consumer starts, the messages that were
//! delivered but not acknowledged are still assigned to the old one. If the connection or the program ends first, they return
//! to the queue only when the server notices. A future that is dropped while it opens a channel leaves the channel open on the
//! server, and no channel can be opened beyond `channel_max`.
//!
//! # Recipe
//!
//! The enter is shielded: if it is cancelled, the channel is opened, and then closed. The exit awaits the response to the
//! close. Then every message that was not acknowledged is back in its queue, in its old position.
//!
//! # Limits
//!
//! After `kill -9`, the server closes the channel when the TCP connection ends, or after two missed heartbeats. A message that
//! was processed, but whose acknowledgement was lost, is delivered again: consumers must be idempotent.

use std::sync::Arc;

use futures::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::protocol::constants::REPLY_SUCCESS;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties, Consumer, Error};
use withal::context::{
    AsyncContextManager, AsyncContextManagerExt, AsyncGuard, async_with, asynccontextmanager,
};

/// Opens a channel, and consumes `queue` on it, with at most `prefetch` unacknowledged messages.
pub fn rabbit_consumer(
    connection: Arc<Connection>,
    queue: impl Into<String>,
    prefetch: u16,
) -> impl AsyncContextManager<Guard: AsyncGuard<Target = Consumer, Error = Error, Suppression = ()> + Send> + Send
{
    let queue = queue.into();
    asynccontextmanager(async move |y| {
        let channel = connection.create_channel().await?;
        channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let consumer = channel.basic_consume(&queue, "", options, FieldTable::default()).await?;
        // The consumer is dropped after the close: its own cancellation would come first, and then the server answers the close
        // before the messages are back.
        let (_consumer, _exit) = y.yield_(consumer).await;
        channel.close(REPLY_SUCCESS, "the scope has ended").await
    })
    .shield_enter()
}

/// Handles `count` messages. A message whose handler fails, or is cancelled, returns to the queue.
///
/// # Errors
///
/// The error of the connection, of the handler, or of the close.
pub async fn handle_messages(connection: &Arc<Connection>, queue: &str, count: usize) -> Result<(), Error> {
    async_with!(consumer = rabbit_consumer(connection.clone(), queue, 10) => {
        for _ in 0..count {
            let Some(delivery) = consumer.next().await.transpose()? else { break };
            tokio::task::yield_now().await; // your work goes here
            delivery.ack(BasicAckOptions::default()).await?;
        }
    })
}

/// Connects on the runtime of tokio. lapin would start a runtime of its own.
///
/// # Errors
///
/// The error of the connection.
pub async fn connect(url: &str) -> Result<Connection, Error> {
    let properties = ConnectionProperties::default()
        .with_executor(tokio_executor_trait::Tokio::current())
        .with_reactor(tokio_reactor_trait::Tokio::current());
    Connection::connect(url, properties).await
}
