//! The `async for` statement.

use futures::{Stream, stream};
use withal::async_for;
use withal::coroutine::State;
use withal::generator::AsyncGeneratorExt;

use super::frame::Frame;
use super::generators::{Generator, Managed, Object, OperationResult, Pinned, outcome};
use super::identity::Identity;
use super::program::{Operation, Statement, Value};
use super::raised::{Kind, Raised};
use super::statements::{Flow, RunResult, Scope, run_block, text};

/// `async for variable in ..`, with its body and its `else` block.
#[derive(Clone, Copy)]
pub(super) struct For<'a> {
    pub(super) variable: usize,
    pub(super) body: &'a [Statement],
    pub(super) orelse: &'a [Statement],
}

pub(super) async fn run_for(
    frame: &Frame<'_, '_>,
    generator: &Generator<()>,
    parts: For<'_>,
    scope: &Scope<'_>,
) -> RunResult {
    match &generator.object {
        Object::Managed(managed) => over_managed(frame, managed, &generator.identity, parts, scope).await,
        Object::Pinned(pinned) => {
            let mut pinned = pinned.lock().await;
            let pinned = pinned.as_mut().expect("a loop does not take the generator");
            over_pinned(frame, pinned, &generator.identity, parts, scope).await
        }
    }
}

/// Iterates a managed generator. It is not a stream: its items are requested by `anext`, as its documentation
/// recommends.
pub(super) async fn over_managed(
    frame: &Frame<'_, '_>,
    managed: &Managed<()>,
    identity: &Identity,
    parts: For<'_>,
    scope: &Scope<'_>,
) -> RunResult {
    identity.announce_unless_hooked();
    let items = stream::unfold((), |()| async move {
        identity.resumed();
        let (mut waited, mut thrown) = (frame.wait(managed.anext()).await, None);
        while let Err(raised) = waited {
            identity.thrown(&raised, Some(State::Running));
            thrown = Some(raised.clone());
            waited = frame.wait(managed.athrow(raised.into_thrown())).await;
        }
        Some((item(frame, thrown.as_ref(), waited.expect("the loop ends without a throw"))?, ()))
    });
    each(frame, items, parts, scope).await
}

/// Iterates a pinned generator as a stream. Where something may be thrown in during an await, its items are requested
/// by `anext` instead: a stream cannot pass a throw on.
pub(super) async fn over_pinned(
    frame: &Frame<'_, '_>,
    pinned: &mut Pinned<()>,
    identity: &Identity,
    parts: For<'_>,
    scope: &Scope<'_>,
) -> RunResult {
    identity.announce_unless_hooked();
    if !frame.world().is_thrown_into {
        return each(frame, pinned, parts, scope).await;
    }
    let items = stream::unfold(pinned, |pinned| async move {
        identity.resumed();
        let (mut waited, mut thrown) = (frame.wait(pinned.anext()).await, None);
        while let Err(raised) = waited {
            identity.thrown(&raised, Some(State::Running));
            thrown = Some(raised.clone());
            waited = frame.wait(pinned.athrow(raised.into_thrown())).await;
        }
        Some((item(frame, thrown.as_ref(), waited.expect("the loop ends without a throw"))?, pinned))
    });
    each(frame, items, parts, scope).await
}

/// Returns `None` at the end.
fn item(
    frame: &Frame<'_, '_>,
    thrown: Option<&Raised>,
    result: OperationResult<()>,
) -> Option<Result<Value, Raised>> {
    let item = outcome(frame.world(), Operation::Anext, result);
    frame.check_closed(thrown, &item);
    match item {
        Err(end) if end.kind() == Kind::StopAsyncIteration => None,
        item => Some(item),
    }
}

async fn each(
    frame: &Frame<'_, '_>,
    items: impl Stream<Item = Result<Value, Raised>>,
    parts: For<'_>,
    scope: &Scope<'_>,
) -> RunResult {
    if parts.orelse.is_empty() {
        async_for!(item in items => {
            match body(frame, item?, parts, scope).await? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                flow @ Flow::Return(_) => return Ok(flow),
            }
        });
        return Ok(Flow::Next);
    }
    async_for!(item in items => {
        match body(frame, item?, parts, scope).await? {
            Flow::Next | Flow::Continue => {}
            Flow::Break => break,
            flow @ Flow::Return(_) => return Ok(flow),
        }
    } else {
        frame.world().log("else");
        return run_block(frame, parts.orelse, scope.clone()).await;
    });
    Ok(Flow::Next)
}

async fn body(frame: &Frame<'_, '_>, item: Value, parts: For<'_>, scope: &Scope<'_>) -> RunResult {
    frame.locals().items.insert(parts.variable, item);
    frame.world().log(format_args!("item {}", text(item)));
    run_block(frame, parts.body, scope.clone()).await
}
