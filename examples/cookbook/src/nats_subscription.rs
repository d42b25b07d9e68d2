//! A subscription of NATS that the server has ended before the scope ends.
//!
//! # Problem
//!
//! Dropping a `Subscriber` spawns a task that unsubscribes some time later. Outside of a runtime, the drop panics; at the end
//! of a program, the task does not run. Until then, the server counts the subscriber: a request gets no "no responders", and a member of
//! a queue group receives messages that nothing reads ([nats.rs#1325](https://github.com/nats-io/nats.rs/issues/1325)).
//!
//! # Recipe
//!
//! The exit unsubscribes, sends a request that has no receiver, and waits for its response. The server handles the commands of
//! a connection in order, so it has ended the subscription by then. (`flush` and `drain` of async-nats 0.46 do not wait for the
//! server.) A block that ends in order drains first, and handles the messages that were delivered until then.
//!
//! # Limits
//!
//! Core NATS delivers at most once: messages are lost if they were delivered to a scope that is cancelled or to a process that is
//! killed, or are in transit when a block drains. Use a consumer of JetStream if no message may be lost. After `kill -9`, the
//! server ends the subscription when the TCP connection ends, or after two missed pings.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use async_nats::{Client, Message, RequestErrorKind, Subscriber};
use futures::StreamExt;
use tokio::time::timeout;
use withal::context::{AsyncContextManager, AsyncGuard, async_with, asynccontextmanager};
use withal::tasks::BoxError;

/// Subscribes to `subject` as a member of `group`. Waits for at most `time_limit` until the server has ended the subscription.
pub fn nats_subscription(
    client: Client,
    subject: impl Into<String>,
    group: impl Into<String>,
    time_limit: Duration,
) -> impl AsyncContextManager<Guard: AsyncGuard<Target = Subscriber, Error = BoxError, Suppression = ()> + Send>
+ Send {
    let (subject, group) = (subject.into(), group.into());
    asynccontextmanager(async move |y| {
        let subscriber = client.queue_subscribe(subject, group).await?;
        let (mut subscriber, _exit) = y.yield_(subscriber).await;
        let end = async {
            subscriber.unsubscribe().await?;
            match client.request(client.new_inbox(), "".into()).await {
                Err(error) if error.kind() != RequestErrorKind::NoResponders => Err(error.into()),
                _ => Ok::<(), BoxError>(()),
            }
        };
        timeout(time_limit, end).await?
    })
}

const LIMIT: Duration = Duration::from_secs(10);

/// Answers requests until `stop` completes, and then those that were already delivered.
///
/// # Errors
///
/// The error of the connection.
pub async fn answer_requests(
    client: &Client,
    subject: &str,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), BoxError> {
    let mut stop = pin!(stop);
    async_with!(requests = nats_subscription(client.clone(), subject, "workers", LIMIT) => {
        loop {
            tokio::select! {
                Some(request) = requests.next() => answer(client, request).await?,
                () = &mut stop => break,
            }
        }
        requests.drain().await?;
        while let Some(request) = requests.next().await {
            answer(client, request).await?;
        }
    })
}

async fn answer(client: &Client, request: Message) -> Result<(), BoxError> {
    let Some(reply) = request.reply else { return Ok(()) };
    client.publish(reply, request.payload).await?; // your work goes here
    Ok(())
}
