use std::time::Duration;

use futures::TryStreamExt;
use tokio::time::Instant;
use withal::pages::ErrorKind;
use withal::testing::{ScriptedFailure, ScriptedServer, cancel_at_every_await};

#[tokio::test]
async fn pages_are_read_in_each_way() {
    let server = ScriptedServer::numbers([3, 0, 2]);
    assert_eq!(server.all(), [0, 1, 2, 3, 4]);
    assert_eq!(server.by_cursor().try_collect::<Vec<_>>().await.unwrap(), server.all());
    assert_eq!(server.requested(), [0, 1, 2]);
    let server = ScriptedServer::new([vec!["a", "b"], vec!["c"]]);
    assert_eq!(server.by_page_number().try_collect::<Vec<_>>().await.unwrap(), ["a", "b", "c"]);
    let offsets = ScriptedServer::numbers([5, 5]);
    assert_eq!(offsets.by_offset(4, 3).try_collect::<Vec<_>>().await.unwrap(), offsets.all());
    assert_eq!(offsets.requested()[..3], [0, 3, 6]);
}

#[tokio::test]
async fn links_and_pages_that_do_not_exist() {
    let server = ScriptedServer::new([vec!['a'], vec!['b'], vec!['c']]).link(0, 2).link(2, 1).link(1, None);
    assert_eq!(server.by_cursor().try_collect::<Vec<_>>().await.unwrap(), ['a', 'c', 'b']);
    for page in [3, usize::MAX] {
        let page = server.clone().get(page).await.unwrap();
        assert!(page.items.is_empty() && page.next_cursor.is_none());
    }
}

#[tokio::test]
async fn failures_are_those_of_the_script() {
    let server = ScriptedServer::numbers([1, 1]).fail(1, 2).fail_request(0);
    for (page, expected) in [(0, false), (1, false), (1, false), (1, true), (0, true)] {
        let result = server.clone().get(page).await;
        assert_eq!(result.is_ok(), expected, "page {page}");
        if let Err(error) = result {
            assert_eq!(error, ScriptedFailure(page));
            assert_eq!(error.to_string(), format!("fault on page {page}"));
        }
    }
    let error = server.fail(0, 1).by_cursor().try_next().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Fetch { source: ScriptedFailure(0), .. }));
}

#[tokio::test(start_paused = true)]
async fn requests_take_time_and_are_counted_while_they_are_in_progress() {
    let server = ScriptedServer::numbers([1]).slow(3, Duration::from_secs(1));
    let start = Instant::now();
    let drops = cancel_at_every_await(|| {
        let request = server.clone().get(0);
        async { drop(tokio::join!(request, async { assert!(server.in_progress() <= 1) }).0.unwrap()) }
    })
    .check(async |_| assert_eq!(server.in_progress(), 0))
    .await;
    assert_eq!(drops, 7);
    assert_eq!(server.requested().len(), 7);
    assert_eq!(start.elapsed(), Duration::from_secs(1 + 1 + 2 + 2 + 3 + 3));
}
