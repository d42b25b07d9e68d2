//! The contract of an engine, step by step.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use withal::fleet::{
    Claimed, ClaimedOf, Engine, NatsEngine, NatsError, Outcome, Partition, PostgresEngine, PostgresError,
};
use withal::pages::Checkpoint;

use withal_test_support::server::{Kind, Server};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Doc {
    pub(crate) id: String,
}

pub(crate) fn doc(id: impl Into<String>) -> Doc {
    Doc { id: id.into() }
}

/// The operations that the tests need of an engine, in addition to the trait.
pub(crate) trait TestEngine: Engine<Item = Doc, Cursor = String> + Sized {
    const KIND: Kind;
    async fn connect_to(url: &str, lease_time: Duration) -> Self;
    /// All items that are stored, with their partitions.
    async fn stored(&self, url: &str) -> Vec<(String, Doc)>;
}

impl TestEngine for PostgresEngine<Doc, String> {
    const KIND: Kind = Kind::Postgres;

    async fn connect_to(url: &str, lease_time: Duration) -> Self {
        Self::builder(url.parse().unwrap()).lease_time(lease_time).connect().await.unwrap()
    }

    async fn stored(&self, url: &str) -> Vec<(String, Doc)> {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let rows =
            client.query("SELECT partition, item::text FROM fleet_items ORDER BY id", &[]).await.unwrap();
        connection.abort();
        rows.iter().map(|row| (row.get(0), serde_json::from_str(row.get(1)).unwrap())).collect()
    }
}

impl TestEngine for NatsEngine<Doc, String> {
    const KIND: Kind = Kind::Nats;

    async fn connect_to(url: &str, lease_time: Duration) -> Self {
        let client = async_nats::connect(url).await.unwrap();
        Self::builder(client).lease_time(lease_time).connect().await.unwrap()
    }

    async fn stored(&self, _: &str) -> Vec<(String, Doc)> {
        use futures::TryStreamExt;
        self.items().try_collect().await.unwrap()
    }
}

/// Claims a partition, one of which must be free.
pub(crate) async fn claim<E: TestEngine>(engine: &E) -> Partition<E::Token, String> {
    match engine.claim().await.unwrap() {
        Claimed::Partition(partition) => partition,
        Claimed::NotYet(after) => panic!("no partition for {after:?}"),
        Claimed::Finished => panic!("all partitions are finished"),
    }
}

/// Waits until a partition is free.
pub(crate) async fn next_claim<E: TestEngine>(engine: &E) -> Partition<E::Token, String> {
    for _ in 0..1000 {
        if let Claimed::Partition(partition) = engine.claim().await.unwrap() {
            return partition;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no partition")
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

async fn keeps_the_contract<E: TestEngine>() {
    let Some(server) = Server::start(E::KIND) else { return };
    let url = server.url(server.port);
    let (engine, other) = (
        E::connect_to(&url, Duration::from_secs(30)).await,
        E::connect_to(&url, Duration::from_secs(30)).await,
    );
    assert!(matches!(engine.claim().await.unwrap(), Claimed::Finished));
    engine.add(names(&["a.b *>", ""])).await.unwrap();
    other.add(names(&["a.b *>", "", "\u{e4}"])).await.unwrap();
    assert_eq!(engine.progress().await.unwrap().pending, 3);

    // Each partition has one owner.
    let mut claims = Vec::new();
    for _ in 0..3 {
        claims.push(claim(&engine).await);
    }
    let found: BTreeSet<_> = claims.iter().map(|claim| claim.name.clone()).collect();
    assert_eq!(found, names(&["", "a.b *>", "\u{e4}"]).into_iter().collect());
    assert!(claims.iter().all(|claim| claim.attempt == 1 && claim.checkpoint == Checkpoint::default()));
    assert!(matches!(other.claim().await.unwrap(), Claimed::NotYet(_)));
    assert_eq!(engine.progress().await.unwrap().leased, 3);

    // A commit stores the items and the checkpoint, once for each token.
    let mut first = claims.remove(0);
    let after_one = Checkpoint::new(Some("one \u{1f980} \n".to_owned()), 0);
    let items: Arc<[Doc]> = [doc("x\0\"\\\n"), doc("y")].into();
    let mut old = first.token.clone();
    assert!(engine.commit(&mut first.token, Arc::clone(&items), &after_one).await.unwrap().is_owned());
    assert!(!engine.commit(&mut old, Arc::clone(&items), &after_one).await.unwrap().is_owned());
    assert_eq!(engine.read(&mut old).await.unwrap(), Some(after_one.clone()));
    // `renew` accepts the token of the claim.
    assert!(engine.renew(&claims[0].token).await.unwrap().is_owned());
    assert_eq!(engine.progress().await.unwrap().items, 2);

    // After a release to continue, the next claim starts at the checkpoint.
    assert!(engine.release(&old, Outcome::Continue).await.unwrap().is_owned());
    assert!(!engine.release(&old, Outcome::Done).await.unwrap().is_owned());
    assert!(!engine.renew(&old).await.unwrap().is_owned());
    assert!(!engine.commit(&mut old, Arc::clone(&items), &after_one).await.unwrap().is_owned());
    assert_eq!(engine.read(&mut old).await.unwrap(), None);
    let mut again = next_claim(&other).await;
    assert_eq!((&again.name, &again.checkpoint, again.attempt), (&first.name, &after_one, 1));

    // Without items, only the checkpoint is stored. A checkpoint that is done finishes the partition.
    let mut stream =
        withal::pages::by_cursor(async |_: Option<String>| Ok::<_, std::io::Error>((vec![()], None)));
    while stream.try_next().await.unwrap().is_some() {}
    let end = stream.checkpoint();
    assert!(end.is_done());
    assert!(other.commit(&mut again.token, [].into(), &end).await.unwrap().is_owned());
    assert_eq!(other.progress().await.unwrap().done, 1);
    assert!(!other.commit(&mut again.token.clone(), [].into(), &end).await.unwrap().is_owned());
    assert!(other.renew(&again.token).await.unwrap().is_owned());
    assert!(other.release(&again.token, Outcome::Done).await.unwrap().is_owned());
    engine.add(names(&[&first.name])).await.unwrap();

    // A retry waits. A partition that is set aside is not claimed again.
    let (second, third) = (claims.remove(0), claims.remove(0));
    let retry = Outcome::Retry { after: Duration::from_millis(300), error: "no\r\nluck".into() };
    assert!(engine.release(&second.token, retry).await.unwrap().is_owned());
    assert!(
        engine.release(&third.token, Outcome::SetAside { error: "b\0ad\n".into() }).await.unwrap().is_owned()
    );
    let progress = engine.progress().await.unwrap();
    assert_eq!((progress.pending, progress.leased, progress.waiting, progress.done), (0, 0, 1, 1));
    assert_eq!(progress.set_aside.len(), 1);
    assert_eq!(progress.set_aside[0].partition, third.name);
    assert!(progress.set_aside[0].error.starts_with('b') && progress.set_aside[0].error.ends_with("ad\n"));
    assert!(matches!(other.claim().await.unwrap(), Claimed::NotYet(_)));
    let again = next_claim(&other).await;
    assert_eq!((&again.name, again.attempt), (&second.name, 2));
    assert!(other.release(&again.token, Outcome::Done).await.unwrap().is_owned());
    assert!(matches!(engine.claim().await.unwrap(), Claimed::Finished));

    // It is claimed again when it is put back, as its first attempt.
    assert_eq!(engine.retry_set_aside().await.unwrap(), 1);
    assert_eq!(other.retry_set_aside().await.unwrap(), 0);
    let progress = engine.progress().await.unwrap();
    assert_eq!((progress.pending, progress.set_aside.len()), (1, 0));
    let again = next_claim(&other).await;
    assert_eq!((&again.name, again.attempt), (&third.name, 1));
    assert!(other.release(&again.token, Outcome::Done).await.unwrap().is_owned());
    assert!(matches!(engine.claim().await.unwrap(), Claimed::Finished));

    let stored = engine.stored(&url).await;
    assert_eq!(stored.len(), 2);
    assert!(stored.iter().all(|(partition, _)| *partition == first.name));
    assert_eq!(stored[0].1, items[0]);
}

/// An owner whose lease has expired is fenced as soon as another worker claims the partition, before its first commit.
async fn fences_a_zombie<E: TestEngine>() {
    let Some(server) = Server::start(E::KIND) else { return };
    let url = server.url(server.port);
    let (zombie, owner) = (
        E::connect_to(&url, Duration::from_millis(300)).await,
        E::connect_to(&url, Duration::from_millis(300)).await,
    );
    zombie.add(names(&["a"])).await.unwrap();
    let mut lost = claim(&zombie).await;
    let new = next_claim(&owner).await;
    assert_eq!(new.attempt, 2);
    let at = Checkpoint::new(Some("1".to_owned()), 0);
    assert!(!zombie.commit(&mut lost.token, [doc("zombie")].into(), &at).await.unwrap().is_owned());
    assert!(!zombie.renew(&lost.token).await.unwrap().is_owned());
    assert_eq!(zombie.read(&mut lost.token).await.unwrap(), None);
    assert!(!zombie.release(&lost.token, Outcome::Done).await.unwrap().is_owned());
    // Renewals extend the lease beyond the lease time.
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(owner.renew(&new.token).await.unwrap().is_owned());
        assert!(is_not_yet::<E>(&zombie.claim().await.unwrap()));
    }
    let mut token = new.token;
    assert!(owner.commit(&mut token, [doc("1")].into(), &at).await.unwrap().is_owned());
    assert!(owner.release(&token, Outcome::Done).await.unwrap().is_owned());
    assert_eq!(owner.stored(&url).await, [("a".to_owned(), doc("1"))]);
}

fn is_not_yet<E: Engine>(claimed: &ClaimedOf<E>) -> bool {
    matches!(claimed, Claimed::NotYet(_))
}

#[tokio::test]
async fn postgres_keeps_the_contract() {
    keeps_the_contract::<PostgresEngine<Doc, String>>().await;
}

#[tokio::test]
async fn nats_keeps_the_contract() {
    keeps_the_contract::<NatsEngine<Doc, String>>().await;
}

#[tokio::test]
async fn postgres_fences_a_zombie() {
    fences_a_zombie::<PostgresEngine<Doc, String>>().await;
}

#[tokio::test]
async fn nats_fences_a_zombie() {
    fences_a_zombie::<NatsEngine<Doc, String>>().await;
}

/// The line of a request is limited: the server would close the connection, which all workers of the process use.
#[tokio::test]
async fn nats_refuses_a_name_that_is_too_long_for_a_subject() {
    let Some(server) = Server::start(Kind::Nats) else { return };
    let engine =
        NatsEngine::<Doc, String>::connect_to(&server.url(server.port), Duration::from_secs(30)).await;
    let long = "x".repeat(2001);
    let error = engine.add(["a", &*long]).await.unwrap_err();
    assert!(matches!(&error, NatsError::PartitionName { bytes: 2001, partition, .. } if *partition == long));
    let text = error.to_string();
    assert!(text.starts_with("the name \"xxxx") && text.len() < 300, "{text}");
    assert!(matches!(engine.claim().await.unwrap(), Claimed::Finished));
    engine.add([&long[1..]]).await.unwrap();
    let mut owned = claim(&engine).await;
    assert_eq!(owned.name, long[1..]);
    let checkpoint = Checkpoint::new(Some("1".to_owned()), 0);
    assert!(engine.commit(&mut owned.token, [doc("x")].into(), &checkpoint).await.unwrap().is_owned());
}

/// An index has no room for a long name, and no text of PostgreSQL contains NUL.
#[tokio::test]
async fn postgres_refuses_a_name_that_it_cannot_store() {
    let Some(server) = Server::start(Kind::Postgres) else { return };
    let url = server.url(server.port);
    let engine = PostgresEngine::<Doc, String>::connect_to(&url, Duration::from_secs(30)).await;
    let long = "x".repeat(2001);
    for name in [&*long, "a\0b"] {
        let error = engine.add(["a", name]).await.unwrap_err();
        assert!(matches!(&error, PostgresError::PartitionName { partition, .. } if partition == name));
        assert!(matches!(engine.claim().await.unwrap(), Claimed::Finished));
    }
    let error = engine.add(["a\0b"]).await.unwrap_err();
    let text = "the name \"a\\0b\" of a partition contains a NUL character, which PostgreSQL cannot store";
    assert_eq!(error.to_string(), text);
    // Random letters, because the server compresses a long key.
    let mut random = withal_test_support::random::Random(3);
    let longest: String =
        (0..2000).map(|_| char::from(b'!' + (random.next_u64() % 90).to_le_bytes()[0])).collect();
    engine.add([&longest]).await.unwrap();
    assert_eq!(claim(&engine).await.name, longest);
}

/// A program whose cursors have another type fails, without an attempt.
async fn keeps_a_partition_from_another_type_of_cursors<E: TestEngine, O: Engine>(
    wrong: impl AsyncFn(&str) -> O,
) {
    let Some(server) = Server::start(E::KIND) else { return };
    let url = server.url(server.port);
    let engine = E::connect_to(&url, Duration::from_millis(500)).await;
    engine.add(names(&["a"])).await.unwrap();
    let mut first = claim(&engine).await;
    let checkpoint = Checkpoint::new(Some("x".to_owned()), 0);
    assert!(engine.commit(&mut first.token, [doc("1")].into(), &checkpoint).await.unwrap().is_owned());
    assert!(engine.release(&first.token, Outcome::Continue).await.unwrap().is_owned());
    assert!(wrong(&url).await.claim().await.is_err());
    let again = next_claim(&engine).await;
    assert_eq!((again.attempt, again.checkpoint), (1, checkpoint));
}

#[tokio::test]
async fn postgres_keeps_a_partition_from_another_type_of_cursors() {
    type Right = PostgresEngine<Doc, String>;
    let wrong = async |url: &str| PostgresEngine::<Doc, u32>::connect(url).await.unwrap();
    Box::pin(keeps_a_partition_from_another_type_of_cursors::<Right, _>(wrong)).await;
}

#[tokio::test]
async fn nats_keeps_a_partition_from_another_type_of_cursors() {
    type Right = NatsEngine<Doc, String>;
    let wrong = async |url: &str| {
        let client = async_nats::connect(url).await.unwrap();
        NatsEngine::<Doc, u32>::builder(client)
            .lease_time(Duration::from_millis(500))
            .connect()
            .await
            .unwrap()
    };
    Box::pin(keeps_a_partition_from_another_type_of_cursors::<Right, _>(wrong)).await;
}
