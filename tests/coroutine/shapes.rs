//! Usage patterns that must compile and run: spawned, boxed, in a struct, generic, borrowing, recursive, not `Send`.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;

use futures::{Stream, StreamExt};
use withal::coroutine::{
    BoxCoroutine, Coroutine, GeneratorExit, LocalBoxCoroutine, RawCoroutine, Step, Yielder, coroutine,
};

fn is_send<T: Send>(value: T) -> T {
    value
}

fn all<D: RawCoroutine<Sent: Default> + ?Sized>(mut coroutine: Coroutine<D>) -> Vec<D::Yield> {
    std::iter::from_fn(|| coroutine.resume().ok()?.yielded()).collect()
}

/// The body holds its yielder across an await that is not a yield.
fn ticks() -> Coroutine<impl RawCoroutine<Yield = u64, Sent = (), Return = (), Thrown = GeneratorExit> + Send>
{
    coroutine(async |mut y| {
        for n in 0..3 {
            tokio::task::yield_now().await;
            y.yield_(n).await?;
        }
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(miri, ignore = "a runtime with threads does I/O")]
async fn spawned() {
    let mut ticks = is_send(ticks());
    let task = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Ok(Step::Yielded(n)) = poll_fn(|cx| ticks.poll_resume(cx)).await {
            seen.push(n);
            tokio::task::yield_now().await;
        }
        seen
    });
    assert_eq!(task.await.unwrap(), [0, 1, 2]);
}

struct Holder<'a> {
    boxed: BoxCoroutine<'a, u8>,
    local: LocalBoxCoroutine<'a, u8>,
}

#[test]
fn boxed_and_stored() {
    let held = Holder {
        boxed: coroutine(async |mut y| y.yield_(1).await).boxed(),
        local: coroutine(async |mut y| y.yield_(2).await).boxed_local(),
    };
    let Holder { boxed, local } = held;
    assert_eq!((all(is_send(boxed)), all(local)), (vec![1], vec![2]));
}

fn over<St, T>(
    stream: St,
) -> Coroutine<impl RawCoroutine<Yield = T, Sent = (), Return = (), Thrown = GeneratorExit>>
where
    St: Stream<Item = T>,
{
    coroutine(async move |mut y| {
        let mut stream = pin!(stream);
        while let Some(item) = stream.next().await {
            y.yield_(item).await?;
        }
        Ok(())
    })
}

#[test]
fn generic_over_a_stream() {
    let body = is_send(over(futures::stream::iter(["a", "b"])).boxed());
    assert_eq!(all(body), ["a", "b"]);
}

#[test]
fn borrows_locals_and_yields_borrows() {
    let texts = vec![String::from("a"), String::from("b")];
    let mut count = 0;
    let body = is_send(coroutine(async |mut y: Yielder<'_, &str>| {
        for text in &texts {
            y.yield_(text.as_str()).await?;
            count += 1;
        }
        Ok(())
    }));
    assert_eq!(all(body), ["a", "b"]);
    assert_eq!(count, 2);
}

fn down<'a>(
    y: &'a mut Yielder<'_, u64>,
    from: u64,
) -> Pin<Box<dyn Future<Output = Result<(), GeneratorExit>> + Send + 'a>> {
    Box::pin(async move {
        if from > 0 {
            y.yield_(from).await?;
            down(y, from - 1).await?;
            y.yield_(from).await?;
        }
        Ok(())
    })
}

#[test]
fn a_recursive_helper() {
    let body = is_send(coroutine(async |mut y| down(&mut y, 3).await));
    assert_eq!(all(body), [3, 2, 1, 1, 2, 3]);
}

#[test]
fn a_boxed_body() {
    type Boxed<'g> = Pin<Box<dyn Future<Output = Result<(), GeneratorExit>> + Send + 'g>>;
    fn body(mut y: Yielder<'_, u8>) -> Boxed<'_> {
        Box::pin(async move { y.yield_(1).await })
    }
    assert_eq!(all(is_send(coroutine(body))), [1]);
}

#[tokio::test]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn not_send_on_a_local_set() {
    let shared = Rc::new(5);
    let mut body =
        coroutine(async move |mut y: Yielder<'_, _>| y.yield_(Rc::clone(&shared)).await).boxed_local();
    let local = tokio::task::LocalSet::new();
    let first = local.run_until(async move {
        tokio::task::spawn_local(async move { poll_fn(|cx| body.poll_resume(cx)).await }).await
    });
    assert_eq!(first.await.unwrap(), Ok(Step::Yielded(Rc::new(5))));
}

#[test]
fn yielded_and_sent_values_need_no_bounds() {
    struct Plain(std::marker::PhantomPinned, std::cell::Cell<u8>);
    let mut body = coroutine(async |mut y: Yielder<'_, Plain, Option<Plain>>| {
        let Some(returned) = y.yield_(Plain(std::marker::PhantomPinned, 1.into())).await? else {
            return Ok(None);
        };
        Ok(Some(returned))
    });
    let Ok(Step::Yielded(plain)) = body.resume() else { panic!("it yields") };
    plain.1.set(2);
    let Ok(Step::Complete(Some(Plain(_, n)))) = body.send(Some(plain)) else { panic!("it returns") };
    assert_eq!(n.get(), 2);
}

/// An interruptible await stores its future once.
#[expect(clippy::large_futures, reason = "the size is measured")]
#[test]
fn the_size_of_an_interruptible_await() {
    #[expect(clippy::large_stack_arrays, reason = "the size is measured")]
    async fn large() {
        let large = [0_u8; 64 * 1024];
        tokio::task::yield_now().await;
        std::hint::black_box(&large);
    }
    let work = size_of_val(&large());
    let body = coroutine(async |mut y: Yielder<'_>| y.interruptible(large()).await);
    let size = size_of_val(&body);
    assert!(size * 10 <= work * 11, "{size} bytes for work of {work}");
}
