//! `withal::coroutine`, promise by promise. None of it does I/O where it is about soundness, so that Miri can run it.
//!
//! # `test_coroutines.py` of `CPython` 3.13, test by test
//!
//! | `test_` dropped | pins | here |
//! |---|---|---|
//! | `func_1`, `func_8`, `coro_wrapper_send_tuple` | a body without a yield runs to its value in one step | `func_1_one_step_to_the_value` |
//! | `func_2` | PEP 479: `StopIteration` raised in the body is no end | `func_2_an_end_inside_is_no_end_outside` |
//! | `func_3` | `repr` of a coroutine | `func_3_debug_needs_nothing_of_the_body` |
//! | `func_5`, `func_6`, `tp_await_1`, `tp_await_2` | yields come out of `send` in order | `func_6_yields_come_out_in_order` |
//! | `func_9`, `fatal_coro_warning` | never awaited | `#[must_use]`; `tests/ui/coroutine/unused.rs` |
//! | `func_10` | `send` reaches the yield; `close` and `throw` run `finally` once | `func_10_send_throw_close_reach_the_yield` |
//! | `func_12` | stepping itself: already executing | `func_12_no_body_can_step_itself`, `func_12_in_the_middle_of_a_step` |
//! | `func_13` | a value sent to a coroutine that has not begun | `func_13_the_first_send_has_no_yield`, `func_13_begun_without_a_default` |
//! | `func_14` | ignored `GeneratorExit` | `func_14_exit_ignored` |
//! | `func_15` | awaited again after its end | `func_15_awaited_again` |
//! | `func_16` | the same, after a throw into the chain | `func_16_awaited_again_after_a_throw` |
//! | `func_17`, `func_18` | `send` and `throw` after the end; `close` is idempotent | `func_17_after_the_end` |
//! | `func_19` | swallowing the exit and returning is a clean close | `func_19_exit_swallowed` |
//! | `coro_wrapper_send_stop_iterator` | an exception that is returned is a value | `send_stop_iterator_an_error_returned_is_a_value` |
//! | `cr_await` | the four states | `cr_await_states` |
//! | `await_3`, `await_6`, `await_7` | an awaitable yields several values through its awaiter, then returns | `await_3_yields_through_a_helper` |
//! | `await_4`, `await_9`, `await_10`, `await_11` | awaits are expressions | `await_9_awaits_are_expressions` |
//! | `await_14` | `send` and `throw` go down a chain of awaits, errors come up it | `await_14_down_and_up_a_chain` |
//! | `stack_in_coroutine_throw` | a throw is caught at the bottom of a chain, which yields again | `throw_is_caught_at_the_bottom` |
//! | `cr_frame_after_close` | nothing is left of the body after close | `cr_frame_after_close_the_body_is_gone` |
//!
//! Not here, and why:
//!
//! | `test_` dropped | reason |
//! |---|---|
//! | `badsyntax_1` to `4`, `oneline_defs`, `gen_1` | Python's grammar |
//! | `func_4`, `func_7`, `await_1`, `await_2`, `await_5`, `await_8`, `await_12`, `await_13`, `tp_await_3` | types that the compiler refuses: not iterable, not awaitable |
//! | `await_15` | "is being awaited already": two awaiters would take two `&mut` of it, a borrow error |
//! | `await_16` | `__context__` of an exception; errors here have a `source`, set by hand |
//! | `func_11`, `corotype_1` | `dir()`, docstrings, type names |
//! | `copy`, `pickle` | a coroutine is neither `Clone` nor serializable: nothing to test at run time |
//! | `bpo_45813_1`, `bpo_45813_2` | frames of the interpreter |
//! | `origin_tracking`, `origin_tracking_warning`, `unawaited_warning_*` | warnings at run time; here it is a lint |
//! | `with_1` to `with_13`, `asyncio_1` | `async with`: in `tests/context/main.rs` |
//! | `for_1` to `for_11`, `for_tuple`, `for_stop_iteration`, `for_assign_*`, `comp_1` to `comp_10`, `nested_comp` | `async for` and comprehensions: in `tests/generator/main.rs` |

mod concurrent;
mod cpython;
mod ends;
mod model;
mod rounds;
mod shapes;
mod waiting;
