//! A `poll_next` written by hand for each row: inline, without sharing.

use std::future::{self, Ready};
use std::hint::black_box;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Stream;
use pin_project::pin_project;

pub(super) fn plain(n: u64) -> impl Stream<Item = u64> {
    Plain(0..n)
}

pub(super) fn ready(n: u64) -> impl Stream<Item = u64> {
    Awaiting { numbers: 0..n, number: None }
}

pub(super) fn nested(n: u64) -> impl Stream<Item = u64> {
    Relay(Relay(Relay(Plain(0..n))))
}

pub(super) fn one(number: u64) -> impl Stream<Item = u64> {
    Plain(number..number + 1)
}

pub(super) async fn asend(n: u64) -> u64 {
    let mut totals = Totals(0);
    let mut last = 0;
    for number in 0..n {
        last = totals.asend(number).await;
    }
    last
}

struct Plain(Range<u64>);

impl Stream for Plain {
    type Item = u64;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u64>> {
        Poll::Ready(self.0.next().map(black_box))
    }
}

#[pin_project]
struct Awaiting {
    numbers: Range<u64>,
    #[pin]
    number: Option<Ready<u64>>,
}

impl Stream for Awaiting {
    type Item = u64;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u64>> {
        let mut this = self.project();
        if this.number.is_none() {
            let Some(number) = this.numbers.next() else { return Poll::Ready(None) };
            this.number.set(Some(future::ready(number)));
        }
        let number = this.number.as_mut().as_pin_mut().expect("set above");
        let number = ready!(number.poll(cx));
        this.number.set(None);
        Poll::Ready(Some(black_box(number)))
    }
}

#[pin_project]
struct Relay<S>(#[pin] S);

impl<S: Stream> Stream for Relay<S> {
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.project().0.poll_next(cx)
    }
}

struct Totals(u64);

impl Totals {
    fn asend(&mut self, number: u64) -> Ready<u64> {
        self.0 += number;
        future::ready(black_box(self.0))
    }
}
