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
//! | `cm_trap_no_yield` | "didn't yield" | `cm_trap_no_yield` |
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

#[path = "../support/every_await.rs"]
mod every_await;
#[path = "../support/ledger.rs"]
mod ledger;

mod cancel;
mod cpython;
mod errors;
mod flow;
mod interrupt;
mod locks;
mod places;
mod stack;
mod table;
