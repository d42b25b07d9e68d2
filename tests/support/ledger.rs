use std::fmt::Display;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use withal::context::Exit;

/// What was entered and exited, in order, one word each:
///
/// | word | meaning |
/// |---|---|
/// | `?a` | the enter of `a` begins |
/// | `+a` | it is entered |
/// | `<a:ok` | its exit begins; `error`, `panic`, `cancelled` |
/// | `a>` | its exit has ended |
/// | `~a` | it was dropped without an exit that ended |
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    words: Arc<Mutex<Vec<String>>>,
    gate: watch::Sender<bool>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self { words: Arc::default(), gate: watch::Sender::new(false) }
    }

    pub(crate) fn say(&self, word: impl Display) {
        self.words.lock().unwrap().push(word.to_string());
    }

    /// All of it, but the enters that began.
    pub(crate) fn words(&self) -> String {
        let words = self.words.lock().unwrap();
        words.iter().filter(|word| !word.starts_with('?')).cloned().collect::<Vec<_>>().join(" ")
    }

    /// Lets those that are stuck go on.
    pub(crate) fn open_gate(&self) {
        self.gate.send_replace(true);
    }

    pub(crate) async fn gate(&self) {
        self.gate.subscribe().wait_for(|is_open| *is_open).await.unwrap();
    }

    /// All that was entered was exited to its end, or dropped where that is its exit; nothing before what is inside of it,
    /// and nothing entered after what it is inside of: `a.b` is inside of `a`.
    pub(crate) fn check(&self, dropped: &[&str]) {
        let words = self.words.lock().unwrap();
        let (mut open, mut over) = (Vec::<&str>::new(), Vec::<&str>::new());
        let is_inside =
            |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
        for word in words.iter() {
            let (begins, ends) = if let Some(name) = word.strip_prefix('+') {
                let around = over.iter().find(|over| is_inside(name, over));
                assert_eq!(around, None, "exited when {name} is entered: {words:?}");
                over.retain(|over| *over != name);
                open.push(name);
                continue;
            } else if let Some(exit) = word.strip_prefix('<') {
                (exit.split_once(':').map(|(name, _)| name), None)
            } else if let Some(name) = word.strip_prefix('~') {
                assert!(dropped.contains(&name), "{name} is lost: {words:?}");
                (Some(name), Some(name))
            } else {
                (None, word.strip_suffix('>'))
            };
            if let Some(name) = begins {
                let inside = open.iter().find(|open| is_inside(open, name));
                assert_eq!(inside, None, "still open when {name} is exited: {words:?}");
            }
            if let Some(name) = ends {
                let at = open.iter().rposition(|open| *open == name).expect(word);
                over.push(open.remove(at));
            }
        }
        assert!(open.is_empty(), "not exited: {open:?} of {words:?}");
    }
}

pub(crate) fn kind(exit: &Exit<'_>) -> &'static str {
    match exit {
        Exit::Ok => "ok",
        Exit::Error(_) => "error",
        Exit::Panic(_) => "panic",
        Exit::Cancelled => "cancelled",
    }
}

/// Where a probe waits for the gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stuck {
    Nowhere,
    InEnter,
    InExit,
}

/// Managers that write down in a ledger what becomes of them, one for each policy. The types are those of the module that
/// asks for them, so that what the observers are told can be told apart.
macro_rules! probes {
    ($($name:ident: $policy:ty),+) => {$(
        pub(crate) struct $name {
            ledger: $crate::ledger::Ledger,
            name: String,
            stuck: $crate::ledger::Stuck,
            is_open: bool,
            target: u32,
        }

        impl $name {
            pub(crate) fn new(ledger: &$crate::ledger::Ledger, name: &str) -> Self {
                let stuck = $crate::ledger::Stuck::Nowhere;
                Self { ledger: ledger.clone(), name: name.to_owned(), stuck, is_open: false, target: 7 }
            }

            #[allow(dead_code, reason = "not every module has them stuck")]
            pub(crate) fn stuck(mut self, stuck: $crate::ledger::Stuck) -> Self {
                self.stuck = stuck;
                self
            }
        }

        impl withal::context::AsyncContextManager for $name {
            type Entered = Self;

            async fn aenter(mut self) -> Result<Self, String> {
                self.ledger.say(format_args!("?{}", self.name));
                tokio::task::yield_now().await;
                if self.stuck == $crate::ledger::Stuck::InEnter {
                    self.ledger.gate().await;
                }
                self.ledger.say(format_args!("+{}", self.name));
                self.is_open = true;
                Ok(self)
            }
        }

        impl withal::context::AsyncExit for $name {
            type Target = u32;
            type Error = String;
            type Verdict = ();
            type OnDrop = $policy;

            fn target(&mut self) -> &mut u32 {
                &mut self.target
            }

            async fn aexit(&mut self, exit: withal::context::Exit<'_>) -> Result<(), String> {
                self.ledger.say(format_args!("<{}:{}", self.name, $crate::ledger::kind(&exit)));
                tokio::task::yield_now().await;
                if self.stuck == $crate::ledger::Stuck::InExit {
                    self.ledger.gate().await;
                }
                self.ledger.say(format_args!("{}>", self.name));
                self.is_open = false;
                Ok(())
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                if self.is_open {
                    self.ledger.say(format_args!("~{}", self.name));
                }
            }
        }
    )+};
}

pub(crate) use probes;
