use std::fmt::Display;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use withal::context::ExitReason;

/// A log of enters and exits, in order, one entry each:
///
/// | entry | meaning |
/// |---|---|
/// | `?a` | the enter of `a` begins |
/// | `+a` | `a` has been entered |
/// | `<a:ok` | the exit of `a` begins; `error`, `panic` or `cancelled` in place of `ok` |
/// | `a>` | the exit of `a` has completed |
/// | `~a` | `a` was dropped before an exit completed |
#[derive(Clone, Debug)]
pub struct EventLog {
    entries: Arc<Mutex<Vec<String>>>,
    gate: watch::Sender<bool>,
}

impl Default for EventLog {
    fn default() -> Self {
        Self { entries: Arc::default(), gate: watch::Sender::new(false) }
    }
}

impl EventLog {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn record(&self, entry: impl Display) {
        self.entries.lock().unwrap().push(entry.to_string());
    }

    /// Returns all entries except those with `?`, separated by spaces.
    pub fn entries(&self) -> String {
        let entries = self.entries.lock().unwrap();
        entries.iter().filter(|entry| !entry.starts_with('?')).cloned().collect::<Vec<_>>().join(" ")
    }

    /// Releases the probes that are blocked.
    pub fn open_gate(&self) {
        self.gate.send_replace(true);
    }

    pub async fn gate(&self) {
        self.gate.subscribe().wait_for(|is_open| *is_open).await.unwrap();
    }

    /// Asserts that every manager that was entered has completed its exit, or was dropped if it is in `dropped`.
    ///
    /// `a.b` is nested in `a`: its exit must complete before that of `a` begins, and it must not be entered afterwards.
    pub fn check(&self, dropped: &[&str]) {
        let entries = self.entries.lock().unwrap();
        let (mut open, mut exited) = (Vec::<&str>::new(), Vec::<&str>::new());
        let is_inside =
            |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
        for entry in entries.iter() {
            let (begins, ends) = if let Some(name) = entry.strip_prefix('+') {
                let outer = exited.iter().find(|outer| is_inside(name, outer));
                assert_eq!(outer, None, "exited when {name} is entered: {entries:?}");
                exited.retain(|other| *other != name);
                open.push(name);
                continue;
            } else if let Some(exit) = entry.strip_prefix('<') {
                (exit.split_once(':').map(|(name, _)| name), None)
            } else if let Some(name) = entry.strip_prefix('~') {
                assert!(dropped.contains(&name), "{name} was dropped: {entries:?}");
                (Some(name), Some(name))
            } else {
                (None, entry.strip_suffix('>'))
            };
            if let Some(name) = begins {
                let inside = open.iter().find(|open| is_inside(open, name));
                assert_eq!(inside, None, "still open when {name} is exited: {entries:?}");
            }
            if let Some(name) = ends {
                let at = open.iter().rposition(|open| *open == name).expect(entry);
                exited.push(open.remove(at));
            }
        }
        assert!(open.is_empty(), "not exited: {open:?} of {entries:?}");
    }
}

pub fn kind(exit: &ExitReason<'_>) -> &'static str {
    match exit {
        ExitReason::Ok => "ok",
        ExitReason::Error(_) => "error",
        ExitReason::Panic(_) => "panic",
        ExitReason::Cancelled => "cancelled",
    }
}

/// The place at which a probe blocks until the gate of its log opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockAt {
    Nowhere,
    InEnter,
    InExit,
}

/// A context manager defined by [`probes!`].
pub trait Blockable {
    /// Blocks the probe at that place until the gate of its log opens.
    #[must_use]
    fn block_at(self, block_at: BlockAt) -> Self;
}

/// Defines context managers that record their enter and exit in an [`EventLog`], one for each drop policy.
///
/// Each module defines its own types, because observers are global and identify a cleanup by its type name.
#[macro_export]
macro_rules! probes {
    ($($name:ident: $policy:ty),+) => {$(
        pub(crate) struct $name {
            log: $crate::event_log::EventLog,
            name: String,
            block_at: $crate::event_log::BlockAt,
            is_open: bool,
            target: u32,
        }

        impl $name {
            pub(crate) fn new(log: &$crate::event_log::EventLog, name: &str) -> Self {
                let block_at = $crate::event_log::BlockAt::Nowhere;
                Self { log: log.clone(), name: name.to_owned(), block_at, is_open: false, target: 7 }
            }
        }

        impl $crate::event_log::Blockable for $name {
            fn block_at(mut self, block_at: $crate::event_log::BlockAt) -> Self {
                self.block_at = block_at;
                self
            }
        }

        impl withal::context::AsyncContextManager for $name {
            type Guard = Self;

            async fn aenter(mut self) -> Result<Self, String> {
                self.log.record(format_args!("?{}", self.name));
                tokio::task::yield_now().await;
                if self.block_at == $crate::event_log::BlockAt::InEnter {
                    self.log.gate().await;
                }
                self.log.record(format_args!("+{}", self.name));
                self.is_open = true;
                Ok(self)
            }
        }

        impl withal::context::AsyncGuard for $name {
            type Target = u32;
            type Error = String;
            type Suppression = ();
            type OnDrop = $policy;

            fn target(&mut self) -> &mut u32 {
                &mut self.target
            }

            async fn aexit(&mut self, exit: withal::context::ExitReason<'_>) -> Result<(), String> {
                self.log.record(format_args!("<{}:{}", self.name, $crate::event_log::kind(&exit)));
                tokio::task::yield_now().await;
                if self.block_at == $crate::event_log::BlockAt::InExit {
                    self.log.gate().await;
                }
                self.log.record(format_args!("{}>", self.name));
                self.is_open = false;
                Ok(())
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                if self.is_open {
                    self.log.record(format_args!("~{}", self.name));
                }
            }
        }
    )+};
}
