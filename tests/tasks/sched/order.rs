//! Orders in which ready tasks run within an instant.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context, Poll};

/// The order in which tasks that are ready at one instant run: the order of tokio, or one in which random tasks are delayed.
/// The paused clock stands while a task is ready, so the delay changes nothing else.
#[derive(Default)]
pub(super) struct Order(Option<Random>);

struct Random {
    state: Mutex<u64>,
    /// One of this many steps is delayed.
    one_in: u64,
    /// The longest delay, in iterations.
    max_delay: u64,
}

impl Order {
    /// Returns a random order, the same for the same number.
    pub(super) fn random(number: u64) -> Self {
        let (one_in, max_delay) = [(2, 1), (4, 3), (8, 3), (8, 12)][usize::try_from(number % 4).unwrap()];
        // Odd and so not 0, from which xorshift would yield only zeros.
        let state = Mutex::new(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Self(Some(Random { state, one_in, max_delay }))
    }

    /// Runs `work` in this order.
    pub(super) async fn run<F: Future>(&self, work: F) -> F::Output {
        Delayed { order: self, work: pin!(work), delay: None }.await
    }

    /// Returns the number of iterations by which the next step is delayed.
    fn delay(&self) -> u64 {
        self.0.as_ref().map_or(0, Random::draw)
    }
}

impl Random {
    fn draw(&self) -> u64 {
        let mut state = self.state.lock().unwrap();
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        let drawn = *state >> 32;
        if drawn % self.one_in == 0 { 1 + drawn / self.one_in % self.max_delay } else { 0 }
    }
}

struct Delayed<'a, F> {
    order: &'a Order,
    work: Pin<&'a mut F>,
    /// The remaining delay of the step for which the task was woken.
    delay: Option<u64>,
}

impl<F: Future> Future for Delayed<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let order = self.order;
        let delay = self.delay.get_or_insert_with(|| order.delay());
        if *delay > 0 {
            *delay -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.delay = None;
        self.work.as_mut().poll(cx)
    }
}
