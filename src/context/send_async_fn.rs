use std::future::Future;

/// A bound for async closures whose future is `Send`, which `AsyncFnOnce(A) -> O` cannot express yet.
///
/// Implemented for every closure and function that matches. `A` usually borrows, so the bound is higher-ranked, as in
/// [`async_with_send`](super::async_with_send).
#[doc(alias = "AsyncFnOnce")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an async closure with a `Send` future, from `{A}` to `{O}`",
    note = "if the future is not `Send`, use `async_with`, which accepts it"
)]
pub trait SendAsyncFnOnce<A, O>: AsyncFnOnce(A) -> O + FnOnce(A) -> Self::Future {
    /// The future that a call returns.
    type Future: Future<Output = O> + Send;
}

impl<A, O, F, R> SendAsyncFnOnce<A, O> for F
where
    F: AsyncFnOnce(A) -> O + FnOnce(A) -> R,
    R: Future<Output = O> + Send,
{
    type Future = R;
}
