//! Prints a program as Python, for reports of differences.

use super::program::{
    Block, Catches, Error, ExitAction, Function, Manager, OnStack, Operation, Statement, Try,
};
use super::raised::Kind;
use super::statements::text;

pub(super) fn source(functions: &[Function]) -> String {
    let mut source = Source::default();
    for (number, function) in functions.iter().enumerate() {
        if number > 0 {
            source.text.push('\n');
        }
        source.function(number, function);
    }
    source.text
}

#[derive(Default)]
struct Source {
    text: String,
    depth: usize,
    /// The number of handlers around a statement. Each exception has a separate name, since Python deletes the name
    /// at the end of its handler.
    handlers: usize,
    /// `None` in a `finally`.
    caught: Option<String>,
}

impl Source {
    fn line(&mut self, line: &str) {
        self.text.push_str(&"    ".repeat(self.depth));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn indented(&mut self, head: &str, inside: impl FnOnce(&mut Self)) {
        self.line(head);
        self.depth += 1;
        let before = self.text.len();
        inside(self);
        if self.text.len() == before {
            self.line("pass");
        }
        self.depth -= 1;
    }

    fn function(&mut self, number: usize, function: &Function) {
        let before = self.text.len();
        self.indented(&format!("async def f{number}():"), |source| {
            source.line("x = None");
            source.block(&function.body);
            if function.is_generator && !source.text[before..].contains("yield") {
                source.indented("if False:", |source| source.line("yield"));
            }
        });
    }

    fn block(&mut self, block: &Block) {
        for statement in block {
            self.statement(statement);
        }
    }

    fn indented_block(&mut self, head: &str, block: &Block) {
        self.indented(head, |source| source.block(block));
    }

    /// An `else` or a `finally`.
    fn optional_block(&mut self, head: &str, block: &Block) {
        if !block.is_empty() {
            self.indented_block(head, block);
        }
    }

    fn log(&mut self, event: &str, value: &str) {
        self.line(&format!("log(\"{event}\", {value})"));
    }

    /// Assigns and logs a value that is received at a yield or from an await.
    fn received(&mut self, event: &str, expression: &str) {
        self.line(&format!("x = {expression}"));
        self.log(event, "x");
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Log(id) => self.log("log", &id.to_string()),
            Statement::Await(times, token) => {
                self.line(&format!("x = await suspend({times}, {token})"));
                self.indented("if x is not None:", |source| source.log("got", "x"));
            }
            Statement::AwaitRaise(times, token, raised) => {
                self.line(&format!("await suspend({times}, {token}, then_raise={})", error(*raised)));
            }
            Statement::Call(function) => self.received("ret", &format!("await f{function}()")),
            Statement::Shared(function) => self.received("ret", &format!("await shared(f{function})")),
            Statement::Yield(value) => self.line(&format!("yield {}", text(*value))),
            Statement::YieldReceive(value) => self.received("recv", &format!("yield {}", text(*value))),
            Statement::YieldX => self.received("recv", "yield x"),
            Statement::YieldItem(variable, true) => self.received("recv", &format!("yield v{variable}")),
            Statement::YieldItem(variable, false) => self.line(&format!("yield v{variable}")),
            Statement::Raise(raised) => self.line(&format!("raise {}", error(*raised))),
            Statement::Reraise => self.line("raise"),
            Statement::RaiseFrom(raised, is_caught) => {
                let cause = self.caught.clone().filter(|_| *is_caught);
                let cause = cause.unwrap_or_else(|| "None".to_owned());
                self.line(&format!("raise {} from {cause}", error(*raised)));
            }
            Statement::Return(None) => self.line("return"),
            Statement::Return(value) => self.line(&format!("return {}", text(*value))),
            Statement::Break => self.line("break"),
            Statement::Continue => self.line("continue"),
            Statement::IfX(then, otherwise) => {
                self.indented_block("if x is None:", then);
                self.optional_block("else:", otherwise);
            }
            Statement::Sequence(body) => self.block(body),
            Statement::Loop(times, body, orelse) => {
                self.indented_block(&format!("for _ in range({times}):"), body);
                self.optional_block("else:", orelse);
            }
            Statement::Try(parts) => self.try_(parts),
            Statement::With(operand, body) => {
                self.indented_block(&format!("async with {}:", manager(operand)), body);
            }
            Statement::WithFunction(function, body) => {
                let head = format!("async with asynccontextmanager(f{function})() as value:");
                self.indented(&head, |source| {
                    source.log("as", "value");
                    source.block(body);
                });
            }
            Statement::Stack(body) => self.indented_block("async with AsyncExitStack() as st:", body),
            Statement::OnStack(what) => self.line(&on_stack(what)),
            Statement::For(function, variable, body, orelse) => {
                self.for_(*variable, &format!("f{function}()"), body);
                if !orelse.is_empty() {
                    self.indented("else:", |source| {
                        source.line("log(\"else\")");
                        source.block(orelse);
                    });
                }
            }
            Statement::Aclosing(function, variable, body) => {
                self.indented(&format!("async with aclosing(f{function}()) as items:"), |source| {
                    source.for_(*variable, "items", body);
                });
            }
            Statement::Handle(handle, function) => self.line(&format!("h{handle} = f{function}()")),
            Statement::OnHandle(handle, operation) => {
                self.received("h", &format!("await h{handle}.{}", on_handle(*operation)));
            }
        }
    }

    fn for_(&mut self, variable: usize, items: &str, body: &Block) {
        self.indented(&format!("async for v{variable} in {items}:"), |source| {
            source.log("item", &format!("v{variable}"));
            source.block(body);
        });
    }

    fn try_(&mut self, parts: &Try) {
        self.indented_block("try:", &parts.body);
        let around = self.caught.clone();
        self.handlers += 1;
        for (operand, handler) in &parts.handlers {
            let name = format!("e{}", self.handlers);
            let head = format!("except {} as {name}:", catches(*operand));
            self.caught = Some(name.clone());
            self.indented(&head, |source| {
                source.log("caught", &name);
                source.block(handler);
            });
        }
        self.handlers -= 1;
        self.caught.clone_from(&around);
        self.optional_block("else:", &parts.orelse);
        self.caught = None;
        self.optional_block("finally:", &parts.finally);
        self.caught = around;
    }
}

fn error(Error(kind, number): Error) -> String {
    format!("{}({number})", class(kind))
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::A => "A",
        Kind::B => "B",
        Kind::Base => "Base",
        Kind::Cancelled => "CancelledError",
        Kind::GeneratorExit => "GeneratorExit",
        Kind::Runtime => "RuntimeError",
        Kind::StopIteration => "StopIteration",
        Kind::StopAsyncIteration => "StopAsyncIteration",
        Kind::Type => "TypeError",
    }
}

fn catches(catches: Catches) -> &'static str {
    match catches {
        Catches::Kind(kind) => class(kind),
        Catches::AOrB => "(A, B)",
        Catches::Exception => "Exception",
        Catches::BaseException => "BaseException",
    }
}

fn manager(manager: &Manager) -> String {
    let (times, raised) = manager.enter;
    let exit_action = match manager.exit_action {
        ExitAction::None => None,
        ExitAction::Suppress => Some("exit_suppresses=BaseException".to_owned()),
        ExitAction::SuppressKind(operand) => Some(format!("exit_suppresses={}", catches(operand))),
        ExitAction::Same => Some("exit_reraises=True".to_owned()),
        ExitAction::Raise(raised) => Some(format!("exit_raises={}", error(raised))),
    };
    let arguments = [
        Some(manager.id.to_string()),
        (times > 0).then(|| format!("enter_suspends={times}")),
        raised.map(|raised| format!("enter_raises={}", error(raised))),
        (manager.exit > 0).then(|| format!("exit_suspends={}", manager.exit)),
        exit_action,
    ];
    format!("manager({})", given(arguments))
}

fn on_stack(what: &OnStack) -> String {
    let callback = |id: &i64, times: u32, raised: &Option<Error>| {
        given([
            Some(format!("callback, {id}")),
            (times > 0).then(|| format!("suspends={times}")),
            raised.map(|raised| format!("raises={}", error(raised))),
        ])
    };
    match what {
        OnStack::Enter(operand) => format!("await st.enter_async_context({})", manager(operand)),
        OnStack::PushAsyncExit(operand) => format!("st.push_async_exit({})", manager(operand)),
        OnStack::Push(operand) => format!("st.push({}.exit)", manager(operand)),
        OnStack::AsyncCallback(id, times, raised) => {
            format!("st.push_async_callback({})", callback(id, *times, raised))
        }
        OnStack::Callback(id, raised) => format!("st.callback({})", callback(id, 0, raised)),
        OnStack::PopAll => "st = st.pop_all()".to_owned(),
        OnStack::Aclose => "await st.aclose()".to_owned(),
    }
}

fn on_handle(operation: Operation) -> String {
    match operation {
        Operation::Anext => "__anext__()".to_owned(),
        Operation::Asend(value) => format!("asend({})", text(value)),
        Operation::Athrow(raised) => format!("athrow({})", error(raised)),
        Operation::Aclose => "aclose()".to_owned(),
    }
}

/// The arguments that differ from their defaults.
fn given<const N: usize>(arguments: [Option<String>; N]) -> String {
    arguments.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
