use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::event::CleanupEvent;
use super::report::report;
use crate::panic::ignore_panic;

type Hook = Arc<dyn Fn(&CleanupEvent<'_>) + Send + Sync>;

/// The registered hooks, identified by their addresses.
static HOOKS: Mutex<Vec<Hook>> = Mutex::new(Vec::new());

/// Locks the hooks. No code that may panic runs while they are locked.
fn hooks() -> MutexGuard<'static, Vec<Hook>> {
    HOOKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `hook` for every cleanup of this process that fails, panics or is abandoned, until the guard is dropped.
///
/// The hook is also called for every error that a scope cannot return, such as an exit's error after the block has
/// panicked. It is called where the cleanup ends, in a task or in a destructor, and must not block. A panic of the hook
/// is ignored. While any hook is registered, events are not [reported](super#reports) on `tracing` or stderr. Any
/// number of hooks can be registered. A call that is running on another thread while the guard is dropped still
/// completes.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::cleanup::DrainTimeout> {
/// use std::time::Duration;
/// use withal::cleanup::{self, CleanupEvent};
///
/// let observer = cleanup::observe(|event| match event {
///     CleanupEvent::Abandoned { .. } => eprintln!("{event}"),
///     _ => eprintln!("{event}: {}", event.error_text().unwrap_or_default()),
/// });
/// cleanup::detach(async { Err(std::io::Error::other("connection reset")) });
/// cleanup::drain(Duration::from_secs(5)).await?;
/// # drop(observer);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "hook", alias = "subscribe", alias = "on_event", alias = "notify")]
pub fn observe(hook: impl Fn(&CleanupEvent<'_>) + Send + Sync + 'static) -> ObserverGuard {
    let hook: Hook = Arc::new(hook);
    hooks().push(Arc::clone(&hook));
    ObserverGuard(hook)
}

/// Keeps a hook registered until it is dropped. Returned by [`observe`].
#[must_use = "the hook is removed when the guard is dropped"]
pub struct ObserverGuard(Hook);

impl Drop for ObserverGuard {
    fn drop(&mut self) {
        // This guard still owns the hook, so that the hook is not dropped under the lock.
        hooks().retain(|hook| !Arc::ptr_eq(hook, &self.0));
    }
}

impl fmt::Debug for ObserverGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserverGuard").finish_non_exhaustive()
    }
}

/// Calls all hooks, or reports the event if there are none. Never panics: it is called in destructors.
pub(crate) fn notify_observers(event: &CleanupEvent<'_>) {
    // Cloned, because a hook may register another hook, or detach a cleanup that is reported at once.
    let hooks = hooks().clone();
    if hooks.is_empty() {
        return report(event);
    }
    for hook in hooks {
        // The closure drops the hook as well: this may be its last reference, and its destructor may panic.
        ignore_panic(move || hook(event));
    }
}
