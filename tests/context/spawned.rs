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

use tokio::sync::Mutex;
use withal::context::{
    AsyncContextManager, AsyncGuard, Detach, DropAfterChildren, DropNow, ExitReason, Restart, async_with,
    closing, nullcontext,
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

/// Runs a scope with the manager on a spawned task.
macro_rules! spawned {
    ($manager:expr, |$target:ident| $block:expr) => {{
        let manager = $manager;
        let scope = tokio::spawn(async move {
            async_with!($target = manager => {
                tokio::task::yield_now().await;
                $block;
            });
        });
        scope.await.unwrap();
    }};
}

#[tokio::test]
async fn locks() {
    let names = Arc::new(Mutex::new(vec!["Ada"]));
    let n = names.clone();
    spawned!(n.clone(), |names| names.push("Grace"));
    assert_eq!(names.lock().await.len(), 2);

    let name = Arc::new(Mutex::new(Cow::Borrowed("Ada")));
    spawned!(name, |name| *name = Cow::Borrowed("Grace"));
}

#[tokio::test]
async fn every_policy() {
    spawned!(Holder::<Cow<'static, str>, DropNow>::new("Ada".into()), |name| name.to_mut().push('!'));
    spawned!(Holder::<_, DropAfterChildren>::new(vec!["Ada"]), |names| names.push("Grace"));
    spawned!(Holder::<_, Detach>::new(Box::new("Ada") as Box<dyn AsRef<str> + Send>), |name| {
        assert_eq!((**name).as_ref(), "Ada");
    });
    let greet = || Box::new(|name: &'static str| name.len()) as Box<dyn Fn(&'static str) -> usize + Send>;
    spawned!(Holder::<_, Restart>::new(greet()), |greet| assert_eq!(greet("Ada"), 3));
}

#[tokio::test]
async fn managers_of_the_crate() {
    spawned!(nullcontext(Box::new("Ada") as Box<dyn AsRef<str> + Send>), |name| {
        assert_eq!((**name).as_ref(), "Ada");
    });
    spawned!(closing(vec!["Ada"], drop), |names| names.push("Grace"));
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
