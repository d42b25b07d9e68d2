//! Futures of scopes whose guards own values with lifetimes in their types. A spawned task accepts them: a guard of
//! `Vec<&'static str>` is as `Send` as one of `Vec<u32>`.
//!
//! That these tests compile is most of what they assert.

use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::Mutex;
use withal::context::{
    AsyncContextManager, AsyncContextManagerExt, AsyncExitStack, AsyncGuard, Detach, DropAfterChildren,
    DropNow, ExitKind, ExitReason, Restart, async_with, async_with_send, closing, decorate, nullcontext,
    on_exit,
};
use withal::tasks::{TaskGroup, timeout};

/// A guard with a value of any type and any policy.
struct Holder<T, P>(T, PhantomData<P>);

impl<T, P> Holder<T, P> {
    fn new(value: T) -> Self {
        Self(value, PhantomData)
    }
}

macro_rules! holder {
    ($($policy:ident)+) => {$(
        impl<T: Send + 'static> AsyncGuard for Holder<T, $policy> {
            type Target = T;
            type Error = Infallible;
            type Suppression = ();
            type OnDrop = $policy;
            fn target(&mut self) -> &mut T {
                &mut self.0
            }
            async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
                tokio::task::yield_now().await;
                Ok(())
            }
        }

        impl<T: Send + 'static> AsyncContextManager for Holder<T, $policy> {
            type Guard = Self;
            async fn aenter(self) -> Result<Self, Infallible> {
                Ok(self)
            }
        }
    )+};
}

holder!(DropNow DropAfterChildren Detach Restart);

/// Runs scopes with the manager on a spawned task: by the macro, by both functions, on a stack, and wrapped.
macro_rules! spawned {
    ($manager:expr, $type:ty, |$target:ident| $block:expr) => {{
        let new = move || $manager;
        let scopes = tokio::spawn(async move {
            async_with!($target = new() => {
                tokio::task::yield_now().await;
                $block;
            });
            async_with_send(new(), async |$target: &mut $type| {
                tokio::task::yield_now().await;
                $block;
                Ok::<_, Cow<'static, str>>(())
            })
            .await
            .unwrap();
            let by_function = async_with(new(), async |$target| {
                tokio::task::yield_now().await;
                $block;
                Ok::<_, Cow<'static, str>>(())
            });
            by_function.boxed().await.unwrap();

            let stack = AsyncExitStack::new();
            {
                let mut guard = stack.enter_async_context(new()).await.unwrap();
                tokio::task::yield_now().await;
                let $target = guard.target();
                $block;
            }
            stack.aclose().await.unwrap();
            async_with!($target = new().shield_enter() => { $block; });
            async_with!($target = Some(new()) => { if let Some($target) = $target.as_mut() { $block; } });
            async_with!($target = Wrapped(new()) => { $block; });
        });
        scopes.await.unwrap();
    }};
}

/// A manager that wraps another one, as an application writes it.
struct Wrapped<M>(M);

struct WrappedGuard<G>(G);

impl<M: AsyncContextManager<Guard: Send> + Send> AsyncContextManager for Wrapped<M> {
    type Guard = WrappedGuard<M::Guard>;

    async fn aenter(self) -> Result<Self::Guard, <M::Guard as AsyncGuard>::Error> {
        Ok(WrappedGuard(self.0.aenter().await?))
    }
}

impl<G: AsyncGuard + Send> AsyncGuard for WrappedGuard<G> {
    type Target = G::Target;
    type Error = G::Error;
    type Suppression = G::Suppression;
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut G::Target {
        self.0.target()
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<G::Suppression, G::Error> {
        self.0.aexit(exit).await
    }
}

#[tokio::test]
async fn locks() {
    let names = Arc::new(Mutex::new(vec!["Ada"]));
    let shared = names.clone();
    spawned!(shared.clone(), Vec<&'static str>, |names| names.push("Grace"));
    assert_eq!(names.lock().await.len(), 8);

    let name = Arc::new(Mutex::new(Cow::Borrowed("Ada")));
    spawned!(name.clone(), Cow<'static, str>, |name| *name = Cow::Borrowed("Grace"));
}

#[tokio::test]
async fn every_policy() {
    type Text = Box<dyn AsRef<str> + Send>;
    type Length = Box<dyn Fn(&'static str) -> usize + Send>;
    let text = || Box::new("Ada") as Text;
    let length = || Box::new(|name: &'static str| name.len()) as Length;
    spawned!(Holder::<_, DropNow>::new(Cow::Borrowed("Ada")), Cow<'static, str>, |name| name
        .to_mut()
        .push('!'));
    spawned!(Holder::<_, DropAfterChildren>::new(vec!["Ada"]), Vec<&'static str>, |names| names
        .push("Grace"));
    spawned!(Holder::<_, Detach>::new(text()), Text, |name| assert_eq!((**name).as_ref(), "Ada"));
    spawned!(Holder::<_, Restart>::new(length()), Length, |length| assert_eq!(length("Ada"), 3));
}

#[tokio::test]
async fn managers_of_the_crate() {
    spawned!(nullcontext(Some("Ada")), Option<&'static str>, |name| assert_eq!(*name, Some("Ada")));
    spawned!(closing(vec!["Ada"], drop), Vec<&'static str>, |names| names.push("Grace"));
}

type SendError = Box<dyn Error + Send + Sync>;

#[tokio::test]
async fn groups_and_time_limits() {
    let group = async {
        async_with!(group = TaskGroup::<SendError>::new() => {
            group.create_task(async { Err::<&'static str, SendError>("oh".into()) });
            async_with!(_ = timeout(Duration::from_secs(3600)) => { tokio::task::yield_now().await })
        })
    };
    let errors = tokio::spawn(group).await.unwrap().unwrap_err();
    assert!(format!("{errors:?}").contains("oh"), "{errors:?}");
}

/// A function that is generic over the manager returns an `impl Future + Send`, or names the guard as a parameter.
#[tokio::test]
async fn in_a_generic_function() {
    #[expect(clippy::manual_async_fn, reason = "the `Send` bound is part of the type")]
    fn by_bound<M>(manager: M) -> impl Future<Output = usize> + Send
    where
        M: AsyncContextManager<Guard: Send> + Send,
        M::Guard: AsyncGuard<Target = Vec<&'static str>, Suppression = (), Error = Infallible>,
    {
        async { async_with!(names = manager => { names.len() }) }
    }

    let names = Arc::new(Mutex::new(vec!["Ada"]));
    assert_eq!(tokio::spawn(async move { by_bound(names).await }).await.unwrap(), 1);
}

/// The functions of the crate that take an async closure, with guards, arguments and errors that have lifetimes.
#[tokio::test]
async fn async_closures() {
    type Text = Cow<'static, str>;
    type Length = Box<dyn Fn(&'static str) -> usize + Send>;

    let names = Arc::new(Mutex::new(vec!["Ada"]));
    let shared = names.clone();
    let decorated = tokio::spawn(async move {
        let locked = decorate(
            || shared.clone(),
            async |name: &str| {
                tokio::task::yield_now().await;
                Ok::<usize, Text>(name.len())
            },
        );
        assert_eq!(locked.call(&String::from("Grace")).await.unwrap(), 5);
        let released = decorate(
            || on_exit(vec!["Ada"], async |names, _| drop(names)),
            async |names: Vec<&str>| Ok::<usize, Text>(names.len()),
        );
        assert_eq!(released.call(vec!["Grace"]).await.unwrap(), 1);
        let grouped =
            decorate(TaskGroup::<SendError>::new, async |(n, _): (u32, &str)| Ok::<u32, Infallible>(n));
        assert_eq!(grouped.call((3, "Grace")).await.unwrap(), 3);
    });
    decorated.await.unwrap();

    // The parameter of the body needs no type.
    let count = tokio::spawn(async_with_send(names, async |names| {
        tokio::task::yield_now().await;
        names.push("Grace");
        Ok::<usize, Text>(names.len())
    }));
    assert_eq!(count.await.unwrap().unwrap(), 2);

    let exits = tokio::spawn(async {
        let length = Box::new(|name: &'static str| name.len()) as Length;
        let length = on_exit(length, async |length, exit| {
            tokio::task::yield_now().await;
            assert_eq!((length("Ada"), exit), (3, ExitKind::Ok));
            Ok::<(), Text>(())
        });
        async_with!(length = length => { tokio::task::yield_now().await; length("Grace") }).unwrap()
    });
    assert_eq!(exits.await.unwrap(), 5);

    let pushed = tokio::spawn(async {
        let names = vec!["Ada"];
        async_with!(stack = AsyncExitStack::new() => {
            stack.push_async_exit(async |_| Ok::<(), Text>(()));
            stack.push_async_exit(async move |exit| {
                tokio::task::yield_now().await;
                drop(names);
                Ok::<bool, Text>(!exit.is_ok())
            });
            stack.push_async_callback(async || Ok::<(), Text>(()));
            tokio::task::yield_now().await;
        })
    });
    assert_eq!(pushed.await.unwrap().unwrap(), Some(()));
}
