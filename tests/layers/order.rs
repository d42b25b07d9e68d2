//! The direction of imports, from the bottom to the top.

/// The files of a section without its `mod.rs` files. Each may import the files before it, not those after it.
pub(crate) type Order = &'static [&'static str];

/// The files that all sections share. Each may import those before it, and none of the sections.
pub(crate) const SHARED: &[&str] = &["panic", "error_text", "box_error", "known_error", "as_error"];

/// Each section, the sections that it may import, and the order of its files.
pub(crate) const SECTIONS: &[(&str, &[&str], Order)] = &[
    (
        "cleanup",
        &[],
        &[
            "event name report observe metrics timer timeout span",
            "open_scopes tracked_cleanup child_cleanups tracking_scope with_children",
            "drain job local_future detach shutdown run_main",
            "graceful_shutdown/step_output graceful_shutdown/shutdown_report graceful_shutdown/signals",
            "graceful_shutdown/step_task graceful_shutdown/phases graceful_shutdown/shutdown_state graceful_shutdown/step_handle graceful_shutdown/shutdown_handle",
            "graceful_shutdown/phase graceful_shutdown/graceful_shutdown",
        ],
    ),
    (
        "coroutine",
        &["cleanup"],
        &[
            "error step stage throw",
            "raw_coroutine mailbox body_cell boxed_error",
            "yielder machine coroutine",
            "run_all",
        ],
    ),
    (
        "generator",
        &["cleanup", "coroutine"],
        &[
            "error generator_body async_generator operation ext",
            "yield_from",
            "pending_close weak_generator shutdown_asyncgens hooks managed_state managed",
        ],
    ),
    (
        "context",
        &["cleanup", "coroutine", "generator"],
        &[
            "exit_reason report error scope/scope_span scope/failure suppression",
            "scope/interrupt scope/function_poll scope/interrupts scope/traced scope/collector scope/enter scope/interrupt_when",
            "scope/state scope/block",
            "guard policy/drop_now policy/drop_after_children policy/detach policy/restart",
            "manager scope/scope local/guard local/drop_now local/detach local/manager local/scope",
            "expansion/manager_kind expansion/return_capture expansion/maybe_result expansion/value_kind expansion/block_exit expansion/merge_errors",
            "expansion/async_with",
            "send_async_fn with ext local/with",
            "managers/exit_kind managers/yield_once managers/suspended_function managers/asynccontextmanager",
            "managers/closing managers/locks managers/nullcontext managers/suppress",
            "managers/option managers/either_manager managers/on_exit managers/decorate",
            "stack/errors stack/stack_guard stack/stack_interrupts stack/entry stack/unwind stack/async_exit_stack",
        ],
    ),
    (
        "tasks",
        &["cleanup", "coroutine", "generator", "context"],
        &[
            "panic error instant timer",
            "unretrieved cancellation future_state abort_handle task_handle promise task",
            "as_completed wait gather shield",
            "timeout/error timeout/deadline timeout/timeout",
            "group/errors group/failures group/abort_state group/group_span group/members group/state group/child group/spawner group/task_group group/cancellable",
            "group/in_place_group group/in_place_children group/in_place_end group/in_place",
            "executor/error executor/threads executor/job_queue executor/shutdown executor/map",
            "executor/thread_pool_executor",
            "event_loop/error event_loop/callback_error event_loop/callbacks event_loop/ready_queue",
            "event_loop/loop_handle event_loop/tasks event_loop/inner event_loop/callback_handle event_loop/run",
            "event_loop/event_loop",
        ],
    ),
    ("desugar", &["cleanup", "coroutine", "generator", "context"], &["aiter anext async_for"]),
    (
        "pages",
        &[],
        &[
            "mask cursor fingerprint error page checkpoint policy event",
            "fetch/page_span fetch/source fetch/hooks fetch/decision fetch/request",
            "fetch/cycle_detector fetch/repeats fetch/next_page fetch/page_slot fetch/spawn",
            "fetch/sequential fetch/prefetch fetch/concurrent fetch/fetcher",
            "stream/position stream/pager stream/pages stream/batch stream/batches stream/tail stream/async_get_docs",
            "requests builder sources incremental",
            "nested/error nested/checkpoint nested/child nested/children nested/parents nested/nested",
            "http/excerpt http/timestamp http/retry_after http/total_header http/rate_limit http/secrets http/response_info",
            "http/describe http/error http/response_error",
            "http/url http/missing_items http/total_pages",
            "http/json_pointers http/json_slices http/json_array http/json_index http/json_outline http/json_edit http/words http/reported_names http/reported_error http/identity",
            "http/try_item http/next_in http/validators",
            "http/link http/links http/reference http/proposal http/usual_names http/known_cursors http/detect http/classify http/envelope_names http/envelope http/defaults",
            "http/extra http/tls http/token http/token_source http/origins http/auth http/quota http/additions http/endpoint",
            "http/locations http/other_origins http/secret_parameters http/credentials http/url_cursor http/request",
            "http/body http/response http/response_cursor http/response_items http/item_fingerprints http/response_page",
            "http/graphql_query http/send http/client http/conditional",
            "http/other_cursors http/known_flags http/by_response http/next_url http/link_object http/ends",
            "http/neighbors http/past_the_end http/extent",
            "http/paginators/by_link http/paginators/by_cursor http/paginators/by_last_item http/paginators/by_number",
            "http/paginators/by_relay_connection http/paginators/by_convention http/detected",
        ],
    ),
    (
        "fleet",
        &["cleanup", "coroutine", "generator", "context", "tasks", "pages"],
        &[
            "later excerpt fleet_progress engine shared_engine memory checkpoint_json store store_engine",
            "error into_pages backoff settings lease_clock renewal work lease claim report worker fleet",
            "sqlite/error sqlite/database sqlite/owner sqlite/schema sqlite/token sqlite/statements sqlite/sqlite_engine",
            "postgres/error postgres/sql postgres/session postgres/pool postgres/postgres_engine postgres/builder",
            "nats/error nats/subject nats/entry nats/token nats/nats_engine nats/history nats/work_queue nats/items nats/progress nats/builder",
        ],
    ),
    (
        "resources",
        &["cleanup", "coroutine", "generator", "context", "tasks"],
        &[
            "fs/error fs/blocking fs/destination fs/atomic_file fs/atomic_write fs/temp_dir fs/lock_file",
            "process/error process/output_pipe process/proc_scan process/watchdog",
            "process/system_child process/system_child_without_group",
            "process/child_process process/guard process/process",
            "sqlx/dialect sqlx/sqlx_database sqlx/isolation_level sqlx/exclusive_connection sqlx/late_errors",
            "sqlx/transaction_guard sqlx/begin sqlx/transaction sqlx/savepoint",
            "sqlx/advisory_lock_key sqlx/advisory_lock_error sqlx/advisory_lock_sql sqlx/advisory_lock sqlx/advisory_xact_lock",
            "sqlx/retry",
        ],
    ),
    (
        "testing",
        &["cleanup", "coroutine", "generator", "context", "tasks", "pages"],
        &["ledger scripted_server cancel_at_every_await"],
    ),
];
