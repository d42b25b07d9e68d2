/// Enters context managers, runs the block, and awaits their exits in reverse order: Python's `async with`.
///
/// | form | |
/// |---|---|
/// | `async_with!(x = manager => { .. })` | `x` is a `&mut` reference to the guard's target |
/// | `async_with!(x = manager, { .. })` | the same; rustfmt formats the block of this form |
/// | `async_with!(_ = manager => { .. })` | the target is not used |
/// | `async_with!(x = one, y = other => { .. })` | enters `one`, then `other`, which may use `x`; exits in reverse order |
/// | `async_with!(loop; x = manager => { .. })` | `break` and `continue` can leave the block for the enclosing loop |
/// | `async_with!('a; ..)`, `async_with!(loop, 'a, 'b; ..)` | `break 'a` and `continue 'b` can leave the block as well |
/// | `async_with!(-> Result<_, E>; ..)` | names the type that `return` returns, if the compiler asks for it |
///
/// The block belongs to the enclosing function: `?` and `return` leave that function, *after* the exits have been
/// awaited.
///
/// If no manager can fail, because each error type is [`Infallible`](std::convert::Infallible), the macro evaluates
/// to the block's value. Otherwise it evaluates to a `Result` with the managers' error type, or with an
/// [`EitherError`](crate::context::EitherError) if their error types differ. If an exit can suppress the block's
/// error, the value is an `Option`.
///
/// The [module documentation](crate::context#guarantees) has a table of what the exit receives and what happens
/// afterwards.
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
/// For one manager, and a block that neither jumps nor returns, the macro is equivalent to the following code. The
/// comments are the Python of PEP 492:
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
///         entered.aexit(ExitReason::Ok).await.unwrap(); //       await manager.__aexit__(None)
///         value
///     }
/// };
/// assert_eq!(value, 8);
/// # }
/// ```
///
/// In addition, the macro handles the drop of the future, waits for nested cleanups, and delays `return`, `break` and
/// `continue` until after the exit. The full comparison is in [PEP 492](crate::desugar::pep_492#async-with).
///
/// # Errors
///
/// The managers' errors. A block that evaluates to an `Err` has failed: the exits receive the error, and the `Err` is
/// the block's value. The block's other errors leave the function by `?` or `return`, as they would without the macro.
///
/// # Panics
///
/// - If the block panics: the panic continues after the exits have been awaited.
/// - If an exit panics. If the block has panicked before, the block's panic continues, and that of the exit is reported to
///   the [observers](crate::cleanup::observe).
/// - If a manager interrupts the block, and its exit neither fails nor suppresses the interrupt.
///
/// # Cancel safety
///
/// If the future is dropped during an enter, that manager has nothing to exit. In this case, and if the future is
/// dropped during the block or an exit, the [drop policies](crate::context#cancellation) of the entered guards apply.
///
/// # Limitations
///
/// - `break` and `continue` need `loop;`, and labels must be named. Otherwise the compiler reports an error in which
///   the name of a type is the hint:
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
/// - `break` carries no value out of the block, not even with `loop;`. Assign the value to a variable before the `break`:
///
///   ```
///   # async fn first_even(numbers: &tokio::sync::Mutex<Vec<u32>>) -> u32 {
///   # use withal::context::async_with;
///   let mut found = 0;
///   loop {
///       async_with!(loop; numbers = numbers => {
///           if let Some(even) = numbers.pop().filter(|n| n % 2 == 0) {
///               found = even;
///               break;
///           }
///       });
///   }
///   found
///   # }
///   ```
/// - To the compiler, a block that contains `continue` can run more than once. Such a block cannot move values from
///   outside. If the macro enters several managers, those after the first are a part of the block.
/// - The manager cannot inspect an error that is not `Send`. It receives an
///   [`OpaqueError`](crate::context::OpaqueError) instead.
/// - If a generic function receives a closure and returns `impl AsyncContextManager<Guard: AsyncGuard<..>>`, the compiler
///   reports "expected `Infallible`", because it does not know the guard's error yet. Write the guard as a type,
///   `impl AsyncContextManager<Guard = impl AsyncGuard<..>>`, or annotate the macro's result.
/// - An error that is not `'static` cannot leave the block, neither by `?` nor as the block's value.
/// - The compiler limits the depth of nested types. About fifteen nested scopes, of one macro or of macros in each other's
///   blocks, fit into that limit, less the depth of the functions around them. If the compiler reports "queries overflow
///   the depth limit", raise it: `#![recursion_limit = "256"]`.
#[doc(alias("with", "using", "defer", "finally", "try", "scope guard", "async drop", "RAII"))]
#[macro_export]
macro_rules! async_with {
    (-> $returns:ty; $($scope:tt)+) => {{
        if false {
            // Never executed. It determines the return type of the enclosing `async` block before the rest of the macro
            // is type-checked.
            return $crate::context::expansion::named::<$returns>();
        }
        $crate::async_with!($($scope)+)
    }};
    // Before the forms that begin with a pattern, which `let` and `loop` are not.
    (let $($other:tt)*) => {
        compile_error!("unexpected `let`: write `name = manager => { .. }`")
    };
    (loop $(, $label:lifetime)*; $($target:pat = $manager:expr),+ $(,)? => $block:block $(,)?) => {
        $crate::__async_with!(@top [loop [$($label)*]] $($target = $manager),+ => $block)
    };
    (loop $(, $label:lifetime)*; $($target:pat = $manager:expr),+, $block:block $(,)?) => {
        $crate::__async_with!(@top [loop [$($label)*]] $($target = $manager),+ => $block)
    };
    (loop $($other:tt)*) => {
        $crate::__async_with!(@error loop $($other)*)
    };
    ($($label:lifetime),+; $($target:pat = $manager:expr),+ $(,)? => $block:block $(,)?) => {
        $crate::__async_with!(@top [none [$($label)+]] $($target = $manager),+ => $block)
    };
    ($($label:lifetime),+; $($target:pat = $manager:expr),+, $block:block $(,)?) => {
        $crate::__async_with!(@top [none [$($label)+]] $($target = $manager),+ => $block)
    };
    // Before the expressions: a name and a block parse as a struct expression.
    ($target:tt = $(&)? $($manager:ident).+ { $($block:tt)* }) => {
        $crate::__async_with!(@no_arrow)
    };
    // After a comma, a closure or an `async` block would parse as a pattern, which is an error of its own.
    ($target:pat = $manager:expr, async $($other:tt)*) => {
        $crate::__async_with!(@no_block)
    };
    ($target:pat = $manager:expr, |$($other:tt)*) => {
        $crate::__async_with!(@no_block)
    };
    ($first:pat = $one:expr, $target:pat = $manager:expr, async $($other:tt)*) => {
        $crate::__async_with!(@no_block)
    };
    ($($target:pat = $manager:expr),+ $(,)? => $block:block $(,)?) => {
        $crate::__async_with!(@top [none []] $($target = $manager),+ => $block)
    };
    ($($target:pat = $manager:expr),+, $block:block $(,)?) => {
        $crate::__async_with!(@top [none []] $($target = $manager),+ => $block)
    };
    ($($other:tt)*) => {
        $crate::__async_with!(@error $($other)*)
    };
}

/// The steps of [`async_with!`](macro@crate::async_with). Each arm begins with the name of the step.
///
/// `$mode` is `[loop [labels]]` if `break` and `continue` without a label can leave the block, otherwise
/// `[none [labels]]`. Jumps with one of the labels can leave the block, too.
#[doc(hidden)]
#[macro_export]
macro_rules! __async_with {
    // The whole macro. Its value is a `Result` only if a manager can fail.
    (@top $mode:tt $($managers:tt)+) => {{
        let merged = $crate::context::expansion::inspected($crate::__async_with!(@enter $mode $($managers)+));
        #[allow(unused_imports, reason = "only one of the traits applies")]
        let value = {
            use $crate::context::expansion::{
                FirstValueKind as _, NeitherValueKind as _, PlainValueKind as _, ResultValueKind as _,
                SameValueKind as _, SecondValueKind as _,
            };
            (&&&&&&$crate::context::expansion::Value::of(&merged)).value()
        };
        // A variable, so that the value can be coerced.
        #[allow(clippy::diverging_sub_expression, reason = "a block may always be left before its end")]
        let value = value.finish(merged);
        value
    }};

    // The compiler errors. A binding also parses as an assignment, so its arm comes before that of a missing binding.
    (@error loop $(, $label:lifetime)*; $($rest:tt)*) => {
        $crate::__async_with!(@error $($rest)*)
    };
    (@error $($label:lifetime),+; $($rest:tt)*) => {
        $crate::__async_with!(@error $($rest)*)
    };
    (@error $target:tt in $($rest:tt)*) => {
        compile_error!("unexpected `in`: write `name = manager => { .. }`")
    };
    (@error $target:pat = $manager:expr, $($rest:tt)+) => {
        $crate::__async_with!(@error_after_manager $($rest)+)
    };
    (@error $target:pat = $manager:expr => $($rest:tt)*) => {
        $crate::__async_with!(@no_block)
    };
    (@error $target:pat = $manager:expr) => {
        $crate::__async_with!(@no_block)
    };
    (@error $target:pat = $manager:expr, ) => {
        $crate::__async_with!(@no_block)
    };
    (@error $target:tt = $manager:block) => {
        $crate::__async_with!(@no_block)
    };
    (@error $manager:expr => $($rest:tt)*) => {
        $crate::__async_with!(@no_binding)
    };
    (@error $manager:expr, $block:block $(,)?) => {
        $crate::__async_with!(@no_binding)
    };
    (@error $manager:expr) => {
        $crate::__async_with!(@no_binding)
    };
    (@error $target:tt = $($rest:tt)*) => {
        $crate::__async_with!(@find_block $($rest)*)
    };
    (@error $($rest:tt)*) => {
        compile_error!("expected `name = manager => { .. }`")
    };
    (@find_block { $($block:tt)* }) => {
        $crate::__async_with!(@no_arrow)
    };
    (@find_block $other:tt $($rest:tt)*) => {
        $crate::__async_with!(@find_block $($rest)*)
    };
    (@find_block) => {
        compile_error!("expected `name = manager => { .. }`")
    };
    (@error_after_manager $block:expr) => {
        $crate::__async_with!(@no_block)
    };
    (@error_after_manager $($rest:tt)*) => {
        $crate::__async_with!(@error $($rest)*)
    };
    (@no_arrow) => {
        compile_error!("missing `=>` or `,` before the block: write `name = manager => { .. }`")
    };
    (@no_block) => {
        compile_error!("missing block: write `name = manager => { .. }`, with braces")
    };
    (@no_binding) => {
        compile_error!("missing binding: write `name = manager => { .. }`, or `_ = manager => { .. }`")
    };

    // One manager after the other, each in the block of the one before it.
    (@enter $mode:tt $target:pat = $manager:expr, $($more:tt)+) => {
        $crate::__async_with!(@scope $mode $target = $manager => {
            $crate::__async_with!(@enter $mode $($more)+)
        })
    };
    (@enter $mode:tt $target:pat = $manager:expr => $block:block) => {
        $crate::__async_with!(@scope $mode $target = $manager => {
            #[allow(clippy::diverging_sub_expression, reason = "a block may always be left before its end")]
            let value = $block;
            #[allow(
                unreachable_code,
                clippy::diverging_sub_expression,
                reason = "a block may always be left before its end"
            )]
            let value = ::core::result::Result::Ok::<_, $crate::context::expansion::Infallible>(
                $crate::context::expansion::inspect(value, $crate::context::expansion::case(0, 0)),
            );
            value
        })
    };
    (@scope $mode:tt $target:pat = $manager:expr => $block:block) => {{
        // A statement, so that the temporaries of the manager's expression are dropped before the block begins.
        // `match` keeps the temporaries, but not the manager, until the enter has completed.
        let mut scope = ::core::default::Default::default();
        let entered = match $manager {
            manager => {
                #[allow(unused_imports, reason = "only one of the traits applies")]
                let kind = {
                    use $crate::context::expansion::{
                        LocalKind as _, NoLocalKind as _, NoManagerKind as _, OrdinaryKind as _,
                    };
                    (&&&&$crate::context::expansion::Manager::of(&manager)).kind()
                };
                kind.enter(manager, &mut scope)
            }
        }
        .await;
        let entered = scope.entered(entered);
        // Neither borrowed nor moved in part, so that the future has no room for it beside what it awaits below.
        let is_entered = match entered {
            ::core::result::Result::Ok(()) => true,
            ::core::result::Result::Err(_) => false,
        };
        let outcome = if is_entered {
            $crate::context::expansion::forget(entered);
            let mut value = $crate::context::expansion::BlockValue::Empty;
            #[allow(unused_mut, reason = "only a block in a loop sets it")]
            let mut flow = 0_u8;
            // In the function and in the block, so that both return the same type.
            let (outer, inner) = $crate::context::expansion::ReturnWitness::pair();
            if false {
                return outer.returns();
            }
            let outcome = {
                let (target, state) = scope.parts();
                let block = async {
                    if false {
                        return inner.returns();
                    }
                    #[allow(clippy::ignored_unit_patterns, reason = "the target may be `()`")]
                    let $target = $crate::context::expansion::target(target);
                    $crate::__async_with!(@run $mode value flow $block);
                    match $crate::context::expansion::ReachedEnd.await {}
                };
                let capture = $crate::context::expansion::ReturnCapture;
                $crate::context::expansion::BlockFuture::with_detection(block, capture, state).await
            };
            let returns = $crate::context::expansion::case(0, 0);
            let mut failure = $crate::context::expansion::block_failure(outcome, &mut value, returns);
            let (result, name) = $crate::__exit_scope!(scope, failure);
            match $crate::context::expansion::disposition(value, failure, name, result, returns) {
                $crate::context::expansion::Disposition::Value(value) => value,
                $crate::context::expansion::Disposition::Return(value) => return value,
                $crate::context::expansion::Disposition::Jump => $crate::__async_with!(@jump $mode flow),
            }
        } else {
            ::core::result::Result::Err($crate::context::expansion::ErrorOrigin::Manager(
                $crate::context::expansion::enter_error(entered),
            ))
        };
        #[allow(unused_imports, reason = "only one of the traits applies")]
        let errors = {
            use $crate::context::expansion::{
                EitherKind as _, InnerOnlyKind as _, OuterOnlyKind as _, SameKind as _,
            };
            (&&&&$crate::context::expansion::MergeErrors::of(&outcome)).errors()
        };
        errors.merge(outcome)
    }};

    // The block, inside of one loop for each target of a `break` or `continue`. `$flow` records how the block was left:
    // 0 is not yet known, 1 completed, 2 `break`, 3 `continue`. From 4 on, there are two numbers for each label:
    // `break` and `continue`.
    (@run [$how:tt []] $value:ident $flow:ident $block:block) => {
        $crate::__async_with!(@innermost $how $value $flow $block);
    };
    (@run [$how:tt [$($label:lifetime)+]] $value:ident $flow:ident $block:block) => {
        $crate::__async_with!(@labels (4) $how [$($label)+] $value $flow $block);
    };
    (@labels ($index:expr) $how:tt [] $value:ident $flow:ident $block:block) => {
        $crate::__async_with!(@innermost $how $value $flow $block);
    };
    (@labels ($index:expr) $how:tt [$label:lifetime $($more:lifetime)*] $value:ident $flow:ident $block:block) => {
        let mut again = false;
        $label: loop {
            // Only a `continue` of the block starts a second iteration, which does not run the block again.
            if again {
                $flow = $index + 1;
                break $label;
            }
            again = true;
            $crate::__async_with!(@labels ($index + 2) $how [$($more)*] $value $flow $block);
            break $label;
        }
        // The block used `break` with this label, or it completed with a value, in which case `$flow` is never read.
        if $flow == 0 {
            $flow = $index;
        }
    };
    (@innermost none $value:ident $flow:ident $block:block) => {
        // The braces end the storage of `ended` before the block awaits its end: the value is not stored twice.
        {
            let write_loop_first = $crate::context::expansion::ToContinueWriteLoopFirst;
            let ended: $crate::context::expansion::ToBreakWriteLoopFirst<_> = loop {
                $crate::context::expansion::once(write_loop_first);
                #[allow(clippy::diverging_sub_expression, reason = "a block may always be left before its end")]
                let value = $block;
                #[allow(unreachable_code, reason = "a block may always be left before its end")]
                break $crate::context::expansion::ToBreakWriteLoopFirst(value);
            };
            $value.complete(ended.0);
        }
    };
    (@innermost loop $value:ident $flow:ident $block:block) => {
        let mut again = false;
        loop {
            // As for a label: a second iteration is a `continue`.
            if again {
                $flow = 3;
                break;
            }
            again = true;
            #[allow(clippy::diverging_sub_expression, reason = "a block may always be left before its end")]
            let ended = $block;
            #[allow(unreachable_code, reason = "a block may always be left before its end")]
            {
                $value.complete(ended);
                $flow = 1;
            }
            break;
        }
        // The loop ended without a second iteration and without a value: by `break`.
        if $flow == 0 {
            $flow = 2;
        }
    };

    // After the exit: the pending jump.
    (@jump [none []] $flow:ident) => {
        match $crate::context::expansion::no_jump() {}
    };
    (@jump [none [$($label:lifetime)+]] $flow:ident) => {
        $crate::__async_with!(@jumps (4) [$($label)+] $flow)
    };
    (@jump [loop [$($label:lifetime)*]] $flow:ident) => {
        if $flow == 2 {
            break
        } else if $flow == 3 {
            continue
        } else {
            $crate::__async_with!(@jumps (4) [$($label)*] $flow)
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
            $crate::__async_with!(@jumps ($index + 2) [$($more)*] $flow)
        }
    };
}
