/// Enters one or several managers, runs the block, and awaits their exits, last entered first: Python's `async with`.
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
            let value = Ok::<_, $crate::context::expansion::Infallible>(value);
            value
        })
    };
    (@scope $mode:tt $target:pat = $manager:expr => $block:block) => {{
        // What the manager is made of is dropped before the block begins.
        let entered = $crate::context::AsyncContextManager::aenter($manager).await;
        let outcome = match entered {
            Err(error) => Err($crate::context::expansion::Which::Manager(error)),
            Ok(guard) => {
                let mut scope = $crate::context::expansion::Scope::new(guard);
                let of = scope.of();
                let fell = $crate::context::expansion::flag();
                let mut value = None;
                #[allow(unused_mut, reason = "only a block in a loop sets it")]
                let mut flow = 0_u8;
                let returns = $crate::context::expansion::Witness::default();
                // In the function and in the block, so that both return the same.
                if false {
                    return returns.get();
                }
                let ended = {
                    let (target, interrupt, rest) = scope.parts();
                    let block = async {
                        if false {
                            return returns.get();
                        }
                        let $target = $crate::context::expansion::target(target);
                        $crate::async_with!(@run $mode value flow $block);
                        match $crate::context::expansion::Fell(&fell).await {}
                    };
                    let block = $crate::context::expansion::Block::new(block, &fell);
                    $crate::context::expansion::Body::new(block, interrupt, rest).await
                };
                #[allow(unused_imports, reason = "one of them is the one")]
                let kind = {
                    use $crate::context::expansion::{Known as _, Other as _, Unsendable as _};
                    (&&&returns.kind()).kind()
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
        let write_loop_first = $crate::context::expansion::Once;
        let ended: $crate::context::expansion::WriteLoopFirst<_> = loop {
            $crate::context::expansion::once(write_loop_first);
            #[allow(clippy::diverging_sub_expression, reason = "a block may always be left before its end")]
            let value = $block;
            #[allow(unreachable_code, reason = "a block may always be left before its end")]
            break $crate::context::expansion::WriteLoopFirst(value);
        };
        $value = Some(ended.0);
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
                $value = Some(ended);
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
            return $crate::context::expansion::named::<$returns>().get();
        }
        $crate::async_with!($($rest)+)
    }};
    (loop; $($managers:tt)+) => { $crate::async_with!(@top [loop []] $($managers)+) };
    (loop, $($label:lifetime),+; $($managers:tt)+) => {
        $crate::async_with!(@top [loop [$($label)+]] $($managers)+)
    };
    ($($label:lifetime),+; $($managers:tt)+) => { $crate::async_with!(@top [none [$($label)+]] $($managers)+) };
    ($target:pat = $($managers:tt)+) => { $crate::async_with!(@top [none []] $target = $($managers)+) };
}
