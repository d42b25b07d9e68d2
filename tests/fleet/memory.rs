//! The engine in memory.

use std::time::Duration;

use withal::fleet::{Claimed, Engine, MemoryEngine, Outcome, Partition};
use withal::pages::Checkpoint;

type Memory = MemoryEngine<u32, u32>;

async fn claim(engine: &Memory) -> Partition<withal::fleet::MemoryToken, u32> {
    match engine.claim().await.unwrap() {
        Claimed::Partition(partition) => partition,
        claimed => panic!("{claimed:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_claim_is_fenced_once_another_has_the_partition() {
    let engine = Memory::new();
    engine.add(["a"]).await.unwrap();
    let mut zombie = claim(&engine).await;
    assert!(matches!(engine.claim().await, Ok(Claimed::NotYet(wait)) if wait == Duration::from_secs(30)));
    tokio::time::advance(Duration::from_secs(31)).await;
    let mut owner = claim(&engine).await;
    assert_eq!(owner.attempt, 2);
    let checkpoint = Checkpoint::new(Some(1), 0);
    assert!(!engine.commit(&mut zombie.token, [1].into(), &checkpoint).await.unwrap().is_owned());
    assert!(!engine.renew(&zombie.token).await.unwrap().is_owned());
    assert!(!engine.release(&zombie.token, Outcome::Done).await.unwrap().is_owned());
    assert_eq!(engine.read(&mut zombie.token).await.unwrap(), None);
    assert!(engine.commit(&mut owner.token, [2].into(), &checkpoint).await.unwrap().is_owned());
    assert_eq!(engine.items("a"), [2]);
}
