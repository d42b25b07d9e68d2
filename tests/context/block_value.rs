//! The value of a block, which decides whether the block has failed: each kind of value, by the function and by the
//! macro, with managers that cannot fail, that can, and that suppress.

#![allow(clippy::items_after_statements, reason = "each item stands where it is used")]

use std::convert::Infallible;
use std::fmt::Debug;
use std::io;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use withal::context::{
    AsyncContextManager, AsyncGuard, DropNow, Error, ExitReason, OpaqueError, Suppression, async_with,
    asynccontextmanager, nullcontext,
};

/// The reasons that exits received.
type Seen = Arc<Mutex<Vec<String>>>;

/// A manager whose exit fails with an `E` or succeeds with an `S`.
struct Manager<S, E = Infallible> {
    seen: Seen,
    suppresses: bool,
    /// Replaces the error.
    change_to: Option<&'static str>,
    result: PhantomData<fn() -> (S, E)>,
}

type CannotFail = Manager<()>;
type Suppresses = Manager<bool>;

fn manager<S, E>(seen: &Seen) -> Manager<S, E> {
    Manager { seen: Arc::clone(seen), suppresses: true, change_to: None, result: PhantomData }
}

fn lets_pass(seen: &Seen) -> Suppresses {
    Suppresses { suppresses: false, ..manager(seen) }
}

trait FromBool: Suppression + 'static {
    fn from_bool(suppresses: bool) -> Self;
}

impl FromBool for () {
    fn from_bool(_suppresses: bool) {}
}

impl FromBool for bool {
    fn from_bool(suppresses: bool) -> bool {
        suppresses
    }
}

impl<S: FromBool, E: std::fmt::Debug + Send + 'static> AsyncContextManager for Manager<S, E> {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, E> {
        Ok(self)
    }
}

impl<S: FromBool, E: std::fmt::Debug + Send + 'static> AsyncGuard for Manager<S, E> {
    type Target = Self;
    type Error = E;
    type Suppression = S;
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, mut exit: ExitReason<'_>) -> Result<S, E> {
        let entry = match exit.reborrow() {
            ExitReason::Error(error) if error.is::<OpaqueError>() => "opaque".to_owned(),
            ExitReason::Error(error) => {
                format!("error {}", error.downcast_ref::<&str>().unwrap_or(&"of another type"))
            }
            other => format!("{other:?}"),
        };
        self.seen.lock().unwrap().push(entry);
        if let (ExitReason::Error(error), Some(change_to)) = (exit, self.change_to) {
            *error.downcast_mut().unwrap() = change_to;
        }
        Ok(S::from_bool(self.suppresses))
    }
}

#[derive(Debug, PartialEq)]
struct Own(u32);

impl From<u32> for Own {
    fn from(value: u32) -> Self {
        Self(value)
    }
}

/// The macro's value with each of the three kinds of managers, and the reasons that their exits received.
macro_rules! by_macro {
    ($value:expr) => {{
        let seen = Seen::default();
        let plain = async_with!(_ = manager::<(), Infallible>(&seen) => { $value });
        let fallible = async_with!(_ = manager::<(), String>(&seen) => { $value });
        let suppressed = async_with!(_ = manager::<bool, Infallible>(&seen) => { $value });
        let passed = async_with!(_ = lets_pass(&seen) => { $value });
        let seen = seen.lock().unwrap().join(", ");
        (plain, fallible, suppressed, passed, seen)
    }};
}

/// The same by the function. Its bodies always return a `Result`.
async fn by_function<T, E: std::fmt::Debug + Send + 'static>(
    value: impl Fn() -> Result<T, E>,
) -> (Result<T, E>, Result<T, E>, Option<T>, Result<Option<T>, E>, String) {
    let seen = Seen::default();
    let body = async |_: &mut _| value();
    let plain = async_with(manager::<(), Infallible>(&seen), body).await.map_err(Error::into_inner);
    let fallible = async_with(manager::<(), String>(&seen), async |_| value()).await;
    let fallible = fallible.map_err(|error| match error {
        Error::Block(error) => error,
        _ => panic!("the manager does not fail"),
    });
    let suppressed = async_with(manager::<bool, Infallible>(&seen), async |_| value()).await;
    let suppressed = suppressed.unwrap_or_else(|_| panic!("the exit suppresses"));
    let passed = async_with(lets_pass(&seen), async |_| value()).await.map_err(Error::into_inner);
    let seen = seen.lock().unwrap().join(", ");
    (plain, fallible, suppressed, passed, seen)
}

const ALL_OK: &str = "Ok, Ok, Ok, Ok";
const ALL_FAILED: &str = "error e, error e, error e, error e";

#[tokio::test]
async fn every_cell_of_the_table_by_the_macro() {
    type R = Result<u32, &'static str>;
    let of = |value: R| (value, Ok(value), Some(value), Some(value), ALL_OK.to_owned());
    assert_eq!(by_macro!(R::Ok(1)), of(Ok(1)));
    assert_eq!(by_macro!(R::Err("e")), (Err("e"), Ok(Err("e")), None, Some(Err("e")), ALL_FAILED.to_owned()));
    assert_eq!(by_macro!(None::<u32>), (None, Ok(None), Some(None), Some(None), ALL_OK.to_owned()));
    assert_eq!(by_macro!(()), ((), Ok(()), Some(()), Some(()), ALL_OK.to_owned()));
    let own = || Own(1);
    assert_eq!(by_macro!(own()), (own(), Ok(own()), Some(own()), Some(own()), ALL_OK.to_owned()));

    async fn parameter<T: Copy + Debug + PartialEq>(value: T) {
        let expected = (value, Ok(value), Some(value), Some(value), ALL_OK.to_owned());
        assert_eq!(by_macro!(value), expected);
    }
    async fn error_parameter<E: Copy + Debug + PartialEq + Send + 'static>(error: E) {
        let (plain, fallible, suppressed, passed, seen) = by_macro!(Err::<(), E>(error));
        assert_eq!(
            (plain, fallible, suppressed, passed),
            (Err(error), Ok(Err(error)), None, Some(Err(error)))
        );
        assert_eq!(seen, ALL_FAILED);
    }
    async fn error_without_bounds<E: Copy + Debug + PartialEq>(error: E) {
        let (plain, fallible, suppressed, passed, seen) = by_macro!(Err::<(), E>(error));
        assert_eq!(
            (plain, fallible, suppressed, passed),
            (Err(error), Ok(Err(error)), None, Some(Err(error)))
        );
        assert_eq!(seen, "opaque, opaque, opaque, opaque");
    }
    // The macro does not know that the parameter is a `Result`.
    parameter(R::Err("e")).await;
    error_parameter("e").await;
    error_without_bounds("e").await;
}

#[tokio::test]
async fn every_cell_of_the_table_by_the_function() {
    async fn completes<T: Debug + PartialEq>(value: impl Fn() -> T) {
        let expected = (Ok(value()), Ok(value()), Some(value()), Ok(Some(value())), ALL_OK.to_owned());
        assert_eq!(by_function(|| Ok::<T, &str>(value())).await, expected);
    }
    completes(|| 1).await;
    completes(|| None::<u32>).await;
    completes(|| ()).await;
    completes(|| Own(1)).await;
    let failed = by_function(|| Err::<u32, _>("e")).await;
    assert_eq!(failed, (Err("e"), Err("e"), None, Err("e"), ALL_FAILED.to_owned()));
}

/// `async_with!(_ = tx => { insert().await })?` rolls back.
#[tokio::test]
async fn a_transaction_whose_block_evaluates_to_an_error_is_rolled_back() {
    #[expect(clippy::unused_async, reason = "the test is about functions that return errors by `?`")]
    async fn insert() -> Result<(), io::Error> {
        Err(io::Error::other("duplicate key"))
    }
    async fn save(seen: Seen) -> Result<(), io::Error> {
        let tx = asynccontextmanager(async move |y| {
            let ((), outcome) = y.yield_(()).await;
            seen.lock().unwrap().push(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" }.to_owned());
            Ok::<(), io::Error>(())
        });
        async_with!(_ = tx => { insert().await })?
    }
    let seen = Seen::default();
    assert_eq!(save(Arc::clone(&seen)).await.unwrap_err().to_string(), "duplicate key");
    assert_eq!(*seen.lock().unwrap(), ["ROLLBACK"]);
}

/// The types of the values are not known at the end of the block.
#[tokio::test]
async fn the_value_may_have_a_type_that_is_inferred_later() {
    let seen = Seen::default();
    let number: u64 = async_with!(_ = manager::<(), Infallible>(&seen) => { "5".parse().unwrap() });
    let own: Own = async_with!(_ = manager::<(), Infallible>(&seen) => { 5.into() });
    let result: Result<(), &str> =
        async_with!(_ = manager::<(), Infallible>(&seen) => { Err(Default::default()) });
    let not_send: Result<(), Rc<u32>> =
        async_with!(_ = manager::<(), Infallible>(&seen) => { Err(5.into()) });
    let unsized_later: Box<dyn Debug> = async_with!(_ = manager::<(), Infallible>(&seen) => { Box::new(5) });
    assert_eq!((number, own, result, not_send), (5, Own(5), Err(""), Err(5.into())));
    assert_eq!(format!("{unsized_later:?}"), "5");
    assert_eq!(seen.lock().unwrap().join(", "), "Ok, Ok, error , opaque, Ok");
}

/// A block that never reaches its end has the type `!`.
#[tokio::test]
async fn the_block_may_diverge() {
    async fn returns(seen: &Seen) -> u32 {
        async_with!(_ = manager::<(), Infallible>(seen) => { return 5 })
    }
    async fn fails(seen: &Seen) -> Result<u32, &'static str> {
        async_with!(_ = manager::<(), Infallible>(seen) => { return Err("e") })
    }
    let seen = Seen::default();
    assert_eq!(returns(&seen).await, 5);
    assert_eq!(fails(&seen).await, Err("e"));
    let future = async {
        loop {
            async_with!(loop; _ = manager::<(), Infallible>(&seen) => { break });
        }
    };
    future.await;
    assert_eq!(seen.lock().unwrap().join(", "), "Ok, error e, Ok");
}

/// Every manager of a macro sees the error, up to the one that suppresses it.
#[tokio::test]
async fn nested_managers_see_the_error_of_the_value() {
    let seen = Seen::default();
    let passed = async_with!(
        _ = manager::<(), String>(&seen), _ = lets_pass(&seen), _ = manager::<(), Infallible>(&seen) => {
            Err::<u32, _>("e")
        }
    );
    assert_eq!(passed, Ok(Some(Err("e"))));
    let suppressed = async_with!(
        _ = manager::<(), String>(&seen), _ = manager::<bool, Infallible>(&seen), _ = lets_pass(&seen) => {
            Err::<u32, _>("e")
        }
    );
    assert_eq!(suppressed, Ok(None));
    let seen = seen.lock().unwrap().join(", ");
    assert_eq!(seen, "error e, error e, error e, error e, error e, Ok");
}

/// The managers are type parameters, so that it is not known whether they suppress.
#[tokio::test]
async fn generic_managers_see_the_error_of_the_value() {
    async fn run<M, N>(outer: M, inner: N)
    where
        M: AsyncContextManager,
        N: AsyncContextManager,
    {
        let _result = async_with!(_ = outer, _ = inner => { Err::<u32, _>("e") });
    }
    let seen = Seen::default();
    run(manager::<(), String>(&seen), manager::<(), Infallible>(&seen)).await;
    run(manager::<(), String>(&seen), lets_pass(&seen)).await;
    run(manager::<(), String>(&seen), manager::<bool, String>(&seen)).await;
    assert_eq!(seen.lock().unwrap().join(", "), "error e, error e, error e, error e, error e, Ok");
}

/// The manager can change the error, as that of a `?`.
#[tokio::test]
async fn the_exit_may_change_the_error_of_the_value() {
    let seen = Seen::default();
    let manager = CannotFail { change_to: Some("changed"), ..manager(&seen) };
    assert_eq!(async_with!(_ = manager => { Err::<(), _>("e") }), Err("changed"));
}

/// The value of the error's macro leaves the outer block by `?`, or is the value of the outer block.
#[tokio::test]
async fn macros_inside_of_blocks_pass_the_error_on() {
    async fn by_value(seen: &Seen) -> Result<u32, &'static str> {
        async_with!(_ = manager::<(), Infallible>(seen) => {
            async_with!(_ = manager::<(), Infallible>(seen) => { Err("e") })
        })
    }
    async fn by_question(seen: &Seen) -> Result<u32, &'static str> {
        async_with!(_ = manager::<(), Infallible>(seen) => {
            Ok(async_with!(_ = manager::<(), Infallible>(seen) => { Err("e") })?)
        })
    }
    let seen = Seen::default();
    assert_eq!((by_value(&seen).await, by_question(&seen).await), (Err("e"), Err("e")));
    assert_eq!(seen.lock().unwrap().join(", "), ALL_FAILED);
}

/// In an `async` block, nothing needs to name the type that the block returns.
#[tokio::test]
async fn async_blocks_of_any_type() {
    struct Reply(u32);
    let count = Arc::new(tokio::sync::Mutex::new(1));
    let task = {
        let count = Arc::clone(&count);
        async move { Reply(async_with!(n = &count => { *n })) }
    };
    assert_eq!(tokio::spawn(task).await.unwrap().0, 1);
    let returns = async {
        async_with!(n = &count => {
            if *n == 1 {
                return Reply(2);
            }
        });
        Reply(3)
    };
    assert_eq!(returns.await.0, 2);
    let seen = Seen::default();
    let not_send = async {
        async_with!(_ = manager::<(), Infallible>(&seen) => { "x".parse::<u32>()? });
        Ok::<(), Box<dyn std::error::Error>>(())
    };
    assert_eq!(not_send.await.unwrap_err().to_string(), "invalid digit found in string");
    assert_eq!(seen.lock().unwrap().join(", "), "opaque");
    let reply = async { Some(Reply(async_with!(n = nullcontext(4) => { *n }))) };
    assert_eq!(reply.await.unwrap().0, 4);
}
