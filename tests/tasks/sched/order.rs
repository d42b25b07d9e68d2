//! Orders of turns within an instant.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context, Poll};

/// In which order tasks that are ready at one instant have their turns: each as it comes, or some of them later, drawn by
/// lot. The clock stands while one of them is ready, so that nothing else changes by it.
#[derive(Default)]
pub(super) struct Order(Option<Lots>);

struct Lots {
    state: Mutex<u64>,
    /// One of so many is passed over.
    seldom: u64,
    /// For so many turns at most.
    long: u64,
}

impl Order {
    /// Another one for each number, and always the same.
    pub(super) fn drawn(number: u64) -> Self {
        let (seldom, long) = [(2, 1), (4, 3), (8, 3), (8, 12)][usize::try_from(number % 4).unwrap()];
        // Odd, so that it is not 0, for which xorshift has no other number.
        let state = Mutex::new(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Self(Some(Lots { state, seldom, long }))
    }

    /// `work`, as it has its turns in this order.
    pub(super) async fn kept<F: Future>(&self, work: F) -> F::Output {
        Kept { order: self, work: pin!(work), passes: None }.await
    }

    /// How many turns one that is ready is passed over.
    fn passes(&self) -> u64 {
        self.0.as_ref().map_or(0, Lots::draw)
    }
}

impl Lots {
    fn draw(&self) -> u64 {
        let mut state = self.state.lock().unwrap();
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        let drawn = *state >> 32;
        if drawn % self.seldom == 0 { 1 + drawn / self.seldom % self.long } else { 0 }
    }
}

struct Kept<'a, F> {
    order: &'a Order,
    work: Pin<&'a mut F>,
    /// Of the turn that it was woken for, how many are left.
    passes: Option<u64>,
}

impl<F: Future> Future for Kept<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let order = self.order;
        let passes = self.passes.get_or_insert_with(|| order.passes());
        if *passes > 0 {
            *passes -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.passes = None;
        self.work.as_mut().poll(cx)
    }
}
