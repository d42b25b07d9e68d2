//! `async for`.

use futures::{Stream, stream};
use withal::async_for;
use withal::coroutine::State;
use withal::generator::AsyncGeneratorExt;

use super::frame::Frame;
use super::generators::{Generator, Managed, Object, Pinned, Stepped, outcome};
use super::identity::Identity;
use super::program::{Operation, Statement, Value};
use super::raised::{Kind, Raised};
use super::statements::{Flow, Ran, Scope, run_block, text};

/// `async for variable in ..`, with its body and its `else`.
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
) -> Ran {
    match &generator.object {
        Object::Managed(managed) => over_managed(frame, managed, &generator.identity, parts, scope).await,
        Object::Pinned(pinned) => {
            let mut pinned = pinned.lock().await;
            let pinned = pinned.as_mut().expect("a loop takes none");
            over_pinned(frame, pinned, &generator.identity, parts, scope).await
        }
    }
}

/// It is no stream: its items are asked for, as its docs have it.
pub(super) async fn over_managed(
    frame: &Frame<'_, '_>,
    managed: &Managed<()>,
    identity: &Identity,
    parts: For<'_>,
    scope: &Scope<'_>,
) -> Ran {
    identity.announce_unless_hooked();
    let items = stream::unfold((), |()| async move {
        identity.goes_on();
        let (mut waited, mut thrown) = (frame.wait(managed.anext()).await, None);
        while let Err(raised) = waited {
            identity.thrown(&raised, Some(State::Running));
            thrown = Some(raised.clone());
            waited = frame.wait(managed.athrow(raised.into_thrown())).await;
        }
        Some((item(frame, thrown.as_ref(), waited.expect("nothing is thrown any more"))?, ()))
    });
    each(frame, items, parts, scope).await
}

/// It is a stream, and iterated as such. Where something may be thrown in while it awaits, that has to be handed on,
/// which streams cannot: then it is asked for its items.
pub(super) async fn over_pinned(
    frame: &Frame<'_, '_>,
    pinned: &mut Pinned<()>,
    identity: &Identity,
    parts: For<'_>,
    scope: &Scope<'_>,
) -> Ran {
    identity.announce_unless_hooked();
    if !frame.world().is_thrown_into {
        return each(frame, pinned, parts, scope).await;
    }
    let items = stream::unfold(pinned, |pinned| async move {
        identity.goes_on();
        let (mut waited, mut thrown) = (frame.wait(pinned.anext()).await, None);
        while let Err(raised) = waited {
            identity.thrown(&raised, Some(State::Running));
            thrown = Some(raised.clone());
            waited = frame.wait(pinned.athrow(raised.into_thrown())).await;
        }
        Some((item(frame, thrown.as_ref(), waited.expect("nothing is thrown any more"))?, pinned))
    });
    each(frame, items, parts, scope).await
}

/// None at the end.
fn item(
    frame: &Frame<'_, '_>,
    thrown: Option<&Raised>,
    stepped: Stepped<()>,
) -> Option<Result<Value, Raised>> {
    let item = outcome(frame.world(), Operation::Anext, stepped);
    frame.came(thrown, &item);
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
) -> Ran {
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

async fn body(frame: &Frame<'_, '_>, item: Value, parts: For<'_>, scope: &Scope<'_>) -> Ran {
    frame.locals().items.insert(parts.variable, item);
    frame.world().log(format_args!("item {}", text(item)));
    run_block(frame, parts.body, scope.clone()).await
}
