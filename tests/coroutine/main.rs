//! `withal::coroutine`: one test per guarantee. The tests about soundness do no I/O, so that Miri can run them.
//!
//! # `test_coroutines.py` of `CPython` 3.13, test by test
//!
//! | test, without `test_` | tested behavior | here |
//! |---|---|---|
//! | `func_1`, `func_8`, `coro_wrapper_send_tuple` | a body without a yield returns its value in one step | `func_1_one_step_to_the_value` |
//! | `func_2` | PEP 479: `StopIteration` raised in the body does not end it | `func_2_the_end_of_an_inner_body_does_not_end_the_outer` |
//! | `func_3` | `repr` of a coroutine | `func_3_debug_requires_no_bounds` |
//! | `func_5`, `func_6`, `tp_await_1`, `tp_await_2` | `send` returns the yielded values in order | `func_6_values_are_yielded_in_order` |
//! | `func_9`, `fatal_coro_warning` | never awaited | `#[must_use]`; `tests/ui/coroutine/unused.rs` |
//! | `func_10` | `send` reaches the yield; `close` and `throw` run `finally` once | `func_10_send_throw_close_reach_the_yield` |
//! | `func_12` | a coroutine that steps itself: already executing | `func_12_a_body_cannot_step_itself`, `func_12_send_during_a_step` |
//! | `func_13` | a value sent to a coroutine that has not started | `func_13_the_first_send_carries_no_value`, `func_13_started_without_a_default` |
//! | `func_14` | ignored `GeneratorExit` | `func_14_ignored_exit` |
//! | `func_15` | awaited again after completion | `func_15_awaited_again_after_completion` |
//! | `func_16` | the same, after a throw into the chain | `func_16_awaited_again_after_a_throw` |
//! | `func_17`, `func_18` | `send` and `throw` after completion; `close` is idempotent | `func_17_steps_after_completion` |
//! | `func_19` | catching the exit and returning is a clean close | `func_19_caught_exit` |
//! | `coro_wrapper_send_stop_iterator` | an exception that is returned is a value | `send_stop_iterator_a_returned_error_is_a_value` |
//! | `cr_await` | the four states | `cr_await_states` |
//! | `await_3`, `await_6`, `await_7` | an awaitable yields several values through its awaiter, then returns | `await_3_a_helper_yields` |
//! | `await_4`, `await_9`, `await_10`, `await_11` | awaits are expressions | `await_9_awaits_are_expressions` |
//! | `await_14` | `send` and `throw` pass down a chain of awaits, and errors pass up | `await_14_through_a_chain` |
//! | `stack_in_coroutine_throw` | a throw is caught at the bottom of a chain, which yields again | `throw_is_caught_at_the_bottom` |
//! | `cr_frame_after_close` | the body is dropped by close | `cr_frame_after_close_the_body_is_dropped` |
//!
//! Tests without an equivalent here:
//!
//! | test, without `test_` | reason |
//! |---|---|
//! | `badsyntax_1` to `4`, `oneline_defs`, `gen_1` | Python's grammar |
//! | `func_4`, `func_7`, `await_1`, `await_2`, `await_5`, `await_8`, `await_12`, `await_13`, `tp_await_3` | type errors at compile time: not iterable, not awaitable |
//! | `await_15` | "is being awaited already": two awaiters need two `&mut` borrows, a compile error |
//! | `await_16` | `__context__` of an exception; errors here have a `source`, which is set explicitly |
//! | `func_11`, `corotype_1` | `dir()`, docstrings, type names |
//! | `copy`, `pickle` | a coroutine implements neither `Clone` nor serialization |
//! | `bpo_45813_1`, `bpo_45813_2` | interpreter frames |
//! | `origin_tracking`, `origin_tracking_warning`, `unawaited_warning_*` | run-time warnings; here, a lint |
//! | `with_1` to `with_13`, `asyncio_1` | `async with`: in `tests/context/main.rs` |
//! | `for_1` to `for_11`, `for_tuple`, `for_stop_iteration`, `for_assign_*`, `comp_1` to `comp_10`, `nested_comp` | `async for` and comprehensions: in `tests/generator/main.rs` |

mod completion;
mod concurrent;
mod cpython;
mod faults;
mod model;
mod pending;
mod run_all;
mod shapes;
