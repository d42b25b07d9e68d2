//! Parsing of programs from JSON; README.md describes the format.

use std::cell::Cell;

use serde::Deserialize;
use serde_json::Value as Json;

use super::format_error::FormatError;
use super::program::{
    Action, Block, Catches, Error, ExitAction, Function, Manager, OnStack, Operation, Statement, Try, Value,
};
use super::raised::Kind;

type Read<T> = Result<T, FormatError>;

/// A function whose body is not parsed yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFunction {
    t: Type,
    b: Json,
}

#[derive(Deserialize)]
enum Type {
    #[serde(rename = "g")]
    Generator,
    #[serde(rename = "c")]
    Coroutine,
}

pub(super) fn function(raw: &RawFunction) -> Read<Function> {
    let is_generator = matches!(raw.t, Type::Generator);
    Ok(Function { is_generator, body: block(&raw.b).map_err(|error| error.at_path(".b"))? })
}

fn block(json: &Json) -> Read<Block> {
    items(json, statement)
}

fn items<T>(json: &Json, read: impl Fn(&Json) -> Read<T>) -> Read<Vec<T>> {
    let read = |(at, item)| read(item).map_err(|error| error.at_index(at));
    list(json)?.iter().enumerate().map(read).collect()
}

fn statement(json: &Json) -> Read<Statement> {
    let s = Fields::new(json)?;
    let statement = match s.name()? {
        "log" => Statement::Log(s.number(1)?),
        "aw" => Statement::Await(s.number(1)?, s.number(2)?),
        "awr" => Statement::AwaitRaise(s.number(1)?, s.number(2)?, s.error(3)?),
        "call" => Statement::Call(s.number(1)?),
        "shared" => Statement::Shared(s.number(1)?),
        "y" => Statement::Yield(s.value(1)?),
        "xy" => Statement::YieldReceive(s.value(1)?),
        "yx" => Statement::YieldX,
        "yv" => Statement::YieldItem(s.number(1)?, s.bool(2)?),
        "raise" => Statement::Raise(s.error(1)?),
        "reraise" => Statement::Reraise,
        "raisefrom" => Statement::RaiseFrom(s.error(1)?, s.bool(3)?),
        "ret" => Statement::Return(None),
        "retv" => Statement::Return(s.value(1)?),
        "brk" => Statement::Break,
        "cont" => Statement::Continue,
        "ifx" => Statement::IfX(s.block(1)?, s.block(2)?),
        "seq" => Statement::Sequence(s.block(1)?),
        "loop" => Statement::Loop(s.number(1)?, s.block(2)?, s.block(3)?),
        "try" => Statement::Try(Box::new(Try {
            body: s.block(1)?,
            handlers: items(s.at(2)?, handler).map_err(|error| error.at_index(2))?,
            orelse: s.block(3)?,
            finally: s.block(4)?,
        })),
        "with" => {
            let manager = Fields::new(s.at(1)?)?;
            match manager.name()? {
                "acm" => {
                    let function = manager.number(1)?;
                    Statement::WithFunction(manager.end(function)?, s.block(2)?)
                }
                _ => Statement::With(manager.manager()?, s.block(2)?),
            }
        }
        "stack" => Statement::Stack(s.block(1)?),
        "st" => Statement::OnStack(s.on_stack()?),
        "afor" => Statement::For(s.number(1)?, s.number(2)?, s.block(3)?, s.block(4)?),
        "aclosing" => Statement::Aclosing(s.number(1)?, s.number(2)?, s.block(3)?),
        "h_new" => Statement::Handle(s.number(1)?, s.number(2)?),
        "h_op" => Statement::OnHandle(
            s.number(1)?,
            match s.text(2)? {
                "an" => Operation::Anext,
                "as" => Operation::Asend(s.value(3)?),
                "at" => Operation::Athrow(s.error(3)?),
                "ac" => Operation::Aclose,
                other => return invalid(format!("unknown operation {other:?}")),
            },
        ),
        other => return invalid(format!("unknown statement {other:?}")),
    };
    s.end(statement)
}

fn handler(json: &Json) -> Read<(Catches, Block)> {
    let handler = Fields::new(json)?;
    handler.end((catches(handler.text(0)?)?, handler.block(1)?))
}

fn catches(name: &str) -> Read<Catches> {
    Ok(match name {
        "AB" => Catches::AOrB,
        "Exc" => Catches::Exception,
        "BaseExc" => Catches::BaseException,
        kind => Catches::Kind(self::kind(kind)?),
    })
}

fn kind(name: &str) -> Read<Kind> {
    Kind::named(name).ok_or_else(|| FormatError::new(format!("unknown exception {name:?}")))
}

pub(super) fn action(json: &Json) -> Read<Action> {
    let a = Fields::new(json)?;
    let action = match a.name()? {
        "anext" => Action::Make(a.number(1)?, Operation::Anext),
        "asend" => Action::Make(a.number(1)?, Operation::Asend(a.value(2)?)),
        "athrow" => Action::Make(a.number(1)?, Operation::Athrow(a.error(2)?)),
        "aclose" => Action::Make(a.number(1)?, Operation::Aclose),
        "coro" => Action::Coroutine(a.number(1)?),
        "send" => Action::Send(a.number(1)?, if a.all.len() > 2 { a.value(2)? } else { None }),
        "run" => Action::Run(a.number(1)?),
        "throw" => Action::Throw(a.number(1)?, a.error(2)?),
        "close" => Action::Close(a.number(1)?),
        "drop" => Action::Drop(a.number(1)?),
        "dropgen" => Action::DropGenerator,
        "shutdown" => Action::Shutdown,
        "end" => Action::End,
        other => return invalid(format!("unknown action {other:?}")),
    };
    a.end(action)
}

fn invalid<T>(what: impl Into<String>) -> Read<T> {
    Err(FormatError::new(what))
}

fn list(json: &Json) -> Read<&Vec<Json>> {
    json.as_array().ok_or_else(|| FormatError::new(format!("expected a list, found {json}")))
}

fn value(json: &Json) -> Read<Value> {
    match json {
        Json::Null => Ok(None),
        _ => json
            .as_i64()
            .map(Some)
            .ok_or_else(|| FormatError::new(format!("expected null or an integer, found {json}"))),
    }
}

/// The fields of a statement, an action or a manager.
struct Fields<'a> {
    all: &'a [Json],
    /// The number of fields that were read.
    read: Cell<usize>,
}

impl<'a> Fields<'a> {
    fn new(json: &'a Json) -> Read<Self> {
        list(json).map(|all| Self { all, read: Cell::new(0) })
    }

    fn at(&self, at: usize) -> Read<&'a Json> {
        self.read.set(self.read.get().max(at + 1));
        self.all.get(at).ok_or_else(|| FormatError::new(format!("{} has too few fields", self.what())))
    }

    /// Returns `parsed` if all fields were read.
    fn end<T>(&self, read: T) -> Read<T> {
        if self.read.get() < self.all.len() {
            return invalid(format!(
                "{} has too many fields, by {}",
                self.what(),
                self.all.len() - self.read.get()
            ));
        }
        Ok(read)
    }

    fn what(&self) -> String {
        self.all.first().map_or_else(|| "an empty list".to_owned(), Json::to_string)
    }

    fn text(&self, at: usize) -> Read<&'a str> {
        let json = self.at(at)?;
        json.as_str().ok_or_else(|| FormatError::new(format!("expected a string, found {json}")))
    }

    fn name(&self) -> Read<&'a str> {
        self.text(0)
    }

    fn number<N: TryFrom<i64>>(&self, at: usize) -> Read<N> {
        let json = self.at(at)?;
        let number = json.as_i64().and_then(|number| number.try_into().ok());
        number.ok_or_else(|| FormatError::new(format!("expected a number in range, found {json}")))
    }

    fn bool(&self, at: usize) -> Read<bool> {
        let json = self.at(at)?;
        json.as_bool().ok_or_else(|| FormatError::new(format!("expected a boolean, found {json}")))
    }

    fn value(&self, at: usize) -> Read<Value> {
        value(self.at(at)?)
    }

    fn block(&self, at: usize) -> Read<Block> {
        block(self.at(at)?).map_err(|error| error.at_index(at))
    }

    fn error(&self, at: usize) -> Read<Error> {
        Ok(Error(kind(self.text(at)?)?, self.number(at + 1)?))
    }

    /// An error is a list inside the list, or null.
    fn optional_error(&self, at: usize) -> Read<Option<Error>> {
        match self.at(at)? {
            Json::Null => Ok(None),
            error => {
                let error = Fields::new(error)?;
                error.end(Some(error.error(0)?))
            }
        }
    }

    fn manager(&self) -> Read<Manager> {
        if self.name()? != "mgr" {
            return invalid(format!("unknown manager {:?}", self.name()?));
        }
        let exit_action = match self.at(5)? {
            Json::Null => ExitAction::None,
            exit_action => {
                let exit_action = Fields::new(exit_action)?;
                let action = match exit_action.name()? {
                    "sup" => ExitAction::Suppress,
                    "supk" => ExitAction::SuppressKind(catches(exit_action.text(1)?)?),
                    "same" => ExitAction::Same,
                    "raise" => ExitAction::Raise(exit_action.error(1)?),
                    other => return invalid(format!("unknown exit action {other:?}")),
                };
                exit_action.end(action)?
            }
        };
        let enter = (self.number(2)?, self.optional_error(3)?);
        self.end(Manager { id: self.number(1)?, enter, exit: self.number(4)?, exit_action })
    }

    fn on_stack(&self) -> Read<OnStack> {
        let manager = || Fields::new(self.at(2)?)?.manager();
        Ok(match self.text(1)? {
            "enter" => OnStack::Enter(manager()?),
            "pexit" => OnStack::PushAsyncExit(manager()?),
            "spush" => OnStack::Push(manager()?),
            "acb" => OnStack::AsyncCallback(self.number(2)?, self.number(3)?, self.optional_error(4)?),
            "scb" => match self.number::<i64>(3)? {
                0 => OnStack::Callback(self.number(2)?, self.optional_error(4)?),
                times => return invalid(format!("a callback cannot suspend {times} times")),
            },
            "pop_all" => OnStack::PopAll,
            "aclose" => OnStack::Aclose,
            other => return invalid(format!("unknown stack operation {other:?}")),
        })
    }
}
