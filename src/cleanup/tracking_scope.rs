//! Tracking of the cleanups that are detached inside of a scope: the exit of the scope waits for them.
//!
//! A scope opens a [`TrackingScope`] around each poll of its block. [`detach`](super::detach()) registers the cleanup
//! with the innermost open scope of the thread. When the poll returns, the cleanups move into the scope's
//! [`ChildCleanups`].
//!
//! Nearly all polls detach nothing. For them, a scope costs one thread-local increment when it opens, and a decrement when
//! it closes.

use tokio::runtime::{Handle, Id};

use super::child_cleanups::ChildCleanups;
use super::open_scopes::OpenScopes;
use super::tracked_cleanup::{IN_PLACE, OPEN, TRACKED, TrackedCleanup};
use crate::panic::ignore_panic;

/// A guard that collects the cleanups that are detached on this thread, and adds them to `children` when it is dropped.
///
/// It is held during one poll of the code that detaches the cleanups, and never across an `await`.
pub(crate) struct TrackingScope<'a> {
    children: &'a mut ChildCleanups,
}

impl<'a> TrackingScope<'a> {
    #[inline]
    pub(crate) fn open(children: &'a mut ChildCleanups) -> Self {
        OPEN.with(OpenScopes::open);
        Self { children }
    }
}

impl Drop for TrackingScope<'_> {
    #[inline]
    fn drop(&mut self) {
        if OPEN.with(OpenScopes::close) {
            // A block that is polled outside of a runtime waits for no task: it may have to drive the runtime.
            collect(self.children, |here, runtime| here == Some(runtime));
        }
    }
}

/// Calls `drop` with a [`TrackingScope`] open that collects the cleanups of code that is dropped while it is suspended.
///
/// If the enclosing scope drops a block [in place](drop_in_place), this scope is part of that block.
#[inline]
pub(crate) fn drop_tracked(children: &mut ChildCleanups, drop: impl FnOnce()) {
    let outer = OPEN.with(OpenScopes::depth);
    OPEN.with(OpenScopes::open);
    let _scope = DropScope { children, _in_place: SetInPlace::inherit(outer) };
    drop();
}

/// A [`TrackingScope`] around a destructor.
struct DropScope<'a> {
    children: &'a mut ChildCleanups,
    _in_place: SetInPlace,
}

impl Drop for DropScope<'_> {
    #[inline]
    fn drop(&mut self) {
        if OPEN.with(OpenScopes::close) {
            // Outside of a runtime, a cleanup on the fallback runtime will wait for the children, as a task.
            collect(self.children, |here, runtime| here.is_none_or(|here| here == runtime));
        }
    }
}

/// Moves the cleanups of the scope that was closed to its `children`, if `is_awaited` returns `true` for the current runtime
/// and the cleanup's.
#[cold]
#[inline(never)]
fn collect(children: &mut ChildCleanups, is_awaited: fn(Option<Id>, Id) -> bool) {
    let depth = OPEN.with(OpenScopes::depth) + 1;
    let ours = TRACKED.with_borrow_mut(|tracked| {
        // The inner scopes have collected their cleanups. The entries of this scope come last.
        let ours = tracked.partition_point(|(of, _)| *of < depth);
        OPEN.with(|open| open.set_collected(ours > 0));
        tracked.split_off(ours)
    });
    // All are those of the outer scopes.
    if ours.is_empty() {
        return;
    }
    // `None` outside of a runtime, and while the thread ends.
    let here = Handle::try_current().ok().map(|runtime| runtime.id());
    // The list is not borrowed any more, and this scope is closed: to drop a cleanup can drop its task or the waker that
    // waits for it, whose destructors may detach cleanups.
    for (_, cleanup) in ours {
        // A cleanup on another runtime may need this very thread to make progress.
        let is_awaited = match &cleanup {
            TrackedCleanup::Spawned(cleanup) => is_awaited(here, cleanup.runtime),
            TrackedCleanup::InPlace(_) => true,
        };
        if is_awaited {
            children.push(cleanup);
        } else {
            ignore_panic(|| drop(cleanup));
        }
    }
}

/// Calls `drop`, which drops a block whose scope continues, with that scope as the innermost open one. The exits that
/// are detached meanwhile are not spawned: the scope polls them in its own task.
#[cold]
pub(crate) fn drop_in_place<R>(drop: impl FnOnce() -> R) -> R {
    let _in_place = SetInPlace(IN_PLACE.replace(OPEN.with(OpenScopes::depth)));
    drop()
}

/// A guard that restores [`IN_PLACE`], also after a panic.
struct SetInPlace(usize);

impl SetInPlace {
    /// Opens a scope in place if the scope around it, whose depth is `depth`, is in place.
    #[inline]
    fn inherit(depth: usize) -> Self {
        let in_place = IN_PLACE.get();
        if depth == in_place && depth > 0 {
            IN_PLACE.set(depth + 1);
        }
        Self(in_place)
    }
}

impl Drop for SetInPlace {
    #[inline]
    fn drop(&mut self) {
        IN_PLACE.set(self.0);
    }
}
