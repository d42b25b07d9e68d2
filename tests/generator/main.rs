//! `withal::generator`, promise by promise. None of it does I/O where it is about soundness, so that Miri can run it.
//!
//! # `test_asyncgen.py` of `CPython` 3.13, test by test
//!
//! Python's awaitables are driven by hand there. Here:
//!
//! | Python | here |
//! |---|---|
//! | an awaitable, `aw.send(None)` | a future, its poll |
//! | `aw.throw(error)`, `aw.close()`, where it is suspended | it is dropped, which leaves the step under way; then `athrow(error)`, `aclose()`, which raise at the `wait` that the body is in |
//! | `aw.throw(error)`, where it was never awaited | it is dropped, which does nothing; then `athrow(error)` |
//! | one awaitable beside another, of one generator | two operations of a [`ManagedGenerator`](withal::generator::ManagedGenerator); of a pinned generator they are a borrow error |
//! | an awaitable that is spent | moved into `.await`; one that is polled again panics |
//! | `await anext(g, default)` | [`anext_or`](withal::desugar::anext_or), or `unwrap_or(default)` of what an operation comes to |
//! | `aiter(g)` | [`aiter`](withal::desugar::aiter); any `Stream` is its own |
//! | `StopAsyncIteration` out of an operation | `None` |
//! | `try` .. `finally` in a body | its outcome, which is returned after what is to be done in any case |
//! | the loop's exception handler | [`cleanup::observe`](withal::cleanup::observe) |
//! | `asyncio.run`'s end | [`shutdown_asyncgens`](withal::generator::shutdown_asyncgens), and the drop of the runtime |
//!
//! The tests are in `cpython`. `~` stands for `async_gen_asyncio_`, `^` for `async_gen_`.
//!
//! | `test_` dropped | pins | here |
//! |---|---|---|
//! | `^iteration_01` | items come in order, across awaits; a plain iteration answers with nothing | `iteration_01_in_order_across_awaits` |
//! | `^iteration_02` | suspended at the await, then the item; at the end `None`, which carries nothing | `iteration_02_suspended_at_the_await` |
//! | `^exception_03` | an error out of an inner await leaves the body and the iteration | `exception_03_out_of_an_inner_await_and_the_iteration` |
//! | `^exception_04` | an error after a yield comes out of the next `anext` | `exception_04_out_of_the_next_anext` |
//! | `^exception_05` | PEP 479: the end of another generator, made an error, is no end | `exception_05_the_end_of_another_is_no_end` |
//! | `^exception_06` | PEP 479: nor is that of a coroutine | `exception_06_nor_is_that_of_a_coroutine` |
//! | `^exception_07` | yields in `finally` while an error is pending, as in a plain generator | `exception_07_yields_in_finally_while_an_error_is_pending` |
//! | `^exception_08` | an error in `finally`, as in a plain generator | `exception_08_an_error_in_finally` |
//! | `^exception_09` | awaits in `finally` while an error is pending, as in a plain generator | `exception_09_awaits_in_finally_while_an_error_is_pending` |
//! | `^exception_10` | a value sent to what has not begun | `exception_10_the_first_send_has_no_yield` |
//! | `^exception_11` | a `GeneratorExit` that is thrown into an inner generator comes back | `exception_11_an_exit_thrown_in_comes_back` |
//! | `^exception_12` | `anext` of itself: already running, then spent; without its warning | `exception_12_no_body_can_step_itself` |
//! | `^asend_throw_concurrent_with_send` | a throw beside a suspended `asend`, where an `asend` was made: already running, then spent | `asend_throw_concurrent_with_send_is_refused` |
//! | `^athrow_throw_concurrent_with_send` | the same, where an `athrow` was made | `athrow_throw_concurrent_with_send_is_refused` |
//! | `^asend_throw_concurrent_with_throw` | a throw beside a suspended `athrow`, where an `asend` was made | `asend_throw_concurrent_with_throw_is_refused` |
//! | `^athrow_throw_concurrent_with_throw` | the same, where an `athrow` was made | `athrow_throw_concurrent_with_throw_is_refused` |
//! | `^asend_close_runtime_error` | `close` of a suspended `asend` raises the exit; ignored. Python's cannot await, so there an await ignores it; here a yield does | `asend_close_runtime_error_exit_ignored` |
//! | `^athrow_close_runtime_error` | the same of a suspended `athrow` | `athrow_close_runtime_error_exit_ignored` |
//! | `async_generator_anext` | a default at the end, and for nothing else | `async_generator_anext_with_a_default` |
//! | `python_async_iterator_anext` | the same of a stream that is written by hand, and of a generator over it | `python_async_iterator_anext_with_a_default` |
//! | `^aiter` | a generator is what is iterated | `aiter_is_a_generator_itself` |
//! | `^aiter_class` | a type whose method gives a generator | `aiter_class_gives_a_generator` |
//! | `anext_await_raises` | an error of the iterator passes, with a default and without | `anext_await_raises_with_and_without_a_default` |
//! | `anext_iter` | `send`, `throw` and `close` through `anext` with a default: its six parts | the six of `anext_iter` |
//! | `~01` | sleeps between yields; an early return ends it | `asyncio_01_sleeps_and_an_early_return` |
//! | `~02` | an error between yields ends the iteration | `asyncio_02_an_error_between_yields` |
//! | `~03` | a method that gives a generator | `asyncio_03_a_method_that_gives_a_generator` |
//! | `~anext_04` | a throw in the place of an `anext` is raised at the yield; the end is told ever after | `asyncio_anext_04_thrown_into_at_a_yield` |
//! | `~anext_06` | a body that catches all around its yield falls off the end | `asyncio_anext_06_off_the_end` |
//! | `~anext_tuple` | a tuple that is yielded is data | `asyncio_anext_tuple_is_plain_data` |
//! | `~anext_stopiteration` | so is what ends a coroutine, or a generator | `asyncio_anext_stopiteration_is_plain_data` |
//! | `~aclose_06` | a yield in `finally` ignores the exit | `asyncio_aclose_06_a_yield_in_finally` |
//! | `~aclose_07` | `aclose` awaits what is in `finally`; what is after it does not run | `asyncio_aclose_07_awaits_in_finally_and_no_more` |
//! | `~aclose_08` | the same before an await that never ends | `asyncio_aclose_08_before_an_await_that_never_ends` |
//! | `~gc_aclose_09` | dropped unfinished, it is closed by the hook; a drop, and no collection | `asyncio_gc_aclose_09_dropped_it_is_closed` |
//! | `~aclose_10` | swallowing the exit and returning is a clean close | `asyncio_aclose_10_swallowed_off_the_end` |
//! | `~aclose_11` | swallowing it and yielding is not | `asyncio_aclose_11_swallowed_and_a_yield` |
//! | `~aclose_12` | `finally` awaits a task that fails, and catches that | `asyncio_aclose_12_a_task_that_fails_in_finally` |
//! | `~asend_01` | what is sent arrives at the yield; `finally` runs at the end | `asyncio_asend_01_delivered_at_the_yield` |
//! | `~asend_02` | an error of what is awaited goes through `finally` to `asend` | `asyncio_asend_02_an_error_through_finally` |
//! | `~asend_03` | so does the cancellation of a task that is awaited | `asyncio_asend_03_a_cancellation_through_finally` |
//! | `~athrow_01` | a throw is caught, and the body yields again | `asyncio_athrow_01_caught_it_yields_again` |
//! | `~athrow_02` | a cancellation while the throw is handled | `asyncio_athrow_02_cancelled_while_it_handles` |
//! | `~athrow_03` | a throw is swallowed, and the body ends | `asyncio_athrow_03_swallowed_off_the_end` |
//! | `~athrow_tuple` | a tuple that is yielded after a throw is data | `asyncio_athrow_tuple_is_plain_data` |
//! | `~athrow_stopiteration` | so is what ends a coroutine | `asyncio_athrow_stopiteration_is_plain_data` |
//! | `~shutdown_01` | generators that tasks abandoned as they were cancelled are closed | `asyncio_shutdown_01_abandoned_by_cancelled_tasks` |
//! | `~shutdown_02` | the shutdown of one that is half iterated reports nothing | `asyncio_shutdown_02_reports_nothing` |
//! | `~shutdown_exception_01` | an error of a close at the shutdown is reported | `asyncio_shutdown_exception_01_reported` |
//! | `~shutdown_exception_02` | so is that of a close which the hook detached | `asyncio_shutdown_exception_02_of_one_that_was_dropped_reported` |
//! | `asyncgen_nonstarted_hooks_are_cancellable` | one that is abandoned reports nothing, be its close cancelled before it began | `nonstarted_hooks_are_cancellable_and_report_nothing` |
//! | `^await_same_anext_coro_twice` | an `anext` that is done is spent | `await_same_anext_coro_twice_is_refused` |
//! | `^await_same_aclose_coro_twice` | an `aclose` that is done is spent | `await_same_aclose_coro_twice_is_refused` |
//! | `^throw_same_aclose_coro_twice` | the exit, thrown in the place of an `aclose`, ends it; then it is spent | `throw_same_aclose_coro_twice_is_refused` |
//! | `^throw_custom_same_aclose_coro_twice` | the same of an error | `throw_custom_same_aclose_coro_twice_is_refused` |
//! | `^throw_custom_same_athrow_coro_twice` | the same in the place of an `athrow` | `throw_custom_same_athrow_coro_twice_is_refused` |
//! | `^aclose_twice_with_different_coros` | `aclose` is idempotent | `aclose_twice_with_different_coros_is_once` |
//! | `^aclose_after_exhaustion` | `aclose` after the end does nothing | `aclose_after_exhaustion_does_nothing` |
//! | `aclose_throw` | an error thrown in the place of an `aclose` comes out | `aclose_throw_comes_back` |
//! | `asend_send_already_running` | an `asend` beside one that is suspended: already running | `asend_send_already_running_is_refused` |
//! | `athrow_send_already_running` | an `athrow` beside one: already running | `athrow_send_already_running_is_refused` |
//!
//! Not here, and why:
//!
//! | `test_` dropped | reason |
//! |---|---|
//! | `^syntax_01`, `^syntax_02` | `yield from` is a syntax error in Python's async generators; here it is `Yielder::yield_from` |
//! | `^syntax_03`, `^syntax_04`, `^syntax_05` | a value that is returned is a syntax error; here a type error, for a body ends with `Ok(())` |
//! | `^3_arg_deprecation_warning` | a deprecated way to call `athrow` |
//! | `^api_01` | names and frames of the interpreter; whether it runs is `state` |
//! | `python_async_iterator_types_coroutine_anext` | a decorator that makes a plain generator awaitable |
//! | `aiter_idempotent` | the identity of objects; what is a stream is passed on by value, or by reference |
//! | `anext_bad_args`, `anext_bad_await`, `anext_return_iterator`, `anext_return_generator`, `aiter_bad_args` | types that the compiler refuses: no stream, no future, too many arguments |
//! | `~anext_05` | a value sent into an `anext` that was made without one: a poll carries none |
//! | `^expression_01`, `^expression_02` | generator expressions are Python's grammar; what they come to is in `iteration` |
//! | `^aclose_compatible_with_get_stack` | frames of the interpreter |
//! | `asend`, `athrow`, `aclose` | warnings at run time that nobody awaited it; here a lint: they are `#[must_use]` |
//!
//! # `async for` and comprehensions of `test_coroutines.py`
//!
//! A loop is [`async_for!`](withal::async_for), a comprehension what a stream collects to. The tests are in `iteration`.
//!
//! | `test_` dropped | pins | here |
//! |---|---|---|
//! | `for_1` | what is awaited between the items yields through the loop; `break`, `continue`, `else` | `for_1_yields_through_the_loop` |
//! | `for_7`, `for_8` | what makes the stream fails: the loop does not begin; the second is about warnings besides | `for_7_what_makes_the_stream_fails` |
//! | `for_tuple` | a stream that can be iterated without awaiting, too | `for_tuple_an_iterator_that_is_a_stream` |
//! | `for_stop_iteration` | a stream that is an error, too | `for_stop_iteration_a_stream_that_is_the_error` |
//! | `for_assign_raising_stop_async_iteration` | an assignment that fails by what looks like an end: no end | `for_assign_raising_stop_async_iteration_is_no_end` |
//! | `for_assign_raising_stop_async_iteration_2` | the same of an item that cannot be taken apart | `for_assign_raising_stop_async_iteration_2_is_no_end` |
//! | `comp_1` | of what is awaited: list, set, dict | `comp_1_of_what_is_awaited` |
//! | `comp_2` | of what awaited iterables hold | `comp_2_of_what_awaited_iterables_hold` |
//! | `comp_3` | of a generator: list, set, dict, generator | `comp_3_of_a_generator` |
//! | `comp_4` | the same with a condition | `comp_4_with_a_condition` |
//! | `comp_4_2` | the same with a condition of two sides | `comp_4_2_with_a_condition_of_two_sides` |
//! | `comp_5` | a generator for each of a list | `comp_5_a_generator_for_each_of_a_list` |
//! | `comp_6` | lists out of a generator | `comp_6_lists_out_of_a_generator` |
//! | `comp_7` | an error of the generator passes | `comp_7_an_error_of_the_generator` |
//! | `comp_8` | one that awaits nothing, inside a coroutine | `comp_8_without_any_await` |
//! | `comp_9` | one that awaits nothing, of one that does | `comp_9_and_then_without_any_await` |
//! | `comp_10` | one that awaits nothing, of another | `comp_10_out_of_another_without_any_await` |
//! | `nested_comp` | each kind in each | `nested_comp_each_in_each` |
//!
//! Not here, and why:
//!
//! | `test_` dropped | reason |
//! |---|---|
//! | `for_2`, `for_3`, `for_4`, `for_11` | types that the compiler refuses: no stream, and what it gives is no future |
//! | `for_6` | loops inside of `async with`: in `tests/context/main.rs` |

mod concurrent;
mod cpython;
mod delegation;
mod ends;
mod iteration;
mod managed;
mod model;
mod operations;
mod shapes;
mod stream;
