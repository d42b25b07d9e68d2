/// Runs a block for each item of a stream, like Python's `async for` with its `else`.
///
/// | form | effect |
/// |---|---|
/// | `async_for!(pat in iterable => { .. })` | runs the block for each item |
/// | `async_for!(pat in iterable => { .. } else { .. })` | runs the block for each item, then the `else` block, unless a `break` has left the loop |
/// | `async_for!('label: pat in iterable => { .. })` | a loop with a label, which inner loops can `break` or `continue` |
///
/// The iterable is a [`Stream`](futures_core::Stream) or another [`AsyncIterable`](crate::desugar::AsyncIterable). The
/// macro pins the stream, and drops it after the loop. To keep it, pass `&mut stream`, or `stream.as_mut()` for a
/// pinned stream.
///
/// In the loop block, `break`, `continue`, `return` and `?` work as in any loop. In the `else` block, `break` and
/// `continue` refer to the loop around the macro, because the macro's own loop has ended.
///
/// The value of the macro is `()`. If the items are `Result`s, they are not unwrapped: begin the block with
/// `let item = item?;`.
///
/// Without an `else`, `while let Some(item) = stream.next().await { .. }` does the same. The expansion of both forms is
/// in [PEP 492](crate::desugar::pep_492#async-for-and-its-else).
///
/// # Panics
///
/// Panics if the stream panics.
///
/// # Cancel safety
///
/// No item is lost between the stream and the block. If the future that contains the macro is dropped, the item that
/// the block is processing is dropped with it. For the stream itself, see its documentation.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::num::ParseIntError> {
/// use futures::stream;
/// use withal::async_for;
///
/// let mut sum = 0;
/// async_for!(word in stream::iter(["1", "2", "stop", "x"]) => {
///     if word == "stop" {
///         break;
///     }
///     sum += word.parse::<i32>()?;
/// } else {
///     unreachable!("the loop was left by `break`");
/// });
/// assert_eq!(sum, 3);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "async for")]
#[doc(alias = "for await")]
#[doc(alias = "for_each")]
#[macro_export]
macro_rules! async_for {
    ($($label:lifetime :)? $item:pat in $iterable:expr => $block:block) => {
        // A `match` keeps the temporaries of `$iterable` alive until the loop has ended, as in `for`.
        match $crate::desugar::aiter($iterable) {
            iter => {
                let mut iter = ::core::pin::pin!(iter);
                $($label:)? loop {
                    match $crate::desugar::anext(&mut iter).await {
                        ::core::option::Option::Some($item) => $block,
                        ::core::option::Option::None => break,
                    }
                }
            }
        }
    };
    ($($label:lifetime :)? $item:pat in $iterable:expr => $block:block else $at_end:block) => {{
        // Stays `false` if the block leaves the loop by `break`.
        let mut has_ended = false;
        match $crate::desugar::aiter($iterable) {
            iter => {
                let mut iter = ::core::pin::pin!(iter);
                $($label:)? loop {
                    match $crate::desugar::anext(&mut iter).await {
                        ::core::option::Option::Some($item) => $block,
                        ::core::option::Option::None => {
                            has_ended = true;
                            break;
                        }
                    }
                }
            }
        }
        if has_ended $at_end
    }};
}
