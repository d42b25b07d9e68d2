//! The consequence of a failed attempt: another one, the end, or the error.

use std::time::Duration;

use super::hooks::{Delays, RestartLimiter, SharedHooks};
use crate::pages::cursor::Cursor;
use crate::pages::policy::OnError;

/// The page that the next attempt requests.
pub(super) enum Target<C> {
    SamePage,
    Restart(Option<C>),
}

/// The consequence of an error.
pub(super) enum Decision<C> {
    /// Another attempt, after this delay.
    Again(Target<C>, Duration),
    /// The stream ends before this page.
    End,
    /// The error is final.
    Fail,
}

/// Decides about an error of an attempt.
pub(super) fn decide<C: Cursor, E>(
    hooks: &SharedHooks<C, E>,
    error: &E,
    delays: &mut Option<Delays>,
    restarted: bool,
    start: Option<&C>,
) -> Decision<C> {
    // The requests of a concurrent stream share the hooks, so the lock is held while the hooks are called.
    let mut hooks = hooks.lock();
    let on_error = match &mut hooks.classify {
        Some(classify) => classify(error),
        None => OnError::Retry { after: None },
    };
    if let OnError::End = on_error {
        return Decision::End;
    }
    // The policy starts at the first failure of a page, since most pages have none.
    if delays.is_none() {
        *delays = hooks.backoff.as_mut().map(|backoff| backoff());
    }
    match next_attempt(&mut hooks.restarts, on_error, delays, restarted, start) {
        Some((target, delay)) => Decision::Again(target, delay),
        None => Decision::Fail,
    }
}

/// Returns the target of the next attempt and the delay before it; `None` if the error is final.
fn next_attempt<C: Cursor>(
    restarts: &mut RestartLimiter<C>,
    on_error: OnError<C>,
    delays: &mut Option<Delays>,
    restarted: bool,
    start: Option<&C>,
) -> Option<(Target<C>, Duration)> {
    match (on_error, delays) {
        (OnError::Fatal | OnError::End, _) | (OnError::Retry { .. }, None) => None,
        (OnError::Retry { after }, Some(delays)) => {
            // The policy limits the number of attempts, so its delay is taken even if `after` replaces it.
            let delay = delays.next()?;
            Some((Target::SamePage, after.unwrap_or(delay)))
        }
        (OnError::Restart { cursor }, delays) => {
            let delay = match delays {
                Some(delays) => delays.next()?,
                // Without a retry policy, each page may restart once.
                None if restarted => return None,
                None => Duration::ZERO,
            };
            let cursor = cursor.or_else(|| start.cloned());
            restarts.try_restart(cursor.as_ref()).then_some((Target::Restart(cursor), delay))
        }
    }
}
