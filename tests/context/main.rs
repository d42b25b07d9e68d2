//! Context managers: the exits that run, their order and their reasons, for every way to leave a block.
//!
//! # `contextlib`
//!
//! `CPython`'s `test_contextlib_async.py` (3.13). The tests are in `cpython.rs`.
//!
//! | original, without `test_` | subject | here |
//! |---|---|---|
//! | `enter` | the default `__aenter__` returns self | `enter` |
//! | `^propagates_generator_exit` | `aclose` of a generator inside a block | `propagates_generator_exit` |
//! | `cm_plain` | enter, body, exit; the value of `as` | `cm_plain` |
//! | `cm_finally` | an error passes, and the exit runs | `cm_finally` |
//! | `cm_no_reraise` | `__aexit__` does not raise the error itself | `cm_no_reraise` |
//! | `cm_trap_yield_after_throw`, `cm_trap_second_yield` | "didn't stop" | does not compile; `cm_trap_yield_after_throw_and_second_yield` |
//! | `cm_trap_no_yield` | "didn't yield" | a panic: `cm_trap_no_yield` |
//! | `cm_non_normalised` | a type without a value | `cm_non_normalised` |
//! | `cm_except` | a caught error is suppressed | `cm_except` |
//! | `cm_except_stopiter` | the end of an iteration passes unchanged | `cm_except_stopiter` |
//! | `cm_wrap_runtimeerror` | an error that wraps another passes unchanged | `cm_wrap_runtimeerror` |
//! | `recursive`, `decorator`, `decorator_with_exception` | managers as decorators | the same names |
//! | `aclosing`, `aclosing_error`, `aclosing_bpo41229` | one close, also after errors; scopes in generators | `aclosing_once`, the same names |
//! | `async_callback`, `async_push`, `enter_async_context` | exit stacks | the same names |
//! | `async_exit_exception_chaining`, `async_exit_exception_explicit_none_context` | the contexts of errors | the same names |
//! | `async_nullcontext` | does nothing | `async_nullcontext` |
//!
//! Not ported:
//!
//! | original, without `test_` | reason |
//! |---|---|
//! | `slots`, `exit_is_abstract`, `structural_subclassing`, `enter_async_context_errors`, `instance_bypass_async` | types that the compiler rejects |
//! | `cm_traceback` | frames of the interpreter |
//! | `cm_attribs`, `cm_doc_attrib`, `instance_docs`, `instance_docstring_given_cm_docstring`, `keywords`, `decorating_method` | docstrings, attributes, argument passing |
//!
//! # `async with`
//!
//! `CPython`'s `test_coroutines.py` (3.13). The tests are in `coroutines.rs`. They use the macro for the statement,
//! and the function for tests of Python's `__context__`.
//!
//! | original, without `test_` | subject | here |
//! |---|---|---|
//! | `with_1` | enter, block and exit yield through the coroutine, in order; one exit suppresses the error, another does not | `with_1_enters_and_exits_yield_through_the_coroutine` |
//! | `with_5` | a failed assertion in the block is raised; a panic here | `with_5_an_assertion_that_fails_in_the_block` |
//! | `with_7` | an exit that cannot be awaited, after an error: its error is raised, with the block's as the context. Here an exit that fails | `with_7_an_exit_that_fails_after_an_error` |
//! | `with_8` | the same after the block completes, and after `break`, `continue`, `return`, which do not take place | `with_8_an_exit_that_fails_after_any_way_out` |
//! | `with_9` | an exit that fails | `with_9_an_exit_that_fails` |
//! | `with_10` | two exits that fail after an error: the last error is raised, with the others as contexts | `with_10_two_exits_that_fail_after_an_error`; the macro returns no context: `with_10_by_the_macro_the_first_error_is_returned` |
//! | `with_11` | an enter that fails: nothing runs, nothing is exited, no context | `with_11_an_enter_that_fails` |
//! | `with_12` | an exit that suppresses the error; the target is the manager | `with_12_suppressed_by_the_exit` |
//! | `with_13` | the exit does not suppress the error of the enter | `with_13_an_enter_that_fails_is_not_suppressed` |
//! | `asyncio_1` | enter, block and exit sleep on the runtime; an error raised in between is returned | `asyncio_1_sleeps_in_enter_block_and_exit` |
//! | `for_6` | loops inside blocks, with an `else`; no reference to either is kept. Without the warnings | `for_6_loops_in_blocks` |
//!
//! Not ported:
//!
//! | original, without `test_` | reason |
//! |---|---|
//! | `with_2`, `with_3`, `with_4` | types that the compiler rejects: without an exit, without an enter, without both; for the last, see `tests/ui/context/no_manager.rs` |
//! | `with_6` | the same: an enter that cannot be awaited |

mod beside;
mod beside_budget;
mod beside_order;
mod block_value;
mod boxed_errors;
mod by_hand;
mod cancel;
mod choices;
mod coroutines;
mod cpython;
mod double_panics;
mod errors;
mod flow;
mod forms;
mod forwarded;
mod interrupt;
mod local;
mod locks;
mod managers;
mod names;
mod nesting;
mod on_exit;
mod runtimes;
mod shadowed;
mod spans;
mod spawned;
mod stack;
mod table;
mod two_panics;
