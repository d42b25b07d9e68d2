//! Loops of cursors: found in bounded memory whatever their length, and no false alarm.

use withal::pages::OnRepeat;

use crate::support::{Api, trace};

#[tokio::test]
async fn a_long_loop_is_found_within_three_turns() {
    for (lead, period) in [(0, 9), (3, 20), (1, 64), (30, 100)] {
        let api = Api::new(vec![1; lead + period + 1]).link(lead + period, lead + 1);
        let told = trace(&mut api.by_cursor()).await;
        assert!(told.contains("leads back"), "a loop of {period} after {lead} pages was not found");
        let asked = api.asked().len();
        assert!(asked <= lead + 3 * period + 24, "{asked} pages for a loop of {period} after {lead}");
    }
}

#[tokio::test]
async fn a_long_chain_is_no_loop() {
    assert!(trace(&mut Api::new(vec![1; 3000]).by_cursor()).await.ends_with("2999 end"));
}

#[tokio::test]
async fn after_a_false_alarm_the_walk_goes_on_over_the_cursor() {
    let api = Api::new([1, 1, 1]).link(1, 1);
    let mut docs = api.by_cursor();
    assert!(trace(&mut docs).await.starts_with("0 1 ! page 2 at 1 leads back to 1"));
    let checkpoint = docs.checkpoint();
    assert_eq!((checkpoint.cursor(), checkpoint.skip()), (Some(&1), 1));

    // Meanwhile the API has come to itself.
    let api = api.link(1, 2);
    assert!(docs.retry_failed());
    assert_eq!(trace(&mut docs).await, "1 2 end");
    assert_eq!(trace(&mut api.by_cursor().resume(checkpoint)).await, "2 end");
}

#[tokio::test]
async fn a_loop_that_a_resumed_walk_enters_is_found_from_its_first_page() {
    let api = Api::new([1, 1]).link(1, 1);
    let checkpoint = withal::pages::Checkpoint::at(Some(1), 0);
    assert!(trace(&mut api.by_cursor().resume(checkpoint)).await.starts_with("1 ! page 1 at 1 leads back"));
}

#[tokio::test]
async fn what_is_allowed_or_ends_is_so_while_reading_ahead_too() {
    let api = Api::new([1, 1]).link(1, 1);
    let mut docs = api.by_cursor().read_ahead(2).on_repeat(OnRepeat::Allow).max_items(4);
    assert_eq!(trace(&mut docs).await, "0 1 1 1 end");
    let mut docs = api.by_cursor().read_ahead(2).on_repeat(OnRepeat::End);
    assert_eq!(trace(&mut docs).await, "0 1 end");
    let mut docs = api.by_cursor().read_ahead(2);
    assert!(trace(&mut docs).await.starts_with("0 1 ! page 2 at 1 leads back to 1"));
}
