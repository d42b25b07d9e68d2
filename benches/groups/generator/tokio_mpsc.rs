//! A task that sends into a channel.

use std::hint::black_box;

use futures::stream::{self, Stream};
use tokio::sync::mpsc;

pub(super) fn plain(n: u64) -> impl Stream<Item = u64> {
    let (to, mut numbers) = mpsc::channel(1);
    tokio::spawn(async move {
        for number in 0..n {
            if to.send(black_box(number)).await.is_err() {
                return;
            }
        }
    });
    stream::poll_fn(move |cx| numbers.poll_recv(cx))
}
