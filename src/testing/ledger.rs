use std::fmt::{self, Write as _};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A ledger of the resources that a test opens and closes, which asserts that all of them were closed.
///
/// Clones share their entries. An entry that is dropped without being closed, for example because its future was cancelled,
/// is an error.
///
/// # Examples
///
/// ```
/// use withal::context::{async_with, on_exit};
/// use withal::testing::{Ledger, LedgerEntry, cancel_at_every_await};
///
/// async fn close(entry: LedgerEntry) {
///     tokio::task::yield_now().await; // a request to a server
///     entry.close();
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let ledger = Ledger::new();
/// let program = || async {
///     let connection = on_exit(ledger.open("connection"), async |entry, _| close(entry).await);
///     let transaction = on_exit(ledger.open("transaction"), async |entry, _| close(entry).await);
///     async_with!(_ = connection, _ = transaction => { tokio::task::yield_now().await });
/// };
/// cancel_at_every_await(program)
///     .check(async |_| {
///         // Each run opens both, unless it was dropped before.
///         ledger.assert_innermost_first();
///         ledger.clear();
///     })
///     .await;
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Ledger {
    events: Arc<Mutex<Events>>,
}

#[derive(Default)]
struct Events {
    list: Vec<(Event, usize, Arc<str>)>,
    /// The number of the next entry.
    next: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    Opened,
    Closed,
    Dropped,
}

/// An open entry of a [`Ledger`]. Created by [`Ledger::open`].
#[derive(Debug)]
#[must_use = "an entry that is dropped without being closed is an error"]
pub struct LedgerEntry {
    ledger: Ledger,
    number: usize,
    name: Arc<str>,
    is_closed: bool,
}

impl Ledger {
    /// Creates an empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records that a resource was opened. Several entries may have the same name.
    pub fn open(&self, name: impl Into<Arc<str>>) -> LedgerEntry {
        let name = name.into();
        let mut events = self.lock();
        let number = events.next;
        events.next += 1;
        events.list.push((Event::Opened, number, Arc::clone(&name)));
        drop(events);
        LedgerEntry { ledger: self.clone(), number, name, is_closed: false }
    }

    /// Returns the names of the open entries, in the order in which they were opened. An entry that was dropped is not open.
    #[must_use]
    pub fn open_names(&self) -> Vec<String> {
        open(&self.lock().list).into_iter().map(|(_, name)| name.to_string()).collect()
    }

    /// Removes all events. Open entries can still be closed.
    pub fn clear(&self) {
        drop(mem::take(&mut self.lock().list));
    }

    /// Asserts that all entries were closed.
    ///
    /// # Panics
    ///
    /// Panics if an entry is open, or was dropped without being closed. The message contains all events.
    #[track_caller]
    pub fn assert_closed(&self) {
        self.assert(faults_of_closing);
    }

    /// Asserts that all entries were closed, and that entries that were open at the same time were closed innermost first.
    ///
    /// The entries of concurrent tasks have no such order: use a ledger for each task.
    ///
    /// # Panics
    ///
    /// Panics if an entry is open, was dropped without being closed, or was closed while an entry was open that had been
    /// opened after it. The message contains all events.
    #[track_caller]
    pub fn assert_innermost_first(&self) {
        self.assert(|events| {
            let mut faults = faults_of_closing(events);
            for (at, (event, number, name)) in events.iter().enumerate() {
                let still_open = open(&events[..at]);
                let inner = still_open.iter().find(|(other, _)| other > number);
                if let (Event::Closed, Some((_, inner))) = (event, inner) {
                    faults.push(format!("{name} was closed before {inner}"));
                }
            }
            faults
        });
    }

    #[track_caller]
    fn assert(&self, faults: impl FnOnce(&[(Event, usize, Arc<str>)]) -> Vec<String>) {
        // The lock is released before the panic.
        let faults = faults(&self.lock().list);
        assert!(faults.is_empty(), "{}: {self}", faults.join(", "));
    }

    fn record(&self, event: Event, entry: &LedgerEntry) {
        self.lock().list.push((event, entry.number, Arc::clone(&entry.name)));
    }

    /// Ignores poisoning: a panic leaves the list valid.
    fn lock(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the entries that were opened and have neither been closed nor dropped.
fn open(events: &[(Event, usize, Arc<str>)]) -> Vec<(usize, &str)> {
    let mut open = Vec::new();
    for (event, number, name) in events {
        if *event == Event::Opened {
            open.push((*number, &**name));
        } else {
            open.retain(|(other, _)| other != number);
        }
    }
    open
}

fn faults_of_closing(events: &[(Event, usize, Arc<str>)]) -> Vec<String> {
    let dropped = events.iter().filter(|(event, ..)| *event == Event::Dropped);
    let dropped = dropped.map(|(_, _, name)| format!("{name} was dropped and not closed"));
    dropped.chain(open(events).into_iter().map(|(_, name)| format!("{name} was not closed"))).collect()
}

impl LedgerEntry {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Records that the resource was closed.
    pub fn close(mut self) {
        self.is_closed = true;
        self.ledger.record(Event::Closed, &self);
    }
}

impl Drop for LedgerEntry {
    fn drop(&mut self) {
        if !self.is_closed {
            self.ledger.record(Event::Dropped, self);
        }
    }
}

/// The events in their order, separated by spaces: `+a` if `a` was opened, `-a` if it was closed, and `~a` if it was dropped
/// without being closed.
impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (event, _, name)) in self.lock().list.iter().enumerate() {
            if at > 0 {
                f.write_char(' ')?;
            }
            let sign = match event {
                Event::Opened => '+',
                Event::Closed => '-',
                Event::Dropped => '~',
            };
            write!(f, "{sign}{name}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ledger({self})")
    }
}
