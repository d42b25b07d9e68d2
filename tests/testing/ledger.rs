use std::panic::{AssertUnwindSafe, catch_unwind};

use withal::testing::Ledger;

/// Returns the text of the panic of an assertion, or an empty text.
fn fault(assertion: impl FnOnce()) -> String {
    match catch_unwind(AssertUnwindSafe(assertion)) {
        Ok(()) => String::new(),
        Err(payload) => *payload.downcast::<String>().unwrap(),
    }
}

#[test]
fn entries_that_are_closed_innermost_first() {
    let ledger = Ledger::new();
    ledger.assert_innermost_first();
    let outer = ledger.open("outer");
    let inner = ledger.open(String::from("inner"));
    assert_eq!((outer.name(), inner.name()), ("outer", "inner"));
    assert_eq!(ledger.open_names(), ["outer", "inner"]);
    inner.close();
    let second = ledger.clone().open("inner");
    second.close();
    outer.close();
    ledger.assert_closed();
    ledger.assert_innermost_first();
    assert_eq!(ledger.to_string(), "+outer +inner -inner +inner -inner -outer");
    assert_eq!(format!("{ledger:?}"), "Ledger(+outer +inner -inner +inner -inner -outer)");
}

#[test]
fn faults() {
    let ledger = Ledger::new();
    let open = ledger.open("a");
    assert_eq!(fault(|| ledger.assert_closed()), "a was not closed: +a");
    drop(open);
    assert_eq!(fault(|| ledger.assert_closed()), "a was dropped and not closed: +a ~a");
    assert!(ledger.open_names().is_empty());
    ledger.clear();

    let (a, b, c) = (ledger.open("a"), ledger.open("b"), ledger.open("a"));
    a.close();
    c.close();
    b.close();
    ledger.assert_closed();
    assert_eq!(fault(|| ledger.assert_innermost_first()), "a was closed before b: +a +b +a -a -a -b");
}

#[test]
fn an_entry_can_be_closed_after_the_ledger_was_cleared() {
    let ledger = Ledger::new();
    let entry = ledger.open("a");
    ledger.clear();
    ledger.assert_closed();
    entry.close();
    ledger.assert_innermost_first();
    assert_eq!(ledger.to_string(), "-a");
}

/// The number of an entry does not start again, so that an old entry is not mistaken for a new one.
#[test]
fn entries_before_and_after_a_clear_are_different() {
    let ledger = Ledger::new();
    let old = ledger.open("old");
    ledger.clear();
    let new = ledger.open("new");
    old.close();
    assert_eq!(ledger.open_names(), ["new"]);
    new.close();
}
