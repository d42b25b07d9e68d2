//! The exceptions of the programs.

use std::fmt;
use std::sync::{Arc, Mutex};

use withal::coroutine::{GeneratorExit, Thrown};

use super::program::{Catches, Error};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    A,
    B,
    Base,
    Cancelled,
    GeneratorExit,
    Runtime,
    StopIteration,
    StopAsyncIteration,
    Type,
}

impl Kind {
    /// The kinds that a program can raise.
    const NAMES: [(Kind, &str); 8] = [
        (Kind::A, "A"),
        (Kind::B, "B"),
        (Kind::Base, "Base"),
        (Kind::Cancelled, "CE"),
        (Kind::GeneratorExit, "GE"),
        (Kind::Runtime, "RT"),
        (Kind::StopIteration, "SI"),
        (Kind::StopAsyncIteration, "SAI"),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, candidate)| *candidate == name).map(|(kind, _)| *kind)
    }

    pub(super) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(kind, _)| *kind == self).map_or("TE", |(_, name)| name)
    }

    fn is_exception(self) -> bool {
        !matches!(self, Self::Base | Self::Cancelled | Self::GeneratorExit)
    }

    pub(super) fn is_stop(self) -> bool {
        matches!(self, Self::StopIteration | Self::StopAsyncIteration)
    }
}

/// An exception, with an identity as in Python: clones are the same exception.
#[derive(Clone)]
pub(super) struct Raised(Arc<Exception>);

struct Exception {
    kind: Kind,
    argument: Argument,
    links: Mutex<Links>,
}

enum Argument {
    None,
    Number(i64),
    /// A message of `CPython`.
    Message(&'static str),
}

#[derive(Default)]
struct Links {
    cause: Option<Raised>,
    context: Option<Raised>,
    /// Set by `raise .. from ..`.
    is_context_hidden: bool,
}

impl Raised {
    fn new(kind: Kind, argument: Argument) -> Self {
        Self(Arc::new(Exception { kind, argument, links: Mutex::default() }))
    }

    /// An exception that a program raises.
    pub(super) fn of(Error(kind, number): Error) -> Self {
        Self::new(kind, Argument::Number(number))
    }

    /// An exception that Python's interpreter raises.
    pub(super) fn bare(kind: Kind) -> Self {
        Self::new(kind, Argument::None)
    }

    pub(super) fn with(kind: Kind, message: &'static str) -> Self {
        Self::new(kind, Argument::Message(message))
    }

    /// The exception that was thrown in at a yield.
    pub(super) fn thrown(thrown: Thrown<Self>) -> Self {
        match thrown {
            Thrown::Error(raised) => raised,
            _ => Self::bare(Kind::GeneratorExit),
        }
    }

    /// Converts to what the crate throws in, or takes as the error of a body. An exit is recognized by its missing
    /// number.
    pub(super) fn into_thrown(self) -> Thrown<Self> {
        if self.is_exit() { Thrown::Exit(GeneratorExit) } else { Thrown::Error(self) }
    }

    /// Returns `true` for a `GeneratorExit` of the interpreter: one without a number.
    pub(super) fn is_exit(&self) -> bool {
        matches!((self.kind(), &self.0.argument), (Kind::GeneratorExit, Argument::None))
    }

    /// Returns `true` for the exceptions that `aclose` suppresses.
    pub(super) fn is_end_of_close(&self) -> bool {
        matches!(self.kind(), Kind::GeneratorExit | Kind::StopAsyncIteration)
    }

    /// Returns `true` for the error of a close whose body has yielded again.
    pub(super) fn is_ignored_exit(&self) -> bool {
        matches!(self.0.argument, Argument::Message("ignored-ge"))
    }

    pub(super) fn kind(&self) -> Kind {
        self.0.kind
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn is_caught_by(&self, catches: Catches) -> bool {
        match catches {
            Catches::Kind(kind) => self.kind() == kind,
            Catches::AOrB => matches!(self.kind(), Kind::A | Kind::B),
            Catches::Exception => self.kind().is_exception(),
            Catches::BaseException => true,
        }
    }

    pub(super) fn context(&self) -> Option<Self> {
        self.0.links.lock().unwrap().context.clone()
    }

    pub(super) fn set_context(&self, context: Option<Self>) {
        self.0.links.lock().unwrap().context = context;
    }

    /// `raise self from cause`.
    pub(super) fn set_cause(&self, cause: Option<Self>) {
        let mut links = self.0.links.lock().unwrap();
        links.cause = cause;
        links.is_context_hidden = true;
    }

    /// Sets `handled` as the context, and breaks a cycle where that would make one.
    pub(super) fn raised_under(&self, handled: Option<Self>) {
        let Some(handled) = handled.filter(|handled| !handled.is(self)) else { return };
        let mut link = handled.clone();
        for _ in 0..100 {
            let Some(context) = link.context() else { break };
            if context.is(self) {
                link.set_context(None);
                break;
            }
            link = context;
        }
        self.set_context(Some(handled));
    }

    /// Converts an exception that leaves a body: PEP 479 turns a stop into an error.
    pub(super) fn out_of(self, is_generator: bool) -> Self {
        let message = match self.kind() {
            Kind::StopIteration if is_generator => "agen-raised-si",
            Kind::StopAsyncIteration if is_generator => "agen-raised-sai",
            Kind::StopIteration => "coro-raised-si",
            _ => return self,
        };
        let error = Self::with(Kind::Runtime, message);
        error.set_cause(Some(self.clone()));
        error.set_context(Some(self));
        error
    }

    pub(super) fn cause(&self) -> Option<Self> {
        self.0.links.lock().unwrap().cause.clone()
    }

    /// The exception with its causes and contexts, in the notation of the traces.
    pub(super) fn chain(&self) -> String {
        let (mut text, mut seen, mut link) = (self.to_string(), vec![self.clone()], self.clone());
        while seen.len() < 8 {
            let (relation, next) = {
                let links = link.0.links.lock().unwrap();
                match (&links.cause, &links.context) {
                    (Some(cause), _) => ("cause", cause.clone()),
                    (None, Some(context)) if !links.is_context_hidden => ("ctx", context.clone()),
                    _ => break,
                }
            };
            if seen.iter().any(|seen| seen.is(&next)) {
                text.push_str(" | loop");
                break;
            }
            text = format!("{text} | {relation} {next}");
            seen.push(next.clone());
            link = next;
        }
        text
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.kind().name();
        match self.0.argument {
            Argument::None => f.write_str(name),
            Argument::Number(number) => write!(f, "{name}:{number}"),
            Argument::Message(message) => write!(f, "{name}:{message}"),
        }
    }
}

impl fmt::Debug for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}
