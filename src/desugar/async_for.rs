/// Python's `async for`, with its `else`.
///
/// `async_for!(pattern in iterable => { block })`, or `.. => { block } else { block }`. The iterable is a stream, or
/// whatever is [`AsyncIterable`](crate::desugar::AsyncIterable); it is pinned here, and dropped at the end. `break`,
/// `continue`, `return` and `?` in the first block do what they do in a loop. The `else` is run when the stream has
/// ended, and not when the loop was left by `break`; in it, `break` and `continue` are those of the loop around. With a
/// label, `async_for!('label: pattern in iterable => ..)`, inner loops can break it.
///
/// Its value is `()`. Items that are results are taken as they come: `let item = item?;` begins the block. Borrowed, a
/// stream can be read on later: `async_for!(x in &mut stream => ..)`, if it is `Unpin`, or `stream.as_mut()`. What it
/// stands for: [PEP 492](crate::desugar::pep_492#async-for-and-its-else).
///
/// # Panics
///
/// When the stream does.
///
/// # Cancel safety
///
/// As the stream: an item is taken out of it, and then the block has it.
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
///     unreachable!("it was told to stop");
/// });
/// assert_eq!(sum, 3);
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! async_for {
    ($($label:lifetime :)? $item:pat in $iterable:expr => $block:block) => {
        // As `for` has it: what is made for the iterable alone lives as long as the loop.
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
        // Left by `break`, the block has not seen the end.
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
