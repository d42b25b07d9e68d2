use withal::testing::cancel_at_every_await;

/// Runs [`cancel_at_every_await`] with a check, for programs that wait for real time. Returns the number of runs that were
/// dropped.
pub async fn drop_at_every_await<P: Future>(
    program: impl FnMut() -> P,
    check: impl AsyncFnMut(Option<P::Output>),
) -> usize {
    cancel_at_every_await(program).only_at_once().check(check).await
}
