use std::pin::Pin;
use std::task::{Context, Poll};

/// Polls a future `polls` times, then drops it.
struct PollThenDrop<F> {
    future: Option<Pin<Box<F>>>,
    polls: usize,
}

impl<F: Future> Future for PollThenDrop<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        if self.polls == 0 {
            self.future = None;
            return Poll::Ready(None);
        }
        self.polls -= 1;
        let future = self.future.as_mut().expect("future polled after completion");
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

/// Runs a program repeatedly, and drops it after its first poll, its second poll, and so on, until a run completes
/// before it is dropped.
///
/// `check` is called after each run, with the output if the run completed. Returns the number of runs that were
/// dropped.
pub async fn drop_at_every_await<P: Future>(
    mut program: impl FnMut() -> P,
    mut check: impl AsyncFnMut(Option<P::Output>),
) -> usize {
    for polls in 0.. {
        let output = PollThenDrop { future: Some(Box::pin(program())), polls }.await;
        let is_complete = output.is_some();
        check(output).await;
        if is_complete {
            return polls;
        }
    }
    unreachable!("the program never completes")
}
