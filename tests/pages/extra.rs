//! The values of a page beside its items, and blank cursors.

use withal::pages::{AsyncGetDocs, OnBlankCursor, OnRepeat, Page, PageNumber, by_cursor, by_page_number};

use withal_test_support::api::Fault;
use withal_test_support::trace::trace;

#[derive(Clone, Debug, PartialEq)]
struct Included(Vec<u64>);

/// Two pages with an extra value each, and an empty last page with another.
fn pages() -> AsyncGetDocs<u64, PageNumber, Fault> {
    by_page_number(1, |number| async move {
        let items = if number < 3 { vec![number, number + 10] } else { vec![] };
        Ok(Page::new(items, None).extra(Included(vec![number])))
    })
}

#[tokio::test]
async fn the_extra_value_is_that_of_the_last_item() {
    for (read_ahead, concurrency) in [(0, 1), (2, 1), (0, 3)] {
        let mut docs = pages().read_ahead(read_ahead).concurrency(concurrency);
        assert_eq!(docs.extra::<Included>(), None);
        for expected in [1, 1, 2, 2] {
            docs.try_next().await.unwrap();
            assert_eq!(docs.extra(), Some(&Included(vec![expected])));
            assert_eq!(docs.extra::<u64>(), None, "of another type");
        }
        assert_eq!(docs.try_next().await.unwrap(), None);
        assert_eq!(docs.extra(), Some(&Included(vec![3])), "of the page that marks the end");
        // A second poll after the end keeps it.
        assert_eq!(docs.try_next().await.unwrap(), None);
        assert_eq!(docs.extra(), Some(&Included(vec![3])));
    }
}

#[tokio::test]
async fn the_extra_value_of_whole_pages() {
    let mut docs = pages();
    docs.try_next().await.unwrap();
    let mut pages = docs.into_pages();
    assert_eq!(pages.extra(), Some(&Included(vec![1])));
    assert_eq!(pages.try_next().await.unwrap(), Some(vec![11]));
    assert_eq!(pages.extra(), Some(&Included(vec![1])));
    assert_eq!(pages.try_next().await.unwrap(), Some(vec![2, 12]));
    assert_eq!(pages.extra(), Some(&Included(vec![2])));
}

#[tokio::test]
async fn pages_with_extra_values_can_be_cloned_and_compared() {
    let page = Page::<u8, u8>::new(vec![1], None).extra("a");
    assert_eq!(page, page.clone());
    assert_ne!(page, Page::new(vec![1], None).extra("a"), "another value at another address");
    assert_ne!(page, Page::new(vec![1], None));
    assert_eq!(
        Page::<u8, u8>::new(vec![1], None).fingerprint("x"),
        Page::new(vec![1], None).fingerprint("x")
    );
    assert_ne!(
        Page::<u8, u8>::new(vec![1], None).fingerprint("x"),
        Page::new(vec![1], None).fingerprint("y")
    );
    // A page without details prints no more than its public fields and their absence.
    let text = format!("{:?}", Page::<u8, u8>::new(vec![1], None).fingerprint("x").extra("secret"));
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn a_blank_cursor_is_none_unless_it_is_set_to_be_one() {
    let stream = || {
        by_cursor(|at: Option<String>| async move {
            Ok::<_, Fault>(match at.as_deref() {
                None => Page::new(vec![1], Some(String::new())),
                Some("") => Page::new(vec![2], Some(" ".to_owned())),
                Some(_) => Page::new(vec![3], None),
            })
        })
    };
    assert_eq!(trace(&mut stream()).await, "1 end");
    assert_eq!(trace(&mut stream().on_blank_cursor(OnBlankCursor::End)).await, "1 end");
    for read_ahead in [0, 2] {
        let docs = || stream().on_blank_cursor(OnBlankCursor::Continue).read_ahead(read_ahead);
        assert_eq!(trace(&mut docs()).await, "1 2 3 end");
        let mut first = docs();
        first.try_next().await.unwrap();
        assert_eq!(first.checkpoint().cursor().map(String::as_str), Some(""));
        assert_eq!(trace(&mut docs().resume(first.checkpoint())).await, "2 3 end");
    }
    // A server that repeats the blank cursor for ever is a cursor cycle like any other.
    let mut docs =
        by_cursor(|_: Option<String>| async { Ok::<_, Fault>(Page::new(vec![1], Some(String::new()))) })
            .on_blank_cursor(OnBlankCursor::Continue);
    assert!(trace(&mut docs).await.starts_with("1 1 ! page 2 (cursor \"\"): cursor cycle"));
}

#[tokio::test]
async fn settings_after_the_first_poll_panic() {
    type Setting = fn(AsyncGetDocs<u64, PageNumber, Fault>) -> AsyncGetDocs<u64, PageNumber, Fault>;
    let settings: [(&str, Setting); 4] = [
        ("on_repeat", |docs| docs.on_repeat(OnRepeat::End)),
        ("on_blank_cursor", |docs| docs.on_blank_cursor(OnBlankCursor::Continue)),
        ("max_empty_pages", |docs| docs.max_empty_pages(1)),
        ("expect_total", AsyncGetDocs::expect_total),
    ];
    for (name, setting) in settings {
        let mut docs = pages();
        docs.try_next().await.unwrap();
        let panic =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(setting(docs)))).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert_eq!(*message, format!("`{name}` must be called before the stream is first polled"));
    }
}

#[tokio::test]
async fn a_page_that_is_not_modified_ends_the_stream_without_an_item() {
    for (read_ahead, concurrency) in [(0, 1), (2, 1), (0, 3)] {
        let mut docs =
            by_page_number(1, |_| async { Ok::<Page<u64, PageNumber>, Fault>(Page::not_modified()) })
                .read_ahead(read_ahead)
                .concurrency(concurrency)
                .expect_total();
        assert!(!docs.is_not_modified());
        assert_eq!(trace(&mut docs).await, "end");
        assert!(docs.is_not_modified() && docs.checkpoint().is_done());
        assert_eq!(docs.progress().pages, 0);
    }
    let mut docs = pages();
    trace(&mut docs).await;
    assert!(!docs.is_not_modified());
}
