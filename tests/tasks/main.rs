//! `withal::tasks`, promise by promise.
//!
//! # `CPython` 3.13, test by test
//!
//! | Python | here |
//! |---|---|
//! | `CancelledError` raised in a task, and what it does then | the task is dropped; what it does then is in a destructor or an exit |
//! | a task that fails as it is cancelled | an exit that is awaited, whose error is told to the observers |
//! | `time.sleep` in a job | a gate that the test opens |
//! | the exception itself | [`Error::Raised`](withal::tasks::Error::Raised) with it |
//!
//! `test_asyncio/test_taskgroups.py`, in `group`; `~` stands for `test_taskgroup_`:
//!
//! | test | pins | here |
//! |---|---|---|
//! | `~01` | waits for all, their results after it | `taskgroup_01_waits_for_all` |
//! | `~02` | awaits in the block between two tasks | `taskgroup_02_the_block_awaits_too` |
//! | `~03` | a task that is cancelled by its handle | `taskgroup_03_a_task_that_is_cancelled_is_no_failure` |
//! | `~04` | the first failure cancels a sibling | `taskgroup_04_the_first_failure_cancels_the_siblings` |
//! | `test_cancel_children_on_child_error` | and the block | `cancel_children_on_child_error` |
//! | `test_cancellation` | cancelled while it waits | `cancellation_from_outside_while_it_waits` |
//! | `~07`, `~17`, `~22` | cancelled in the block | `taskgroup_07_and_17_and_22_cancellation_from_outside_in_the_block` |
//! | `~08`, `~11`, `~12` | tasks that fail as they are cancelled, in groups of groups | `taskgroup_08_and_11_and_12_exits_of_children_are_awaited_when_it_is_cancelled` |
//! | `~09`, `~10` | the block fails | `taskgroup_09_and_10_the_blocks_error_cancels_and_is_its_own` |
//! | `~13` | a failure outside, while the group inside waits | `taskgroup_13_a_failure_outside_interrupts_a_group_inside` |
//! | `~14` | a failure inside | `taskgroup_14_a_failure_inside_is_an_error_of_the_block_outside` |
//! | `~15`, `~16` | the block awaits after it was cancelled, and a task fails then | n.a.: it cannot; an exit can, see `error_and_cancel` |
//! | `~18`, `~19`, `~20`, `~20a`, `~21`, `~21a` | the block raises something else when it is cancelled | n.a.: it cannot |
//! | `~23` | tasks leave when they are over | `taskgroup_23_tasks_leave_as_they_are_over` |
//! | `~24` | tasks make tasks | `taskgroup_24_tasks_make_tasks` |
//! | `~25` | the hydra | `taskgroup_25_the_hydra` |
//! | `~task_name`, `~task_context` | names, context variables | n.a.: tasks have neither |
//! | `~no_create_task_after_failure` | "is shutting down" | `no_create_task_after_failure` |
//! | `~context_manager_exit_raises` | an exit in the block fails as it is interrupted | `context_manager_exit_raises_beside_a_task` |
//! | `~already_entered`, `~double_enter` | entered twice | n.a.: entering moves it |
//! | `~finished`, `test_coro_closed_when_tg_closed` | "is finished"; the coroutine is closed | `no_create_task_after_failure`, `finished_the_work_is_dropped_when_it_is_refused` |
//! | `~not_entered` | a task before it is entered | differs: it may have some, `dropped_without_having_been_entered_it_cancels` |
//! | `~without_parent_task` | outside of a task | n.a.: there is no such place |
//! | `test_cancelling_level_preserved`, `test_nested_groups_both_cancelled` | `cancelling()` | n.a.: no such count |
//! | `test_error_and_cancel` | cancelled, while it waits for what it has cancelled | `error_and_cancel` |
//!
//! `test_asyncio/test_timeouts.py`, in `timeout`, under the same names:
//!
//! | test | here |
//! |---|---|
//! | `test_nested_timeouts` | `nested_timeouts_the_outer_is_first`, `.._the_inner_is_first`, `.._at_once` |
//! | `test_timeout_zero_sleep_zero`, `test_timeout_in_the_past_sleep_zero` | `timeout_zero_sleep_zero_and_in_the_past` |
//! | `test_timeout_disabled`, `test_timeout_at_disabled` | `timeout_disabled` |
//! | `test_nested_timeouts_concurrent`, `test_nested_timeouts_loop_busy` | `nested_timeouts_concurrent_and_loop_busy` |
//! | `test_reschedule` | `reschedule_from_outside` |
//! | `test_repr_active`, `_expired`, `_finished`, `_disabled` | `repr` |
//! | `test_timeout_already_entered`, `test_timeout_double_enter` | `already_entered_and_double_enter` |
//! | `test_timeout_finished`, `_expired`, `_not_entered` | `rescheduled_when_it_is_not_active` |
//! | `test_timeout_basic`, `_at_basic`, `_not_called`, `_zero`, `_taskgroup`, `test_waiter_cancelled`, `test_foreign_exception_passed`, `test_foreign_cancel_doesnt_timeout_if_not_expired`, `test_outer_task_is_not_cancelled` | the same |
//! | `test_timeout_exception_context`, `test_foreign_exception_on_timeout`, `_2`, `test_nested_timeout_in_finally`, `test_timeout_after_cancellation`, `test_cancel_in_timeout_after_cancellation`, `test_timeout_expiring` | n.a.: code that runs in the block after it was cancelled, and the chains of exceptions that come of it |
//! | `test_timeout_without_task` | n.a.: there is no such place |
//!
//! `test_concurrent_futures/`: `test_future.py` in `future`, `executor.py`, `test_thread_pool.py` and `test_shutdown.py` in
//! `executor`, `test_as_completed.py`, `test_wait.py`, under the same names, but for
//!
//! | test | here |
//! |---|---|
//! | `test_cancelled`, `test_done`, `test_running` | `cancelled_done_and_running` |
//! | `test_exception_with_timeout` | `result_with_timeout`: the error comes the same way |
//! | `test_multiple_set_result`, `test_multiple_set_exception` | n.a.: both take the promise; `a_result_after_the_cancel_comes_back` |
//! | `test_submit_keyword` | n.a.: work is a closure |
//! | `test_free_reference` of the executor, `test_shutdown_race_issue12456`, `test_hang_issue12364` | n.a.: results are moved out; there is no queue that fills up |
//! | `test_executor_map_current_future_cancel` | `map_current_future_cancel` |
//! | `test_duplicate_futures`, `test_20369` | n.a.: a future is given once |
//! | `test_pending_calls_race` | `cancels_race_with_ends`, `on_several_threads` |
//! | `test_interpreter_shutdown`, `test_submit_after_interpreter_shutdown`, `test_hang_gh83386`, `test_hang_gh94440`, `test_cancel_futures_wait_false`, `test_hang_global_shutdown_lock` | n.a.: the end of the interpreter, forks |
//! | `test_init.py`, `test_deadlock.py`, `test_process_pool.py` | n.a.: initializers, which PEP 3148 has not; processes |
//!
//! The event loop, after `test_base_events.py` and `test_events.py`, in `event_loop`:
//!
//! | test | here |
//! |---|---|
//! | `test_call_soon` | `call_soon_in_order` and those after it |
//! | `test_call_later`, `test__run_once`, `test__run_once_schedule_handle` | `call_later_in_the_order_of_times`, `call_at_with_ties_in_the_order_of_the_calls`, `what_is_due_comes_after_what_is_ready` |
//! | `test_time_and_call_at` | `call_at_with_ties_in_the_order_of_the_calls` |
//! | `test__add_callback_cancelled_handle`, `test__run_once_cancelled_event_cleanup` | `handles_cancel`, `a_handle_cancels_in_the_turn_in_which_it_is_due`, `a_cancelled_callback_is_dropped_at_once` |
//! | `test_run_forever_pre_stopped`, `test_single_selecter_event_callback_after_stopping` | `run_forever_pre_stopped`, `stop_finishes_the_round` |
//! | `test_run_until_complete`, `_stopped`, `_nesting`, `_baseexception` | the same, and `run_until_complete_raises_what_the_future_panics_with` |
//! | `test_run_until_complete_loop_orphan_future_close_loop`, `test_close` | `close` |
//! | `test_default_exc_handler_callback`, `test_set_exc_handler_custom`, `_broken` | `a_callback_that_raises_goes_to_the_handler_and_the_loop_goes_on`, `set_exc_handler_broken` |
//! | `test_default_exc_handler_coro` | `a_task_that_raises_is_asked_for_its_result` |
//! | `test_call_soon_threadsafe`, `_same_thread` | `call_soon_threadsafe_wakes_the_loop`, `call_soon_threadsafe_same_thread` |
//! | debug mode, task factories, default executors, transports, signals, servers | n.a.: tokio's, or of no use here |
#![expect(clippy::unit_arg, reason = "work that logs and is fine is one expression")]

#[path = "../support/every_await.rs"]
mod every_await;
#[path = "../support/ledger.rs"]
mod ledger;

mod any_error;
mod as_completed;
mod cancel;
mod event_loop;
mod executor;
mod future;
mod gather;
mod group;
mod sched;
mod support;
mod task;
mod timeout;
mod wait;

use self::support::{Bomb, Failed, Log, Noted};
