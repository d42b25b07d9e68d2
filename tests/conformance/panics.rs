//! Panics of programs, as lines of their traces.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static IS_PROGRAM: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Calls `run`. A panic is returned as text with its location, and not printed.
pub(super) fn catch_panic<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(
            move |panic| if IS_PROGRAM.get() { LAST.set(describe(panic)) } else { previous(panic) },
        ));
    });
    IS_PROGRAM.set(true);
    let ran = catch_unwind(AssertUnwindSafe(run));
    IS_PROGRAM.set(false);
    ran.map_err(|_| LAST.take())
}

fn describe(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let location = panic.location().map_or_else(String::new, |location| format!(" at {location}"));
    format!("panicked: {}{location}", text.unwrap_or("a payload that is not text"))
}

#[test]
fn a_panic_is_reported_with_its_location() {
    assert_eq!(catch_panic(|| 1), Ok(1));
    let text = catch_panic(|| panic!("{} is wrong", "something")).unwrap_err();
    assert!(text.starts_with("panicked: something is wrong at ") && text.contains("panics.rs:"), "{text}");
}
