//! Random APIs, faults, cancellations and restarts: the items are those of a model without any of these.

use std::time::Duration;

use futures::FutureExt;
use proptest::prelude::*;
use withal::pages::{AsyncGetDocs, Checkpoint, Cursor, Offset, OnRepeat, Page, by_offset, by_page_number};

use withal_test_support::api::{Api, Fault};

/// An action of the consumer.
#[derive(Clone, Debug)]
enum Act {
    /// Polls `next` once and drops it, this many times.
    Drop(u8),
    /// Waits for this many items.
    Take(u8),
    /// Drops the stream and resumes another one from its checkpoint.
    Resume,
    /// Yields to the runtime.
    Yield,
}

#[derive(Clone, Debug)]
struct Case {
    pages: Vec<usize>,
    faults: Vec<(usize, u32)>,
    acts: Vec<Act>,
    steps: u32,
    read_ahead: usize,
    concurrency: usize,
    retries: usize,
    max_items: Option<u64>,
}

fn case() -> impl Strategy<Value = Case> {
    let act = prop_oneof![
        3 => (1..20u8).prop_map(Act::Drop),
        3 => (1..30u8).prop_map(Act::Take),
        1 => Just(Act::Resume),
        1 => Just(Act::Yield),
    ];
    (
        prop::collection::vec(prop_oneof![4 => 0..6usize, 1 => 100..300usize], 0..12),
        prop::collection::vec((0..12usize, 1..4u32), 0..4),
        prop::collection::vec(act, 0..40),
        0..4u32,
        0..4usize,
        1..4usize,
        0..3usize,
        prop::option::of(0..60u64),
    )
        .prop_map(|(pages, faults, acts, steps, read_ahead, concurrency, retries, max_items)| Case {
            pages,
            faults,
            acts,
            steps,
            read_ahead,
            concurrency,
            retries,
            max_items,
        })
}

impl Case {
    /// The same case without empty pages.
    fn nonempty(mut self) -> Self {
        self.pages.iter_mut().for_each(|length| *length = (*length).max(1));
        if self.pages.is_empty() {
            self.pages.push(1);
        }
        self
    }

    /// As `run`, for a stream whose filter does not know the items of an earlier run.
    async fn run_without_resuming<C: Cursor>(
        &self,
        open: impl Fn() -> AsyncGetDocs<u32, C, Fault>,
    ) -> Vec<u32> {
        let acts = self.acts.iter().filter(|act| !matches!(act, Act::Resume)).cloned().collect();
        Self { acts, ..self.clone() }.run(open).await
    }

    fn api(&self) -> Api {
        let api = Api::numbers(self.pages.clone()).slow(self.steps, Duration::ZERO);
        self.faults.iter().fold(api, |api, (page, times)| api.fail(*page, *times))
    }

    fn configure<C: Cursor>(&self, docs: AsyncGetDocs<u32, C, Fault>) -> AsyncGetDocs<u32, C, Fault> {
        let policy =
            backon::ConstantBuilder::default().with_delay(Duration::ZERO).with_max_times(self.retries);
        let docs = docs.read_ahead(self.read_ahead).retry(policy);
        match self.max_items {
            Some(max) => docs.max_items(max),
            None => docs,
        }
    }

    /// The items that a consumer receives that performs these actions and then reads to the end.
    async fn run<C: Cursor>(&self, open: impl Fn() -> AsyncGetDocs<u32, C, Fault>) -> Vec<u32> {
        let mut docs = self.configure(open());
        let mut all = Vec::new();
        let mut acts = self.acts.iter().cloned().chain(std::iter::repeat(Act::Take(250)));
        loop {
            let mut step = match acts.next().expect("the last act is repeated") {
                Act::Drop(times) => {
                    let polled = (0..times).map(|_| docs.next().now_or_never()).find_map(|polled| polled);
                    match polled {
                        Some(step) => step,
                        None => continue,
                    }
                }
                Act::Take(0) => continue,
                Act::Take(times) => {
                    for _ in 1..times {
                        match docs.next().await {
                            Some(Ok(doc)) => all.push(doc),
                            Some(Err(_)) => assert!(docs.retry_failed()),
                            None => break,
                        }
                    }
                    docs.next().await
                }
                Act::Resume => {
                    let checkpoint = docs.checkpoint();
                    assert_eq!(checkpoint.items(), all.len() as u64);
                    docs = self.configure(open()).resume(checkpoint);
                    continue;
                }
                Act::Yield => {
                    tokio::task::yield_now().await;
                    continue;
                }
            };
            match step.take() {
                Some(Ok(doc)) => all.push(doc),
                Some(Err(_)) => assert!(docs.retry_failed()),
                None => {
                    assert_eq!(docs.progress().items, all.len() as u64);
                    return all;
                }
            }
        }
    }
}

fn block_on<T>(run: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run)
}

/// The model: the items of the pages, up to `max_items`.
fn model(case: &Case, pages: &[usize]) -> Vec<u32> {
    let len = pages.iter().sum::<usize>();
    let len = case.max_items.map_or(len, |max| len.min(usize::try_from(max).unwrap()));
    (0..u32::try_from(len).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn by_cursor_matches_the_model(case in case()) {
        let api = case.api();
        let all = block_on(case.run(|| api.by_cursor()));
        prop_assert_eq!(all, model(&case, &case.pages));
        prop_assert_eq!(api.in_progress(), 0);
    }

    #[test]
    fn by_page_number_matches_the_model(case in case()) {
        let api = case.api();
        let all = block_on(case.run(|| api.by_page_number().concurrency(case.concurrency)));
        let end = case.pages.iter().position(|length| *length == 0).unwrap_or(case.pages.len());
        prop_assert_eq!(all, model(&case, &case.pages[..end]));
    }

    #[test]
    fn by_offset_matches_the_model(case in case(), limit in 1..200u64, clamp in 1..200usize) {
        let api = case.api();
        let all = block_on(case.run(|| api.by_offset(limit, clamp).concurrency(case.concurrency)));
        prop_assert_eq!(all, model(&case, &case.pages));
    }

    #[test]
    fn a_clamped_last_page_matches_the_model(case in case(), equal in 0..3u32) {
        let case = case.nonempty();
        let api = case.api();
        let total = case.pages.iter().sum::<usize>() as u64;
        // Every page, including those beyond the last, has its content as fingerprint, and the total.
        let open = || {
            let (api, last) = (api.clone(), case.pages.len() - 1);
            by_page_number(0, move |number| {
                let page = api.clone().get(usize::try_from(number).unwrap().min(last));
                async move {
                    let items = page.await?.items;
                    let content = format!("{items:?}");
                    Ok(Page::new(items, None).fingerprint(content).total(total))
                }
            })
            .on_repeat(OnRepeat::End)
            .expect_total()
            .concurrency(case.concurrency)
        };
        let mut all = block_on(case.run(open));
        prop_assert_eq!(&all, &model(&case, &case.pages));
        // With an error in place of the end, no item is yielded that was yielded before.
        if equal == 0 {
            let ended = block_on(async {
                let mut docs = case.configure(open().on_repeat(OnRepeat::Error)).max_items(u64::MAX);
                all.clear();
                loop {
                    match docs.try_next().await {
                        Ok(Some(item)) => all.push(item),
                        Ok(None) => return false,
                        Err(error) if error.is_fetch() => assert!(docs.retry_failed()),
                        Err(error) => return error.is_repeated_page(),
                    }
                }
            });
            prop_assert!(ended);
            prop_assert_eq!(all.len() as u64, total);
        }
    }

    #[test]
    fn clamped_offsets_match_the_model(case in case(), limit in 1..200u64) {
        let case = case.nonempty();
        let api = case.api();
        let open = || {
            let api = api.clone();
            by_offset(limit, move |offset, limit| {
                // The server returns its last items for an offset beyond them.
                let (api, all) = (api.clone(), api.all());
                let offset = usize::try_from(offset).unwrap().min(all.len().saturating_sub(1));
                async move {
                    let _page = api.get(offset).await?;
                    let end = all.len().min(offset + usize::try_from(limit).unwrap());
                    let items = all[offset..end].to_vec();
                    let content = format!("{items:?}");
                    Ok(Page::<_, Offset>::new(items, None).fingerprint(content))
                }
            })
            .on_repeat(OnRepeat::End)
            .unique_by(|item| *item)
            .concurrency(case.concurrency)
        };
        // The last item comes again in a page of its own: `unique_by` removes it, and its repetition ends the stream.
        let run = block_on(case.run_without_resuming(open));
        prop_assert_eq!(run, model(&case, &case.pages));
    }

    #[test]
    fn batches_committed_with_their_checkpoint_match_the_model(case in case(), commits in prop::collection::vec(1..5usize, 1..9)) {
        let api = case.api();
        let rows = block_on(async {
            let (mut rows, mut checkpoint) = (Vec::new(), Checkpoint::default());
            for commits in commits.iter().cycle() {
                let docs = case.configure(api.by_cursor()).resume(checkpoint.clone());
                let mut batches = docs.into_pages().with_checkpoints();
                for _ in 0..*commits {
                    match batches.next().await {
                        Some(Ok(batch)) => {
                            rows.extend(batch.items);
                            checkpoint = batch.checkpoint;
                        }
                        Some(Err(_)) => assert!(batches.retry_failed()),
                        None => return rows,
                    }
                }
                // The program stops while the next page is being fetched, or before it is committed.
                drop(batches.next().now_or_never());
            }
            unreachable!("the commits are repeated")
        });
        prop_assert_eq!(rows, model(&case, &case.pages));
    }
}
