use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::CleanupEvent;
use crate::panic::ignore_panic;

type Hook = Arc<dyn Fn(&CleanupEvent<'_>) + Send + Sync>;

/// By the address of the hook, which is unique while it is registered.
static HOOKS: Mutex<Vec<Hook>> = Mutex::new(Vec::new());

/// Nothing panics while they are locked.
fn hooks() -> MutexGuard<'static, Vec<Hook>> {
    HOOKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `hook` for every cleanup of this process that fails or is lost, until the observer is dropped.
///
/// It is called where the cleanup ends: in a task, or in a destructor. So it must not block, and a panic of its own is
/// caught. There may be several. One that is under way on another thread as its observer is dropped comes to its end.
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
///     CleanupEvent::Failed { error, .. } => eprintln!("{event}: {:?}", error.downcast_ref::<std::io::Error>()),
///     _ => eprintln!("{event}"),
/// });
/// cleanup::detach(async { Err(std::io::Error::other("connection reset")) });
/// cleanup::drain(Duration::from_secs(5)).await?;
/// # drop(observer);
/// # Ok(())
/// # }
/// ```
pub fn observe(hook: impl Fn(&CleanupEvent<'_>) + Send + Sync + 'static) -> ObserverGuard {
    let hook: Hook = Arc::new(hook);
    hooks().push(Arc::clone(&hook));
    ObserverGuard(hook)
}

/// Keeps a hook registered, until it is dropped; see [`observe`].
#[must_use = "the hook is called no more once this is dropped"]
pub struct ObserverGuard(Hook);

impl Drop for ObserverGuard {
    fn drop(&mut self) {
        hooks().retain(|hook| !Arc::ptr_eq(hook, &self.0));
    }
}

impl fmt::Debug for ObserverGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserverGuard").finish_non_exhaustive()
    }
}

/// Never panics: it is called in destructors.
pub(crate) fn notify_observers(event: &CleanupEvent<'_>) {
    // Not while they are locked: a hook may observe, or detach.
    let hooks = hooks().clone();
    for hook in hooks {
        // And the hook itself may have been the last of its kind.
        ignore_panic(move || hook(event));
    }
}
