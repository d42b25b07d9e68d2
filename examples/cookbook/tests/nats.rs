//! `nats_subscription` on a NATS server.

use std::time::Duration;

use async_nats::{Client, RequestErrorKind};
use futures::StreamExt;
use tokio::sync::oneshot;
use withal::cleanup;
use withal::context::async_with;
use withal_cookbook::nats_subscription::{answer_requests, nats_subscription};
use withal_test_support::server::{Kind, Server};

use crate::cancel_at_every_await;

/// The number of subscriptions to `subject`, as the server counts them.
fn subscriptions(server: &Server, subject: &str) -> usize {
    server.monitoring_page("/connz?subs=1").matches(&format!("\"{subject}\"")).count()
}

async fn connect(server: &Server) -> Client {
    async_nats::connect(server.url(server.port)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_at_every_await_the_server_has_no_subscription() {
    let Some(server) = Server::start(Kind::Nats) else { return };
    let (client, other) = (connect(&server).await, connect(&server).await);
    let program = || async {
        async_with!(messages = nats_subscription(client.clone(), "prices", "workers", Duration::from_secs(20)) => {
            while subscriptions(&server, "prices") == 0 {
                tokio::task::yield_now().await;
            }
            other.publish("prices", "1".into()).await?;
            other.flush().await?;
            messages.next().await.unwrap();
        })
    };
    for _ in 0..20 {
        cancel_at_every_await(program, async || assert_eq!(subscriptions(&server, "prices"), 0)).await;
    }

    // The client is not closed.
    program().await.unwrap();
    assert_eq!(subscriptions(&server, "prices"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_answered_until_the_worker_ends_and_have_no_responders_then() {
    let Some(server) = Server::start(Kind::Nats) else { return };
    let (client, other) = (connect(&server).await, connect(&server).await);
    for _ in 0..20 {
        let (stop, stopped) = oneshot::channel::<()>();
        let worker = {
            let client = client.clone();
            tokio::spawn(async move { answer_requests(&client, "work", async { drop(stopped.await) }).await })
        };
        while subscriptions(&server, "work") == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let answers = (0..50).map(|n| other.request("work", n.to_string().into()));
        for (n, answer) in futures::future::join_all(answers).await.into_iter().enumerate() {
            assert_eq!(answer.unwrap().payload, n.to_string());
        }
        stop.send(()).unwrap();
        worker.await.unwrap().unwrap();
        // The sender of a request does not wait for a worker that has ended.
        let unanswered = other.request("work", "".into()).await.unwrap_err();
        assert_eq!(unanswered.kind(), RequestErrorKind::NoResponders);
        assert_eq!(subscriptions(&server, "work"), 0);
    }
}

/// The plain client leaves the subscription on the server when the scope of the `Subscriber` has ended.
#[tokio::test]
async fn without_the_recipe_the_subscription_remains_for_a_while() {
    let Some(server) = Server::start(Kind::Nats) else { return };
    let client = connect(&server).await;
    let plain = async {
        let mut messages = client.subscribe("prices").await.unwrap();
        client.flush().await.unwrap();
        messages.next().await
    };
    assert!(tokio::time::timeout(Duration::from_millis(100), plain).await.is_err());
    cleanup::drain(Duration::from_secs(20)).await.unwrap();
    assert_eq!(subscriptions(&server, "prices"), 1);
}
