//! Cleanups: what becomes of work that outlives its owner, who is told, and who can wait for it.

mod drain;
mod ends;
mod heard;
mod metrics;
mod observers;
mod places;
mod shutdown;

use self::heard::Heard;
