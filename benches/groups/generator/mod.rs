//! Async generators: what a yield costs, what it costs through layers, what a sent value costs, and the making of one.
//!
//! A row is one crate in all groups, and a file here with a function for each: [`plain`], [`ready`] and [`nested`] yield
//! the numbers `0..n` to the same loop ([`sum`]), `create` makes n generators of one number, and `asend` sends the
//! numbers in and gets their running total back. Each number goes through [`black_box`] on its way out, once an
//! operation, or else the optimiser would fold some rows' loops into a formula. And no body is in two groups: one that has
//! two callers may be inlined into neither, which doubles the figure of some.
//!
//! `hand-written` is what one would write as a `poll_next`, without a generator. What the peers are:
//! - `unfold`: of the crate futures. It moves its state into a future an item, so its nested streams are pinned around it.
//! - `async-stream`: a macro; the value goes out through a thread-local.
//! - `async-gen`: a box that the body shares. By its function: its macros wrap the body once more, and cost a little more.
//! - `async_fn_stream`: an `Arc` that the body shares, and a thread-local to say whose turn it is.
//! - `asynk-strim`: wraps the waker, so that the yield finds its stream in the context; no allocation.
//! - `fauxgen`: likewise, and takes arguments. Its attribute, whose token is inline; that of its `gen!` is in a box.
//! - `genawaiter-rc`, `-sync`, `-stack`: where the value goes out, a shared cell, a shared mutex, or a cell on the stack.
//!   The last is made by a macro that hides an `unsafe`, and cannot leave the scope in which it was made.
//! - `tokio-mpsc`: what one does without any of them, a task and a channel of one place.
//!
//! Two-way are ours, fauxgen and genawaiter; the last only in its synchronous form, whose bodies can await nothing but
//! yields.

mod async_fn_stream;
mod async_gen;
mod async_stream;
mod asynk_strim;
mod fauxgen;
mod genawaiter;
mod hand_written;
mod ours;
mod tokio_mpsc;
mod unfold;

use std::hint::black_box;
use std::pin::pin;

use futures::{Stream, StreamExt as _};

use crate::harness::{Clock, Group, Row};

pub(super) fn groups() -> Vec<Group> {
    vec![plain(), ready(), nested(), asend(), create()]
}

/// The numbers, as they come.
fn plain() -> Group {
    let rows = vec![
        items("withal", ours::plain),
        items("hand-written", hand_written::plain),
        items("unfold", unfold::plain),
        items("async-stream", async_stream::plain),
        items("async-gen", async_gen::plain),
        items("async_fn_stream", async_fn_stream::plain),
        items("asynk-strim", asynk_strim::plain),
        items("fauxgen", fauxgen::plain),
        items("genawaiter-rc", genawaiter::rc::plain),
        items("genawaiter-sync", genawaiter::sync::plain),
        total("genawaiter-stack", genawaiter::stack::plain),
        items("tokio-mpsc", tokio_mpsc::plain),
    ];
    group("plain", "item", rows)
}

/// Each number awaited in the body first, as a future that is ready: the yield costs what it costs beside another await.
fn ready() -> Group {
    let rows = vec![
        items("withal", ours::ready),
        items("hand-written", hand_written::ready),
        items("unfold", unfold::ready),
        items("async-stream", async_stream::ready),
        items("async-gen", async_gen::ready),
        items("async_fn_stream", async_fn_stream::ready),
        items("asynk-strim", asynk_strim::ready),
        items("fauxgen", fauxgen::ready),
        items("genawaiter-rc", genawaiter::rc::ready),
        items("genawaiter-sync", genawaiter::sync::ready),
        total("genawaiter-stack", genawaiter::stack::ready),
    ];
    group("ready", "item", rows)
}

/// The numbers through three generators more, each of which loops over the one inside it.
fn nested() -> Group {
    let rows = vec![
        items("withal", ours::nested),
        items("withal (helpers)", ours::helped),
        items("withal (yield_from)", ours::delegated),
        items("hand-written", hand_written::nested),
        total("unfold", unfold::nested),
        items("async-stream", async_stream::nested),
        items("async-gen", async_gen::nested),
        items("async_fn_stream", async_fn_stream::nested),
        items("asynk-strim", asynk_strim::nested),
        items("fauxgen", fauxgen::nested),
        items("genawaiter-rc", genawaiter::rc::nested),
        items("genawaiter-sync", genawaiter::sync::nested),
        total("genawaiter-stack", genawaiter::stack::nested),
    ];
    group("nested", "item", rows)
}

/// A number sent in, and the total of all so far yielded back.
fn asend() -> Group {
    let rows = vec![
        total("withal", ours::asend),
        total("hand-written", hand_written::asend),
        total("fauxgen", fauxgen::asend),
        total("genawaiter-rc", genawaiter::rc::asend),
        total("genawaiter-sync", genawaiter::sync::asend),
        total("genawaiter-stack", genawaiter::stack::asend),
    ];
    group("asend", "round trip", rows)
}

/// A generator made, driven through its one item to its end, and dropped.
fn create() -> Group {
    let rows = vec![
        each("withal", ours::one),
        each("hand-written", hand_written::one),
        each("unfold", unfold::one),
        each("async-stream", async_stream::one),
        each("async-gen", async_gen::one),
        each("async_fn_stream", async_fn_stream::one),
        each("asynk-strim", asynk_strim::one),
        each("fauxgen", fauxgen::one),
        each("genawaiter-rc", genawaiter::rc::one),
        each("genawaiter-sync", genawaiter::sync::one),
        total("genawaiter-stack", genawaiter::stack::create),
    ];
    group("create", "generator", rows)
}

fn group(name: &str, per: &'static str, rows: Vec<Row>) -> Group {
    Group { name: format!("generator/{name}"), per, step: 1, counted: 20_000, clock: Clock::Wall, rows }
}

/// One stream of all numbers.
fn items<S: Stream<Item = u64>>(name: &'static str, make: impl Fn(u64) -> S + 'static) -> Row {
    total(name, async move |n| sum(make(n)).await)
}

/// A stream a number.
fn each<S: Stream<Item = u64>>(name: &'static str, make: impl Fn(u64) -> S + 'static) -> Row {
    total(name, async move |n| {
        let mut total = 0;
        for number in 0..n {
            total += sum(make(number)).await;
        }
        total
    })
}

/// No row may lose or repeat a number.
fn total(name: &'static str, add_up: impl AsyncFn(u64) -> u64 + 'static) -> Row {
    Row::new(name, async move |n| {
        let total = black_box(add_up(n).await);
        assert_eq!(total, n * n.saturating_sub(1) / 2, "every number once");
    })
}

/// The loop of every row.
async fn sum(items: impl Stream<Item = u64>) -> u64 {
    let mut items = pin!(items);
    let mut sum = 0;
    while let Some(item) = items.next().await {
        sum += item;
    }
    sum
}
