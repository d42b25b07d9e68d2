use std::pin::Pin;
use std::task::{Context, Poll};

/// Polls a future so many times, and then drops it.
struct DropAfter<F> {
    future: Option<Pin<Box<F>>>,
    polls: usize,
}

impl<F: Future> Future for DropAfter<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        if self.polls == 0 {
            self.future = None;
            return Poll::Ready(None);
        }
        self.polls -= 1;
        let future = self.future.as_mut().expect("it is polled until it is ready");
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.polls == 0 => {
                self.future = None;
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Runs a program again and again, dropped after its first poll, its second, and so on, until it comes to its end before
/// that; `check` looks at each. Gives how often it was dropped.
pub(crate) async fn at_every_await<P: Future>(
    mut program: impl FnMut() -> P,
    mut check: impl AsyncFnMut(Option<P::Output>),
) -> usize {
    for polls in 0.. {
        let output = DropAfter { future: Some(Box::pin(program())), polls }.await;
        let is_over = output.is_some();
        check(output).await;
        if is_over {
            return polls;
        }
    }
    unreachable!("a program has an end")
}
