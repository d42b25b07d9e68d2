//! The timer of grace periods and of [`drain`](super::drain()): one thread for the whole process, started when it is
//! first needed. It depends on no runtime, because tokio's timer panics on a runtime that has not enabled it.
//!
//! If the thread cannot be started, tokio's timer takes its place, and if the runtime has none either, there is no
//! limit.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Id};
use tokio::task::coop::unconstrained;

use super::event::CleanupEvent;
use super::observe::notify_observers;
use crate::panic::{catch_panic, drop_payload, ignore_panic};

/// A deadline, and a number that makes the key unique.
type Key = (Instant, u64);

#[derive(Default)]
struct Timers {
    has_thread: bool,
    next_number: u64,
    wakers: BTreeMap<Key, Waker>,
}

static TIMERS: Mutex<Timers> =
    Mutex::new(Timers { has_thread: false, next_number: 0, wakers: BTreeMap::new() });

/// Notified when the first deadline has moved forward.
static CHANGED: Condvar = Condvar::new();

/// Locks the timers. Wakers are cloned, woken and dropped while they are not locked, because that runs user code.
fn timers() -> MutexGuard<'static, Timers> {
    TIMERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A future that is ready at a deadline.
///
/// ```text
///             +--> Registered (woken by the thread)
/// Idle --poll-+--> Tokio (no thread, a runtime with a timer)
///             +--> Unlimited (neither, or an unrepresentable deadline)
/// ```
pub(super) struct Sleep {
    deadline: Option<Instant>,
    state: State,
}

enum State {
    Idle,
    /// With the waker that is registered, so that a poll by the same task takes no lock.
    Registered(u64, Waker),
    Tokio(Pin<Box<tokio::time::Sleep>>),
    Unlimited,
}

impl Sleep {
    pub(super) fn new(duration: Duration) -> Self {
        Self { deadline: Instant::now().checked_add(duration), state: State::Idle }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        // The clock decides, so that neither a late thread nor a spent coop budget delays the end.
        if deadline <= Instant::now() {
            return Poll::Ready(());
        }
        match &mut self.state {
            State::Idle => {
                self.state = start(deadline, cx);
                match &mut self.state {
                    // It registers its waker when it is first polled.
                    State::Tokio(sleep) => poll_tokio(sleep, cx),
                    _ => Poll::Pending,
                }
            }
            State::Registered(number, waker) => {
                if !waker.will_wake(cx.waker()) {
                    let number = *number;
                    register((deadline, number), cx.waker());
                    self.state = State::Registered(number, cx.waker().clone());
                }
                Poll::Pending
            }
            State::Tokio(sleep) => poll_tokio(sleep, cx),
            State::Unlimited => Poll::Pending,
        }
    }
}

/// The budget may be spent by the work that was polled before.
fn poll_tokio(sleep: &mut Pin<Box<tokio::time::Sleep>>, cx: &mut Context<'_>) -> Poll<()> {
    Pin::new(&mut unconstrained(sleep)).poll(cx)
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let (Some(deadline), State::Registered(number, _)) = (self.deadline, &self.state) {
            let waker = timers().wakers.remove(&(deadline, *number));
            // The destructor of a waker is user code, and this may run in a destructor.
            ignore_panic(|| drop(waker));
        }
    }
}

/// Registers a new sleep with the thread, or with what replaces the thread.
fn start(deadline: Instant, cx: &Context<'_>) -> State {
    let mut timers = timers();
    if !timers.has_thread {
        // Started under the lock, so that there is one thread.
        match thread::Builder::new().name("withal-timer".into()).spawn(run_thread) {
            Ok(_) => timers.has_thread = true,
            Err(error) => {
                drop(timers);
                return start_without_thread(deadline, &error);
            }
        }
    }
    let number = timers.next_number;
    timers.next_number += 1;
    drop(timers);
    register((deadline, number), cx.waker());
    State::Registered(number, cx.waker().clone())
}

/// Stores the waker, and wakes the thread if this is the first deadline.
fn register(key: Key, waker: &Waker) {
    // Cloned before the timers are locked.
    let waker = waker.clone();
    let mut timers = timers();
    let replaced = timers.wakers.insert(key, waker);
    let is_first =
        replaced.is_none() && timers.wakers.first_key_value().is_some_and(|(first, _)| *first == key);
    drop(timers);
    if is_first {
        CHANGED.notify_one();
    }
    drop(replaced);
}

/// Wakes the sleeps whose deadlines have passed, for ever.
fn run_thread() {
    let mut timers = timers();
    loop {
        // Split off what is due, and wake it while the timers are not locked.
        let later = timers.wakers.split_off(&(Instant::now(), u64::MAX));
        let due = mem::replace(&mut timers.wakers, later);
        if !due.is_empty() {
            drop(timers);
            for waker in due.into_values() {
                ignore_panic(|| waker.wake());
            }
            timers = self::timers();
            continue;
        }
        // Nothing is due: sleep until the first deadline, or until there is an earlier one.
        timers = match timers.wakers.first_key_value() {
            Some((&(deadline, _), _)) => {
                let duration = deadline.saturating_duration_since(Instant::now());
                CHANGED.wait_timeout(timers, duration).unwrap_or_else(PoisonError::into_inner).0
            }
            None => CHANGED.wait(timers).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

/// Set when a failure to start the thread has been reported. Relaxed: it orders no other memory.
static IS_REPORTED: AtomicBool = AtomicBool::new(false);

/// The last runtime that turned out to have no timer, so that the panic hook runs once for it.
static WITHOUT_TIMER: Mutex<Option<Id>> = Mutex::new(None);

#[cold]
fn start_without_thread(deadline: Instant, error: &io::Error) -> State {
    if !IS_REPORTED.swap(true, Ordering::Relaxed) {
        notify_observers(&CleanupEvent::TimerUnavailable { error });
    }
    // tokio's timer panics if it is not enabled, and there is no other way to find out: only a panic that unwinds can be
    // caught.
    let Ok(runtime) = Handle::try_current() else { return State::Unlimited };
    if cfg!(panic = "abort") || *without_timer() == Some(runtime.id()) {
        return State::Unlimited;
    }
    match catch_panic(|| Box::pin(tokio::time::sleep_until(deadline.into()))) {
        Ok(sleep) => State::Tokio(sleep),
        Err(payload) => {
            *without_timer() = Some(runtime.id());
            drop_payload(payload);
            State::Unlimited
        }
    }
}

fn without_timer() -> MutexGuard<'static, Option<Id>> {
    WITHOUT_TIMER.lock().unwrap_or_else(PoisonError::into_inner)
}
