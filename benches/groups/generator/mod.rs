//! Async generators: the cost of a yield, of a yield through nested generators, of a sent value, and of creating a generator.
//!
//! A row is one crate in all groups, and has a file here with a function for each group: [`plain`], [`ready`] and [`nested`]
//! yield the numbers `0..n` to the same loop ([`sum`]), `create` creates n generators of one number, and `asend` sends the
//! numbers in and receives their running total. Each number passes through [`black_box`] once: otherwise, the optimizer would
//! replace some loops by a formula. No body is used in two groups: a function with two callers may not be inlined, which
//! doubles some figures.
//!
//! `hand-written` is a `poll_next` written by hand, without a generator. Compared with:
//! - `unfold`: from the crate futures. It moves its state into a future per item, so nested streams are pinned outside of it.
//! - `async-stream`: a macro; the value passes through a thread-local.
//! - `async-gen`: a box shared with the body. Its function is used: its macros wrap the body once more, and cost a little more.
//! - `async_fn_stream`: an `Arc` shared with the body, and a thread-local that identifies the current stream.
//! - `asynk-strim`: wraps the waker, so that the yield finds its stream in the context; no allocation.
//! - `fauxgen`: likewise, and receives values. Its attribute is used, whose token is inline; the token of `gen!` is boxed.
//! - `genawaiter-rc`, `-sync`, `-stack`: the value passes through a shared cell, a shared mutex, or a cell on the stack. The
//!   last is created by a macro that hides an `unsafe`, and cannot leave its scope.
//! - `tokio-mpsc`: without a crate for generators, a task and a channel with a capacity of one.
//!
//! withal, fauxgen and genawaiter receive values; genawaiter only in its synchronous form, in which bodies can only await
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

/// The numbers.
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

/// Each number is first awaited in the body, as a ready future: the cost of a yield next to another await.
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

/// The numbers through three more generators, each of which loops over the one inside it.
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

/// A number is sent in, and the total so far is yielded.
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

/// A generator is created, driven to its end, and dropped.
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

/// One stream per number.
fn each<S: Stream<Item = u64>>(name: &'static str, make: impl Fn(u64) -> S + 'static) -> Row {
    total(name, async move |n| {
        let mut total = 0;
        for number in 0..n {
            total += sum(make(number)).await;
        }
        total
    })
}

/// Asserts that no number is lost or repeated.
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
