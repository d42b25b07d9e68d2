//! The programs, as they are written down: README.md has the format.

use std::cell::Cell;

use serde::Deserialize;
use serde_json::Value as Json;

use super::damage::Damage;
use super::program::{
    Action, Block, Catches, Error, Function, Manager, OnStack, Operation, Statement, Try, Value, Verdict,
};
use super::raised::Kind;

type Read<T> = Result<T, Damage>;

/// A function, before its body is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
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

pub(super) fn function(written: &Written) -> Read<Function> {
    let is_generator = matches!(written.t, Type::Generator);
    Ok(Function { is_generator, body: block(&written.b).map_err(|damage| damage.under(".b"))? })
}

fn block(json: &Json) -> Read<Block> {
    items(json, statement)
}

fn items<T>(json: &Json, read: impl Fn(&Json) -> Read<T>) -> Read<Vec<T>> {
    let read = |(at, item)| read(item).map_err(|damage| damage.within(at));
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
            handlers: items(s.at(2)?, handler).map_err(|damage| damage.within(2))?,
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
                other => return damage(format!("{other:?} is no operation")),
            },
        ),
        other => return damage(format!("{other:?} is no statement")),
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
    Kind::named(name).ok_or_else(|| Damage::new(format!("{name:?} is no exception")))
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
        other => return damage(format!("{other:?} is no action")),
    };
    a.end(action)
}

fn damage<T>(what: impl Into<String>) -> Read<T> {
    Err(Damage::new(what))
}

fn list(json: &Json) -> Read<&Vec<Json>> {
    json.as_array().ok_or_else(|| Damage::new(format!("{json} is no list")))
}

fn value(json: &Json) -> Read<Value> {
    match json {
        Json::Null => Ok(None),
        _ => json.as_i64().map(Some).ok_or_else(|| Damage::new(format!("{json} is no value"))),
    }
}

/// What a statement, an action or a manager is written as.
struct Fields<'a> {
    all: &'a [Json],
    /// How many of them have been looked at.
    read: Cell<usize>,
}

impl<'a> Fields<'a> {
    fn new(json: &'a Json) -> Read<Self> {
        list(json).map(|all| Self { all, read: Cell::new(0) })
    }

    fn at(&self, at: usize) -> Read<&'a Json> {
        self.read.set(self.read.get().max(at + 1));
        self.all.get(at).ok_or_else(|| Damage::new(format!("{} ends too soon", self.what())))
    }

    /// What was read of them, if that was all.
    fn end<T>(&self, read: T) -> Read<T> {
        if self.read.get() < self.all.len() {
            return damage(format!("{} has {} too many", self.what(), self.all.len() - self.read.get()));
        }
        Ok(read)
    }

    fn what(&self) -> String {
        self.all.first().map_or_else(|| "an empty list".to_owned(), Json::to_string)
    }

    fn text(&self, at: usize) -> Read<&'a str> {
        let json = self.at(at)?;
        json.as_str().ok_or_else(|| Damage::new(format!("{json} is no text")))
    }

    fn name(&self) -> Read<&'a str> {
        self.text(0)
    }

    fn number<N: TryFrom<i64>>(&self, at: usize) -> Read<N> {
        let json = self.at(at)?;
        let number = json.as_i64().and_then(|number| number.try_into().ok());
        number.ok_or_else(|| Damage::new(format!("{json} is no number that fits")))
    }

    fn bool(&self, at: usize) -> Read<bool> {
        let json = self.at(at)?;
        json.as_bool().ok_or_else(|| Damage::new(format!("{json} is neither true nor false")))
    }

    fn value(&self, at: usize) -> Read<Value> {
        value(self.at(at)?)
    }

    fn block(&self, at: usize) -> Read<Block> {
        block(self.at(at)?).map_err(|damage| damage.within(at))
    }

    fn error(&self, at: usize) -> Read<Error> {
        Ok(Error(kind(self.text(at)?)?, self.number(at + 1)?))
    }

    /// A list of its own, or null.
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
            return damage(format!("{:?} is no manager", self.name()?));
        }
        let verdict = match self.at(5)? {
            Json::Null => Verdict::None,
            verdict => {
                let verdict = Fields::new(verdict)?;
                let says = match verdict.name()? {
                    "sup" => Verdict::Suppress,
                    "supk" => Verdict::SuppressKind(catches(verdict.text(1)?)?),
                    "same" => Verdict::Same,
                    "raise" => Verdict::Raise(verdict.error(1)?),
                    other => return damage(format!("{other:?} is no verdict")),
                };
                verdict.end(says)?
            }
        };
        let enter = (self.number(2)?, self.optional_error(3)?);
        self.end(Manager { id: self.number(1)?, enter, exit: self.number(4)?, verdict })
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
                times => return damage(format!("a callback does not suspend, and not {times} times")),
            },
            "pop_all" => OnStack::PopAll,
            "aclose" => OnStack::Aclose,
            other => return damage(format!("{other:?} is nothing that a stack does")),
        })
    }
}
