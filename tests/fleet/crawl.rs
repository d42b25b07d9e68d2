//! The crawl of most tests: partitions of five pages with two items each.

use std::time::Duration;

use tokio::time::sleep;
use withal::fleet::Engine;
use withal::pages::{AsyncGetDocs, PageNumber, by_page_number};

use crate::faulty::Memory;

pub(crate) fn name(partition: usize) -> String {
    format!("p{partition:03}")
}

/// An engine in memory with partitions.
pub(crate) async fn engine(partitions: usize) -> Memory {
    let engine = Memory::new();
    let Ok(()) = engine.add((0..partitions).map(name)).await;
    engine
}

/// The items of a partition. Each page takes 10 ms.
pub(crate) fn items(partition: &str) -> AsyncGetDocs<String, PageNumber, std::io::Error> {
    let partition = partition.to_owned();
    by_page_number(1, move |page| {
        let partition = partition.clone();
        async move {
            sleep(Duration::from_millis(10)).await;
            Ok(if page <= 5 { (0..2).map(|n| format!("{partition}.{page}.{n}")).collect() } else { vec![] })
        }
    })
}

pub(crate) fn expected(partition: &str) -> Vec<String> {
    let numbers = (1..=5).flat_map(|page| (0..2).map(move |n| (page, n)));
    numbers.map(|(page, n)| format!("{partition}.{page}.{n}")).collect()
}

/// Asserts that each item is stored once, in order, and that the end of each stream is stored.
#[track_caller]
pub(crate) fn assert_complete(engine: &Memory, partitions: usize) {
    for name in (0..partitions).map(name) {
        assert_eq!(engine.items(&name), expected(&name));
        assert!(engine.checkpoint(&name).unwrap().is_done());
    }
}
