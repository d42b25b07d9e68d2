use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Event;
use super::caught::quietly;

type Hook = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

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
/// # async fn main() -> Result<(), withal::cleanup::Unfinished> {
/// use std::time::Duration;
/// use withal::cleanup::{self, Event};
///
/// let observer = cleanup::observe(|event| match event {
///     Event::Failed { error, .. } => eprintln!("{event}: {:?}", error.downcast_ref::<std::io::Error>()),
///     _ => eprintln!("{event}"),
/// });
/// cleanup::detach(async { Err(std::io::Error::other("connection reset")) });
/// cleanup::drain(Duration::from_secs(5)).await?;
/// # drop(observer);
/// # Ok(())
/// # }
/// ```
pub fn observe(hook: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Observer {
    let hook: Hook = Arc::new(hook);
    hooks().push(Arc::clone(&hook));
    Observer(hook)
}

/// Keeps a hook registered, until it is dropped; see [`observe`].
#[must_use = "the hook is called no more once this is dropped"]
pub struct Observer(Hook);

impl Drop for Observer {
    fn drop(&mut self) {
        hooks().retain(|hook| !Arc::ptr_eq(hook, &self.0));
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").finish_non_exhaustive()
    }
}

/// Never panics: it is called in destructors.
pub(crate) fn tell(event: &Event<'_>) {
    // Not while they are locked: a hook may observe, or detach.
    let hooks = hooks().clone();
    for hook in hooks {
        // And the hook itself may have been the last of its kind.
        quietly(move || hook(event));
    }
}
