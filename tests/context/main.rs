//! Context managers: which exits run, when, and with what, whichever way a block is left.
//!
//! `CPython`'s `test_contextlib_async.py` (3.13), row by row; the tests are in `cpython.rs`:
//!
//! | `test_` dropped | what it pins | here |
//! |---|---|---|
//! | `enter` | the default `__aenter__` returns self | `enter` |
//! | `^propagates_generator_exit` | `aclose` of a generator inside of a block | `propagates_generator_exit` |
//! | `cm_plain` | enter, body, exit; the value of `as` | `cm_plain` |
//! | `cm_finally` | an error passes, and the exit runs | `cm_finally` |
//! | `cm_no_reraise` | `__aexit__` does not raise the error itself | `cm_no_reraise` |
//! | `cm_trap_yield_after_throw`, `cm_trap_second_yield` | "didn't stop" | does not compile; `cm_trap_yield_after_throw_and_second_yield` |
//! | `cm_trap_no_yield` | a panic | `cm_trap_no_yield` |
//! | `cm_non_normalised` | a type without a value | `cm_non_normalised` |
//! | `cm_except` | a caught error is suppressed | `cm_except` |
//! | `cm_except_stopiter` | the end of an iteration passes unchanged | `cm_except_stopiter` |
//! | `cm_wrap_runtimeerror` | what wraps an error stays what it is | `cm_wrap_runtimeerror` |
//! | `recursive`, `decorator`, `decorator_with_exception` | managers as function wrappers | the same names |
//! | `aclosing`, `aclosing_error`, `aclosing_bpo41229` | closed once, on errors too, scopes in generators | `aclosing_once`, the same names |
//! | `async_callback`, `async_push`, `enter_async_context` | exit stacks | the same names |
//! | `async_exit_exception_chaining`, `async_exit_exception_explicit_none_context` | what errors are raised under | the same names |
//! | `async_nullcontext` | does nothing | `async_nullcontext` |
//!
//! Not here, and why:
//!
//! | `test_` dropped | reason |
//! |---|---|
//! | `slots`, `exit_is_abstract`, `structural_subclassing`, `enter_async_context_errors`, `instance_bypass_async` | types that the compiler refuses |
//! | `cm_traceback` | frames of the interpreter |
//! | `cm_attribs`, `cm_doc_attrib`, `instance_docs`, `instance_docstring_given_cm_docstring`, `keywords`, `decorating_method` | docstrings, attributes, argument passing |
//!
//! # `async with` of `test_coroutines.py`
//!
//! The tests are in `coroutines.rs`; the macro is Python's statement, the function is there for Python's `__context__`.
//!
//! | `test_` dropped | what it pins | here |
//! |---|---|---|
//! | `with_1` | enter, block and exit yield through the coroutine, in order; one exit swallows, another does not | `with_1_enters_and_exits_yield_out_of_the_coroutine` |
//! | `with_5` | an assertion that fails in the block comes out; a panic here | `with_5_an_assertion_that_fails_in_the_block` |
//! | `with_7` | an exit that cannot be awaited, after an error: its error comes out, that of the block is the context. Here an exit that fails | `with_7_an_exit_that_fails_after_an_error` |
//! | `with_8` | the same at the end of the block, after `break`, `continue`, `return`: none of them happens | `with_8_an_exit_that_fails_after_any_way_out` |
//! | `with_9` | an exit that fails | `with_9_an_exit_that_fails` |
//! | `with_10` | two exits that fail after an error: the last comes out, under it the others | `with_10_two_exits_that_fail_after_an_error`; the macro has no place for a context: `with_10_by_the_macro_the_first_goes_on` |
//! | `with_11` | an enter that fails: nothing runs, nothing is exited, no context | `with_11_an_enter_that_fails` |
//! | `with_12` | an exit that swallows; what is entered is the manager | `with_12_swallowed_by_the_exit` |
//! | `with_13` | an enter that fails is not swallowed by the exit | `with_13_an_enter_that_fails_is_not_swallowed` |
//! | `asyncio_1` | enter, block and exit sleep on the runtime; what is raised in between comes out | `asyncio_1_sleeps_in_enter_block_and_exit` |
//! | `for_6` | loops inside of blocks, with an `else`; nothing is kept of either. Without its warnings | `for_6_loops_in_blocks` |
//!
//! Not here, and why:
//!
//! | `test_` dropped | reason |
//! |---|---|
//! | `with_2`, `with_3`, `with_4` | types that the compiler refuses: without an exit, without an enter, with neither; of the last `tests/ui/context/no_manager.rs` |
//! | `with_6` | the same: an enter that cannot be awaited |

mod cancel;
mod coroutines;
mod cpython;
mod errors;
mod flow;
mod inside;
mod interrupt;
mod locks;
mod places;
mod shadowed;
mod stack;
mod table;
