//! Tests of the guarantees of `withal::generator`. The tests of soundness do no I/O, so that Miri can run them.
//!
//! # `test_asyncgen.py` of `CPython` 3.13, test by test
//!
//! `CPython`'s tests drive the awaitables by hand. Their counterparts here:
//!
//! | Python | here |
//! |---|---|
//! | an awaitable, `aw.send(None)` | a future, a poll of it |
//! | `aw.throw(error)`, `aw.close()`, where it is suspended | the future is dropped, which leaves the step in progress; then `athrow(error)` or `aclose()` raises at the `interruptible` that the body awaits |
//! | `aw.throw(error)`, where it was never awaited | the future is dropped, which does nothing; then `athrow(error)` |
//! | two awaitables of one generator | two operations of a [`ManagedGenerator`](withal::generator::ManagedGenerator); of a pinned generator, they are a borrow error |
//! | an awaitable that cannot be reused | moved into `.await`; polling it again panics |
//! | `await anext(g, default)` | [`anext_or`](withal::desugar::anext_or), or `unwrap_or(default)` of the result of an operation |
//! | `aiter(g)` | [`aiter`](withal::desugar::aiter); a `Stream` is returned as it is |
//! | `StopAsyncIteration` out of an operation | `None` |
//! | `try` .. `finally` in a body | the cleanup, and then a return of the result |
//! | the loop's exception handler | [`cleanup::observe`](withal::cleanup::observe) |
//! | `asyncio.run`'s end | [`shutdown_asyncgens`](withal::generator::shutdown_asyncgens), and the drop of the runtime |
//!
//! The tests are in `cpython`. `~` stands for `async_gen_asyncio_`, `^` for `async_gen_`.
//!
//! | test, without `test_` | asserts | here |
//! |---|---|---|
//! | `^iteration_01` | items come in order, across awaits; plain iteration sends `None` | `iteration_01_in_order_across_awaits` |
//! | `^iteration_02` | suspended at the await, then the item; at the end `None`, which has no value | `iteration_02_suspended_at_the_await` |
//! | `^exception_03` | an error of an inner await propagates out of the body and the iteration | `exception_03_an_inner_await_fails` |
//! | `^exception_04` | an error after a yield is returned by the next `anext` | `exception_04_returned_by_the_next_anext` |
//! | `^exception_05` | PEP 479: the end of another generator, as an error, does not end the outer one | `exception_05_the_end_of_an_inner_generator` |
//! | `^exception_06` | PEP 479: nor does that of a coroutine | `exception_06_the_end_of_a_coroutine` |
//! | `^exception_07` | yields in `finally` while an error is pending, as in a plain generator | `exception_07_yields_in_finally_while_an_error_is_pending` |
//! | `^exception_08` | an error in `finally`, as in a plain generator | `exception_08_an_error_in_finally` |
//! | `^exception_09` | awaits in `finally` while an error is pending, as in a plain generator | `exception_09_awaits_in_finally_while_an_error_is_pending` |
//! | `^exception_10` | a value sent to a generator that has not started | `exception_10_a_value_sent_before_the_start` |
//! | `^exception_11` | a `GeneratorExit` thrown into an inner generator is returned | `exception_11_an_exit_thrown_in_is_returned` |
//! | `^exception_12` | `anext` of itself: already running, then not reusable; without the warning | `exception_12_anext_of_its_own_generator` |
//! | `^asend_throw_concurrent_with_send` | a throw beside a suspended `asend`, where an `asend` was made: already running, then not reusable | `asend_throw_concurrent_with_send_is_refused` |
//! | `^athrow_throw_concurrent_with_send` | the same, where an `athrow` was made | `athrow_throw_concurrent_with_send_is_refused` |
//! | `^asend_throw_concurrent_with_throw` | a throw beside a suspended `athrow`, where an `asend` was made | `asend_throw_concurrent_with_throw_is_refused` |
//! | `^athrow_throw_concurrent_with_throw` | the same, where an `athrow` was made | `athrow_throw_concurrent_with_throw_is_refused` |
//! | `^asend_close_runtime_error` | `close` of a suspended `asend` raises the exit, which is ignored: in Python by an await, since `close` cannot await; here by a yield | `asend_close_runtime_error_exit_ignored` |
//! | `^athrow_close_runtime_error` | the same of a suspended `athrow` | `athrow_close_runtime_error_exit_ignored` |
//! | `async_generator_anext` | a default at the end, and only there | `async_generator_anext_with_a_default` |
//! | `python_async_iterator_anext` | the same for a hand-written stream, and for a generator over it | `python_async_iterator_anext_with_a_default` |
//! | `^aiter` | a generator is its own iterator | `aiter_is_a_generator_itself` |
//! | `^aiter_class` | a type whose method returns a generator | `aiter_class_gives_a_generator` |
//! | `anext_await_raises` | an error of the iterator propagates, with a default and without | `anext_await_raises_with_and_without_a_default` |
//! | `anext_iter` | `send`, `throw` and `close` through `anext` with a default: six parts | the six tests of `anext_iter` |
//! | `~01` | sleeps between yields; an early return ends it | `asyncio_01_sleeps_and_an_early_return` |
//! | `~02` | an error between yields ends the iteration | `asyncio_02_an_error_between_yields` |
//! | `~03` | a method that returns a generator | `asyncio_03_a_method_that_gives_a_generator` |
//! | `~anext_04` | a throw in place of an `anext` is raised at the yield; the end is reported again and again | `asyncio_anext_04_thrown_into_at_a_yield` |
//! | `~anext_06` | a body that catches everything around its yield returns | `asyncio_anext_06_the_body_returns` |
//! | `~anext_tuple` | a yielded tuple is plain data | `asyncio_anext_tuple_is_plain_data` |
//! | `~anext_stopiteration` | so is a yielded `StopIteration` or `StopAsyncIteration` | `asyncio_anext_stopiteration_is_plain_data` |
//! | `~aclose_06` | a yield in `finally` ignores the exit | `asyncio_aclose_06_a_yield_in_finally` |
//! | `~aclose_07` | `aclose` awaits `finally`; code after it does not run | `asyncio_aclose_07_awaits_in_finally_and_no_more` |
//! | `~aclose_08` | the same before an await that never ends | `asyncio_aclose_08_before_an_await_that_never_ends` |
//! | `~gc_aclose_09` | an unfinished generator is closed by the hook when it is dropped, not by garbage collection | `asyncio_gc_aclose_09_dropped_it_is_closed` |
//! | `~aclose_10` | suppressing the exit and returning is a clean close | `asyncio_aclose_10_suppressed_and_a_return` |
//! | `~aclose_11` | suppressing it and yielding is not | `asyncio_aclose_11_suppressed_and_a_yield` |
//! | `~aclose_12` | `finally` awaits a task that fails, and catches the error | `asyncio_aclose_12_a_task_that_fails_in_finally` |
//! | `~asend_01` | the sent value is delivered at the yield; `finally` runs at the end | `asyncio_asend_01_delivered_at_the_yield` |
//! | `~asend_02` | an error of an awaited future propagates through `finally` to `asend` | `asyncio_asend_02_an_error_through_finally` |
//! | `~asend_03` | so does the cancellation of an awaited task | `asyncio_asend_03_a_cancellation_through_finally` |
//! | `~athrow_01` | the body catches a thrown error and yields again | `asyncio_athrow_01_caught_it_yields_again` |
//! | `~athrow_02` | a cancellation while the thrown error is handled | `asyncio_athrow_02_cancelled_while_handling` |
//! | `~athrow_03` | the body suppresses a thrown error and returns | `asyncio_athrow_03_suppressed_and_a_return` |
//! | `~athrow_tuple` | a tuple yielded after a throw is plain data | `asyncio_athrow_tuple_is_plain_data` |
//! | `~athrow_stopiteration` | so is a yielded `StopIteration` | `asyncio_athrow_stopiteration_is_plain_data` |
//! | `~shutdown_01` | generators of cancelled tasks are closed | `asyncio_shutdown_01_abandoned_by_cancelled_tasks` |
//! | `~shutdown_02` | the shutdown of a half-iterated generator reports nothing | `asyncio_shutdown_02_reports_nothing` |
//! | `~shutdown_exception_01` | an error of a close at the shutdown is reported | `asyncio_shutdown_exception_01_reported` |
//! | `~shutdown_exception_02` | so is an error of a close that the hook detached | `asyncio_shutdown_exception_02_of_a_dropped_generator_reported` |
//! | `asyncgen_nonstarted_hooks_are_cancellable` | an abandoned generator reports nothing, even if its close is cancelled before it started | `nonstarted_hooks_are_cancellable_and_report_nothing` |
//! | `^await_same_anext_coro_twice` | a completed `anext` cannot be awaited again | `await_same_anext_coro_twice_is_refused` |
//! | `^await_same_aclose_coro_twice` | a completed `aclose` cannot be awaited again | `await_same_aclose_coro_twice_is_refused` |
//! | `^throw_same_aclose_coro_twice` | the exit, thrown in place of an `aclose`, ends the generator; then the operation cannot be awaited again | `throw_same_aclose_coro_twice_is_refused` |
//! | `^throw_custom_same_aclose_coro_twice` | the same for an error | `throw_custom_same_aclose_coro_twice_is_refused` |
//! | `^throw_custom_same_athrow_coro_twice` | the same in place of an `athrow` | `throw_custom_same_athrow_coro_twice_is_refused` |
//! | `^aclose_twice_with_different_coros` | `aclose` is idempotent | `aclose_twice_with_different_coros_closes_once` |
//! | `^aclose_after_exhaustion` | `aclose` after the end does nothing | `aclose_after_exhaustion_does_nothing` |
//! | `aclose_throw` | an error thrown in place of an `aclose` is returned | `aclose_throw_is_returned` |
//! | `asend_send_already_running` | an `asend` beside a suspended one: already running | `asend_send_already_running_is_refused` |
//! | `athrow_send_already_running` | an `athrow` beside a suspended one: already running | `athrow_send_already_running_is_refused` |
//!
//! Tests without a counterpart:
//!
//! | test, without `test_` | reason |
//! |---|---|
//! | `^syntax_01`, `^syntax_02` | `yield from` is a syntax error in Python's async generators; here it is `Yielder::yield_from` |
//! | `^syntax_03`, `^syntax_04`, `^syntax_05` | returning a value is a syntax error in Python; here it is a type error, since a body ends with `Ok(())` |
//! | `^3_arg_deprecation_warning` | a deprecated way to call `athrow` |
//! | `^api_01` | names and frames of the interpreter; `state` returns whether the generator is running |
//! | `python_async_iterator_types_coroutine_anext` | a decorator that makes a plain generator awaitable |
//! | `aiter_idempotent` | object identity; a stream is passed on by value or by reference |
//! | `anext_bad_args`, `anext_bad_await`, `anext_return_iterator`, `anext_return_generator`, `aiter_bad_args` | type errors in Rust: not a stream, not a future, too many arguments |
//! | `~anext_05` | a value sent into an `anext` that was created without one; a poll has no value |
//! | `^expression_01`, `^expression_02` | generator expressions are Python's grammar; `iteration` tests their results |
//! | `^aclose_compatible_with_get_stack` | frames of the interpreter |
//! | `asend`, `athrow`, `aclose` | run-time warnings about operations that were never awaited; here a lint: they are `#[must_use]` |
//!
//! # `async for` and comprehensions of `test_coroutines.py`
//!
//! A loop is [`async_for!`](withal::async_for), a comprehension is a collected stream. The tests are in `iteration`.
//!
//! | test, without `test_` | asserts | here |
//! |---|---|---|
//! | `for_1` | a future that is awaited between the items yields through the loop; `break`, `continue`, `else` | `for_1_yields_through_the_loop` |
//! | `for_7`, `for_8` | the expression of the stream fails, and the loop does not start; the second test is about warnings too | `for_7_the_expression_of_the_stream_fails` |
//! | `for_tuple` | a stream that is an iterator too | `for_tuple_an_iterator_that_is_a_stream` |
//! | `for_stop_iteration` | a stream that is an error too | `for_stop_iteration_a_stream_that_is_the_error` |
//! | `for_assign_raising_stop_async_iteration` | an assignment that fails with an error that looks like the end does not end the loop | `for_assign_raising_stop_async_iteration_does_not_end_the_loop` |
//! | `for_assign_raising_stop_async_iteration_2` | the same for a destructuring | `for_assign_raising_stop_async_iteration_2_does_not_end_the_loop` |
//! | `comp_1` | over awaited values: list, set, dict | `comp_1_over_awaited_values` |
//! | `comp_2` | over the items of awaited iterables | `comp_2_over_awaited_iterables` |
//! | `comp_3` | over a generator: list, set, dict, generator | `comp_3_over_a_generator` |
//! | `comp_4` | the same with a condition | `comp_4_with_a_condition` |
//! | `comp_4_2` | the same with a two-sided condition | `comp_4_2_with_a_condition_of_two_sides` |
//! | `comp_5` | a generator for each item of a list | `comp_5_a_generator_for_each_item_of_a_list` |
//! | `comp_6` | lists from a generator | `comp_6_lists_from_a_generator` |
//! | `comp_7` | an error of the generator propagates | `comp_7_an_error_of_the_generator` |
//! | `comp_8` | a comprehension that awaits nothing, inside a coroutine | `comp_8_without_any_await` |
//! | `comp_9` | a comprehension that awaits nothing, over one that awaits | `comp_9_over_one_that_awaits` |
//! | `comp_10` | a comprehension that awaits nothing, over another one | `comp_10_over_another_without_any_await` |
//! | `nested_comp` | each kind in each | `nested_comp_each_in_each` |
//!
//! Tests without a counterpart:
//!
//! | test, without `test_` | reason |
//! |---|---|
//! | `for_2`, `for_3`, `for_4`, `for_11` | type errors in Rust: not a stream, and not a future |
//! | `for_6` | loops inside `async with`: see `tests/context/main.rs` |

mod completion;
mod concurrent;
mod cpython;
mod delegation;
mod faults;
mod iteration;
mod managed;
mod model;
mod operations;
mod signatures;
mod stream;
mod try_generator_any;
