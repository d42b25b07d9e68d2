//! The number of pages that an engine of a fleet commits per second.

use std::convert::Infallible;
use std::fmt::Write;
use std::future::ready;
use std::time::Instant;

use withal::fleet::{Engine, Fleet};
use withal::pages::by_cursor;

/// The number of items of a page, and the number of bytes of an item.
const PAGE: (usize, usize) = (100, 100);

/// Measures an engine, and returns a row of the table: the pages per second with one worker, and with 16.
///
/// The pages need not be fetched, so that only the engine is measured. Each page has 100 items of 100 bytes.
pub async fn row<E: Engine<Item = String, Cursor = u32>>(
    name: &str,
    engine: impl AsyncFn() -> E,
    pages: u32,
) -> String {
    let mut row = format!("| {name} |");
    for workers in [1, 16] {
        let rate = pages_per_second(engine().await, workers, pages).await;
        write!(row, " {rate:.0} |").expect("a write to a string succeeds");
    }
    row
}

async fn pages_per_second<E: Engine<Item = String, Cursor = u32>>(
    engine: E,
    workers: u32,
    pages: u32,
) -> f64 {
    let partitions = (0..workers).map(|n| format!("{workers}-workers-{n}"));
    engine.add(partitions).await.expect("the partitions are added");
    let of_each = pages / workers;
    let start = Instant::now();
    let fleet = Fleet::new(engine).workers(workers as usize);
    let run = fleet.run(async move |work| {
        let pages = by_cursor(move |cursor: Option<u32>| {
            let page = cursor.unwrap_or(1);
            let items = vec!["x".repeat(PAGE.1); PAGE.0];
            ready(Ok::<_, Infallible>((items, (page < of_each).then_some(page + 1))))
        });
        work.drive(pages).await
    });
    let report = run.await.expect("the run succeeds");
    assert_eq!(report.finished, u64::from(workers), "{report:?}");
    f64::from(of_each * workers) / start.elapsed().as_secs_f64()
}
