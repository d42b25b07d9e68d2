//! Panics of programs, told as lines of their traces.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static IS_PROGRAM: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs it; what it panics with is told with its place, and not printed.
pub(super) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| if IS_PROGRAM.get() { LAST.set(told(panic)) } else { before(panic) }));
    });
    IS_PROGRAM.set(true);
    let ran = catch_unwind(AssertUnwindSafe(run));
    IS_PROGRAM.set(false);
    ran.map_err(|_| LAST.take())
}

fn told(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
    format!("panicked: {}{place}", text.unwrap_or("not in words"))
}

#[test]
fn a_panic_is_told_with_its_place() {
    assert_eq!(caught(|| 1), Ok(1));
    let told = caught(|| panic!("{} is wrong", "something")).unwrap_err();
    assert!(told.starts_with("panicked: something is wrong at ") && told.contains("panics.rs:"), "{told}");
}
