//! `rabbit_consumer` on a RabbitMQ server, which allows four channels for each connection.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueuePurgeOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection};
use withal::context::async_with;
use withal_cookbook::rabbit_consumer::{connect, handle_messages, rabbit_consumer};
use withal_test_support::server::{Kind, RABBITMQ_CHANNELS, Server};

use crate::cancel_at_every_await;

const QUEUE: &str = "orders";

/// The messages that the queue can deliver, and its consumers, as the server counts them.
async fn counts(channel: &Channel) -> (u32, u32) {
    let queue =
        channel.queue_declare(QUEUE, QueueDeclareOptions::default(), FieldTable::default()).await.unwrap();
    (queue.message_count(), queue.consumer_count())
}

async fn publish(channel: &Channel, count: usize) {
    for n in 0..count {
        let message = n.to_string();
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let sent = channel.basic_publish("", QUEUE, options, message.as_bytes(), properties);
        sent.await.unwrap().await.unwrap();
    }
}

/// A connection whose channels are used by nothing else.
async fn connections(server: &Server) -> (Arc<Connection>, Connection, Channel) {
    let url = server.url(server.port);
    let (connection, other) = (Arc::new(connect(&url).await.unwrap()), connect(&url).await.unwrap());
    let channel = other.create_channel().await.unwrap();
    // Otherwise, the server may count the messages before it has handled what was published.
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    counts(&channel).await;
    channel.queue_purge(QUEUE, QueuePurgeOptions::default()).await.unwrap();
    assert_eq!(counts(&channel).await, (0, 0));
    (connection, other, channel)
}

/// One server for all of them, because it takes seconds to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbit_consumer_on_a_server() {
    let Some(server) = Server::start(Kind::RabbitMq) else { return };
    cancelled_at_every_await_it_leaves_no_consumer_no_channel_and_no_unacknowledged_message(&server).await;
    an_error_and_a_panic_requeue(&server).await;
    without_the_recipe_the_close_is_not_awaited(&server).await;
}

async fn cancelled_at_every_await_it_leaves_no_consumer_no_channel_and_no_unacknowledged_message(
    server: &Server,
) {
    let (connection, _other, channel) = connections(server).await;

    // Nothing is acknowledged: every message is back in the queue after each cancellation, and in order.
    publish(&channel, 3).await;
    let take = || async {
        async_with!(consumer = rabbit_consumer(connection.clone(), QUEUE, 10) => {
            for n in 0..3 {
                let delivery = consumer.next().await.unwrap()?;
                assert_eq!(delivery.data, n.to_string().as_bytes());
            }
        })
    };
    let dropped = cancel_at_every_await(take, async || assert_eq!(counts(&channel).await, (3, 0))).await;
    assert!(
        dropped > usize::from(RABBITMQ_CHANNELS),
        "channels that were lost would have run out: {dropped}"
    );

    // Each message is handled, however often the handler was cancelled.
    let program = || handle_messages(&connection, QUEUE, 3);
    cancel_at_every_await(program, async || {
        let (messages, consumers) = counts(&channel).await;
        assert_eq!(consumers, 0);
        publish(&channel, 3 - messages as usize).await;
    })
    .await;

    // All channels are free.
    let mut channels = Vec::new();
    for _ in 0..RABBITMQ_CHANNELS {
        channels.push(connection.create_channel().await.unwrap());
    }
}

/// An error and a panic of the block close the channel, too.
async fn an_error_and_a_panic_requeue(server: &Server) {
    let (connection, _other, channel) = connections(server).await;
    publish(&channel, 2).await;
    let program = async |is_panic: bool| -> Result<(), lapin::Error> {
        async_with!(consumer = rabbit_consumer(connection.clone(), QUEUE, 10) => {
            consumer.next().await.unwrap()?;
            assert!(!is_panic, "a bug");
            Err(lapin::ErrorKind::ChannelsLimitReached)?;
        })
    };
    for _ in 0..10 {
        assert!(program(false).await.is_err());
        assert_eq!(counts(&channel).await, (2, 0));
        let panic = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(program(true))).await;
        assert!(panic.is_err());
        assert_eq!(counts(&channel).await, (2, 0));
    }
}

/// The plain client has not returned the message to the queue when the future has been dropped.
async fn without_the_recipe_the_close_is_not_awaited(server: &Server) {
    use lapin::options::BasicConsumeOptions;
    let (connection, _other, channel) = connections(server).await;
    publish(&channel, 1).await;
    let mut was_late = false;
    // Fewer than the channels: those that are still being closed would run out.
    for _ in 1..RABBITMQ_CHANNELS {
        let plain = async {
            let channel = connection.create_channel().await.unwrap();
            let options = BasicConsumeOptions::default();
            let mut consumer =
                channel.basic_consume(QUEUE, "", options, FieldTable::default()).await.unwrap();
            drop(consumer.next().await);
            std::future::pending::<()>().await;
        };
        assert!(tokio::time::timeout(Duration::from_millis(100), plain).await.is_err());
        was_late = counts(&channel).await != (1, 0);
        if was_late {
            break;
        }
    }
    println!("plain lapin: {}", if was_late { "the message was not back yet" } else { "it was, this time" });
}
