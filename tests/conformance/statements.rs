//! Execution of statements.

use std::sync::Arc;

use futures::future::BoxFuture;
use withal::context::AsyncExitStack;

use super::frame::{Frame, YieldChannel, run_function};
use super::function_managers::with_function;
use super::generators::Generator;
use super::loops::{For, run_for};
use super::managers::{with, with_aclosing};
use super::program::{Statement, Try, Value};
use super::raised::{Kind, Raised};
use super::stacks::{on_stack, with_stack};

/// The control flow after a statement that did not raise.
#[derive(Debug, Clone, Copy)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    Return(Value),
}

/// The context of a block.
#[derive(Default, Clone)]
pub(super) struct Scope<'a> {
    /// The exception that the innermost `except` has caught.
    pub(super) caught: Option<Raised>,
    /// The innermost stack, and its nesting depth.
    pub(super) stack: Option<(&'a AsyncExitStack, usize)>,
}

pub(super) type RunResult = Result<Flow, Raised>;

pub(super) fn run_block<'a>(
    frame: &'a Frame<'_, '_>,
    block: &'a [Statement],
    scope: Scope<'a>,
) -> BoxFuture<'a, RunResult> {
    Box::pin(async move {
        for statement in block {
            match run_statement(frame, statement, &scope).await? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    })
}

async fn run_statement(frame: &Frame<'_, '_>, statement: &Statement, scope: &Scope<'_>) -> RunResult {
    let world = frame.world();
    let block = |block| run_block(frame, block, scope.clone());
    match statement {
        Statement::Log(id) => world.log(format_args!("log {id}")),
        Statement::Await(times, token) => {
            let x = frame.suspend(*times, *token).await?;
            frame.locals().x = x;
            if let Some(got) = x {
                world.log(format_args!("got {got}"));
            }
        }
        Statement::AwaitRaise(times, token, error) => {
            frame.suspend(*times, *token).await?;
            return Err(world.raise(Raised::of(*error)));
        }
        Statement::Call(function) => {
            let x = run_function(world, frame.call_channel(), *function).await?;
            returned(frame, x);
        }
        Statement::Shared(function) => {
            let shared = world.shared(*function);
            let x = shared.awaited(frame).await?;
            returned(frame, x);
        }
        Statement::Yield(value) => drop(frame.yield_(*value).await?),
        Statement::YieldReceive(value) => receive(frame, *value).await?,
        Statement::YieldX => {
            let x = frame.locals().x;
            receive(frame, x).await?;
        }
        Statement::YieldItem(variable, receives) => {
            let item = frame.locals().items.get(variable).copied().flatten();
            if *receives {
                receive(frame, item).await?;
            } else {
                frame.yield_(item).await?;
            }
        }
        Statement::Raise(error) => return Err(world.raise(Raised::of(*error))),
        Statement::Reraise => {
            let nothing = || Raised::with(Kind::Runtime, "no-active-exception");
            return Err(world.handled().unwrap_or_else(nothing));
        }
        Statement::RaiseFrom(error, is_caught) => {
            let raised = world.raise(Raised::of(*error));
            raised.set_cause(scope.caught.clone().filter(|_| *is_caught));
            return Err(raised);
        }
        Statement::Return(value) => return Ok(Flow::Return(*value)),
        Statement::Break => return Ok(Flow::Break),
        Statement::Continue => return Ok(Flow::Continue),
        Statement::IfX(then, otherwise) => {
            let is_none = frame.locals().x.is_none();
            return block(if is_none { then } else { otherwise }).await;
        }
        Statement::Sequence(body) => return block(body).await,
        Statement::Loop(times, body, orelse) => {
            for _ in 0..*times {
                match block(body).await? {
                    Flow::Next | Flow::Continue => {}
                    Flow::Break => return Ok(Flow::Next),
                    flow @ Flow::Return(_) => return Ok(flow),
                }
            }
            return block(orelse).await;
        }
        Statement::Try(parts) => return run_try(frame, parts, scope).await,
        Statement::With(manager, body) => return with(frame, *manager, body, scope).await,
        Statement::WithFunction(function, body) => return with_function(frame, *function, body, scope).await,
        Statement::Stack(body) => return with_stack(frame, body, scope).await,
        Statement::OnStack(what) => on_stack(frame, what, scope).await?,
        Statement::For(function, variable, body, orelse) => {
            let generator = Generator::new(world, *function);
            return run_for(frame, &generator, For { variable: *variable, body, orelse }, scope).await;
        }
        Statement::Aclosing(function, variable, body) => {
            let generator = Generator::new(world, *function);
            let parts = For { variable: *variable, body, orelse: &[] };
            return with_aclosing(frame, &generator, parts, scope).await;
        }
        Statement::Handle(handle, function) => {
            let generator = Generator::new(world, *function);
            let before = frame.locals().handles.insert(*handle, generator);
            drop(before);
        }
        Statement::OnHandle(handle, operation) => {
            let generator = Arc::clone(&frame.locals().handles[handle]);
            let x = frame.operate(&generator, *operation).await?;
            frame.locals().x = x;
            world.log(format_args!("h {}", text(x)));
        }
    }
    Ok(Flow::Next)
}

/// A value as Python prints it.
pub(super) fn text(value: Value) -> String {
    value.map_or_else(|| "None".to_owned(), |value| value.to_string())
}

fn returned(frame: &Frame<'_, '_>, x: Value) {
    frame.locals().x = x;
    frame.world().log(format_args!("ret {}", text(x)));
}

async fn receive(frame: &Frame<'_, '_>, value: Value) -> Result<(), Raised> {
    let x = frame.yield_(value).await?;
    frame.locals().x = x;
    frame.world().log(format_args!("recv {}", text(x)));
    Ok(())
}

async fn run_try(frame: &Frame<'_, '_>, parts: &Try, scope: &Scope<'_>) -> RunResult {
    let handling = frame.handled.len();
    let mut ran = run_block(frame, &parts.body, scope.clone()).await;
    match &ran {
        Ok(Flow::Next) => ran = run_block(frame, &parts.orelse, scope.clone()).await,
        Ok(_) => {}
        Err(raised) => {
            let handler = parts.handlers.iter().find(|(catches, _)| raised.is_caught_by(*catches));
            if let Some((_, handler)) = handler {
                let raised = raised.clone();
                frame.world().check_shown(&raised);
                frame.world().log(format_args!("caught {}", raised.chain()));
                frame.handled.push(raised.clone());
                let scope = Scope { caught: Some(raised), ..scope.clone() };
                ran = run_block(frame, handler, scope).await;
                frame.handled.truncate(handling);
            }
        }
    }
    if let Err(raised) = &ran {
        frame.handled.push(raised.clone());
    }
    let finally = run_block(frame, &parts.finally, Scope { caught: None, ..scope.clone() }).await;
    frame.handled.truncate(handling);
    finally?;
    ran
}

impl<'m, 'g> Frame<'m, 'g> {
    fn call_channel(&self) -> &'m YieldChannel<'g> {
        self.channel
    }
}
