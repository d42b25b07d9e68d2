/// Enters one or several managers, runs the block, and awaits their exits, last entered first: Python's `async with`.
///
/// | form | |
/// |---|---|
/// | `async_with!(x = manager => { .. })` | `x` is a `&mut` of the manager's target |
/// | `async_with!(x = one, y = other => { .. })` | `other` may use `x`; exited in reverse order |
/// | `async_with!(loop; x = manager => { .. })` | `break` and `continue` may leave the block |
/// | `async_with!('a; ..)`, `async_with!(loop, 'a, 'b; ..)` | `break 'a`, `continue 'b` may, too |
/// | `async_with!(-> Result<_, E>; ..)` | what `return` returns, where the compiler asks for it |
///
/// The block stands in the function around it: `?` and `return` leave the function, *after* the exits were awaited.
///
/// The value is that of the block, where nothing can fail: managers whose error is
/// [`Infallible`](std::convert::Infallible). Otherwise it is a `Result` with the manager's error; of several, the one error
/// type that they have, or [`EitherError`](crate::context::EitherError). Where an exit may suppress the block's error, the value is an
/// `Option`.
///
/// What an exit sees, and what goes on, says [the section](crate::context#what-runs-when).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use tokio::sync::Mutex;
/// use withal::context::async_with;
///
/// let numbers = Mutex::new(vec![3, 5, 8, 9]);
/// let mut odd = 0;
/// for _ in 0..10 {
///     let number = async_with!(loop; numbers = &numbers => {
///         let Some(number) = numbers.pop() else { break };
///         if number % 2 == 0 {
///             continue;
///         }
///         number
///     });
///     odd += number;
/// }
/// assert_eq!(odd, 17);
/// # }
/// ```
///
/// What it does is this, in Python's words (PEP 492) and here, for one manager and a block that neither loops nor returns:
///
/// ```
/// use std::panic::{AssertUnwindSafe, resume_unwind};
/// use futures::FutureExt;
/// use withal::context::{AsyncContextManager, AsyncGuard, ExitReason, nullcontext};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let manager = nullcontext(7);
/// let mut entered = manager.aenter().await.unwrap(); //      value = await manager.__aenter__()
/// let block = async { *entered.target() + 1 }; //            try:
/// let value = match AssertUnwindSafe(block).catch_unwind().await {
///     Err(mut payload) => { //                               except BaseException as error:
///         entered.aexit(ExitReason::Panic(&mut *payload)).await.unwrap();
///         resume_unwind(payload) //                              if not await manager.__aexit__(error): raise
///     }
///     Ok(value) => { //                                      else:
///         entered.aexit(ExitReason::Ok).await.unwrap(); //             await manager.__aexit__(None)
///         value
///     }
/// };
/// assert_eq!(value, 8);
/// # }
/// ```
///
/// to which it adds what happens when the future is dropped, the order of what is detached inside, and what crosses it;
/// beside the PEP's own words: [PEP 492](crate::desugar::pep_492#async-with).
///
/// # Errors
///
/// Those of the managers. The block's own errors leave the function, and so does the type of its `?`.
///
/// # Panics
///
/// When the block does, after the exits were awaited; when an exit does; and when a manager interrupts the block and its
/// exit neither fails nor suppresses that.
///
/// # Cancel safety
///
/// Dropped in an enter, that is dropped, and what was entered before is exited. Dropped in the block or in an exit, what the
/// managers' [policies](crate::context#which-drop-policy) say.
///
/// # What is not
///
/// - A block with `continue` in it is one that the compiler sees run again: it cannot move what is made outside of it, and
///   of several managers, those after the first are part of the block.
/// - `break` and `continue` need `loop;`, and labels have to be named: the compiler says so.
///
///   ```compile_fail,E0382
///   # async fn count(numbers: &tokio::sync::Mutex<Vec<u32>>) {
///   # use withal::context::async_with;
///   for _ in 0..3 {
///       async_with!(numbers = numbers => {
///           if numbers.is_empty() {
///               continue; // a value of type `ToContinueWriteLoopFirst` is used again
///           }
///       });
///   }
///   # }
///   ```
/// - In an `async` block, such as `#[tokio::main]` makes of `main`, the compiler may not know yet what `return` returns. It
///   asks for `-> Result<_, E>;` then, mostly where `E` is not `Send`, as `Box<dyn Error>` is not. An error that is not
///   `Send` is [hidden](crate::context::OpaqueError) from the manager.
/// - An error that borrows what is not `'static` cannot leave the block by `?`.
#[macro_export]
macro_rules! async_with {
    // One manager after the other, each in the block of the one before it.
    (@enter $mode:tt $target:pat = $manager:expr, $($more:tt)+) => {
        $crate::async_with!(@scope $mode $target = $manager => {
            $crate::async_with!(@enter $mode $($more)+)
        })
    };
    (@enter $mode:tt $target:pat = $manager:expr => $block:block) => {
        $crate::async_with!(@scope $mode $target = $manager => {
            #[allow(clippy::diverging_sub_expression, reason = "a block may always be left before its end")]
            let value = $block;
            #[allow(unreachable_code, reason = "a block may always be left before its end")]
            let value = ::core::result::Result::Ok::<_, $crate::context::expansion::Infallible>(value);
            value
        })
    };
    (@scope $mode:tt $target:pat = $manager:expr => $block:block) => {{
        // What the manager is made of is dropped before the block begins.
        let entered = $crate::context::AsyncContextManager::aenter($manager).await;
        let outcome = match entered {
            ::core::result::Result::Err(error) => ::core::result::Result::Err($crate::context::expansion::Which::Manager(error)),
            ::core::result::Result::Ok(guard) => {
                let mut scope = $crate::context::expansion::Scope::new(guard);
                let of = scope.of();
                let mut value = ::core::option::Option::None;
                #[allow(unused_mut, reason = "only a block in a loop sets it")]
                let mut flow = 0_u8;
                let witness = $crate::context::expansion::Witness::default();
                // In the function and in the block, so that both return the same.
                if false {
                    return witness.returns();
                }
                let ended = {
                    let (target, interrupt, rest) = scope.parts();
                    let block = async {
                        if false {
                            return witness.returns();
                        }
                        let $target = $crate::context::expansion::target(target);
                        $crate::async_with!(@run $mode value flow $block);
                        match $crate::context::expansion::Fell(witness.fell()).await {}
                    };
                    let block = $crate::context::expansion::Block::new(block, witness.fell());
                    $crate::context::expansion::Body::new(block, interrupt, rest).await
                };
                #[allow(unused_imports, reason = "one of them is the one")]
                let kind = {
                    use $crate::context::expansion::{Known as _, Other as _, Unsendable as _};
                    (&&&witness.kind()).kind()
                };
                let mut left = $crate::context::expansion::left(ended, value, kind);
                let result = $crate::__exit_scope!(scope, left.fault);
                match left.after(of, result, kind) {
                    $crate::context::expansion::After::Value(value) => value,
                    $crate::context::expansion::After::Return(value) => return value,
                    $crate::context::expansion::After::Jump => $crate::async_with!(@jump $mode flow),
                }
            }
        };
        #[allow(unused_imports, reason = "one of them is the one")]
        let errors = {
            use $crate::context::expansion::{Different as _, First as _, Nested as _, Same as _};
            (&&&&$crate::context::expansion::Errors::of(&outcome)).errors()
        };
        errors.merge(outcome)
    }};

    // The block, in a loop for each `break` and `continue` that may leave it. 0: nothing yet; 1: it came to its end.
    (@run [$how:tt []] $value:ident $flow:ident $block:block) => {
        $crate::async_with!(@innermost $how $value $flow $block);
    };
    (@run [$how:tt [$($label:lifetime)+]] $value:ident $flow:ident $block:block) => {
        $crate::async_with!(@labels (4) $how [$($label)+] $value $flow $block);
    };
    (@labels ($index:expr) $how:tt [] $value:ident $flow:ident $block:block) => {
        $crate::async_with!(@innermost $how $value $flow $block);
    };
    (@labels ($index:expr) $how:tt [$label:lifetime $($more:lifetime)*] $value:ident $flow:ident $block:block) => {
        let mut again = false;
        $label: loop {
            if again {
                $flow = $index + 1;
                break $label;
            }
            again = true;
            $crate::async_with!(@labels ($index + 2) $how [$($more)*] $value $flow $block);
            break $label;
        }
        if $flow == 0 {
            $flow = $index;
        }
    };
    (@innermost none $value:ident $flow:ident $block:block) => {
        let write_loop_first = $crate::context::expansion::ToContinueWriteLoopFirst;
        let ended: $crate::context::expansion::ToBreakWriteLoopFirst<_> = loop {
            $crate::context::expansion::once(write_loop_first);
            #[allow(clippy::diverging_sub_expression, reason = "a block may always be left before its end")]
            let value = $block;
            #[allow(unreachable_code, reason = "a block may always be left before its end")]
            break $crate::context::expansion::ToBreakWriteLoopFirst(value);
        };
        $value = ::core::option::Option::Some(ended.0);
    };
    (@innermost loop $value:ident $flow:ident $block:block) => {
        let mut again = false;
        loop {
            if again {
                $flow = 3;
                break;
            }
            again = true;
            #[allow(clippy::diverging_sub_expression, reason = "a block may always be left before its end")]
            let ended = $block;
            #[allow(unreachable_code, reason = "a block may always be left before its end")]
            {
                $value = ::core::option::Option::Some(ended);
                $flow = 1;
            }
            break;
        }
        if $flow == 0 {
            $flow = 2;
        }
    };

    // After the exit: what the block had said.
    (@jump [none []] $flow:ident) => {
        match $crate::context::expansion::no_jump() {}
    };
    (@jump [none [$($label:lifetime)+]] $flow:ident) => {
        $crate::async_with!(@jumps (4) [$($label)+] $flow)
    };
    (@jump [loop [$($label:lifetime)*]] $flow:ident) => {
        if $flow == 2 {
            break
        } else if $flow == 3 {
            continue
        } else {
            $crate::async_with!(@jumps (4) [$($label)*] $flow)
        }
    };
    (@jumps ($index:expr) [] $flow:ident) => {
        match $crate::context::expansion::no_jump() {}
    };
    (@jumps ($index:expr) [$label:lifetime $($more:lifetime)*] $flow:ident) => {
        if $flow == $index {
            break $label
        } else if $flow == $index + 1 {
            continue $label
        } else {
            $crate::async_with!(@jumps ($index + 2) [$($more)*] $flow)
        }
    };

    (@top $mode:tt $($managers:tt)+) => {{
        let merged = $crate::async_with!(@enter $mode $($managers)+);
        #[allow(unused_imports, reason = "one of them is the one")]
        let settled = {
            use $crate::context::expansion::{Bare as _, Settle as _};
            (&&$crate::context::expansion::Settled::of(&merged)).settled()
        };
        settled.settle(merged)
    }};

    (-> $returns:ty; $($rest:tt)+) => {{
        if false {
            return $crate::context::expansion::named::<$returns>();
        }
        $crate::async_with!($($rest)+)
    }};
    (loop; $($managers:tt)+) => { $crate::async_with!(@top [loop []] $($managers)+) };
    (loop, $($label:lifetime),+; $($managers:tt)+) => {
        $crate::async_with!(@top [loop [$($label)+]] $($managers)+)
    };
    ($($label:lifetime),+; $($managers:tt)+) => { $crate::async_with!(@top [none [$($label)+]] $($managers)+) };
    ($target:pat = $($managers:tt)+) => { $crate::async_with!(@top [none []] $target = $($managers)+) };
    ($manager:expr => $($rest:tt)*) => {
        compile_error!("what is entered wants a name: `name = manager => { .. }`, or `_ = manager => { .. }`")
    };
}
