//! Context managers: exits that are awaited whichever way a block is left, and in order.

use std::any::Any;

#[expect(missing_docs, missing_debug_implementations, reason = "no interface: what the macro expands to")]
mod body;
mod closing;
mod decorate;
mod either;
mod error;
mod exit;
#[doc(hidden)]
#[expect(
    missing_debug_implementations,
    clippy::must_use_candidate,
    clippy::unused_self,
    reason = "no interface: what the macro expands to"
)]
pub mod expansion;
mod fault;
mod function;
mod locks;
mod macros;
mod manager;
mod nullcontext;
mod policy;
#[expect(
    missing_docs,
    missing_debug_implementations,
    clippy::missing_panics_doc,
    reason = "no interface: what the macro expands to"
)]
mod scope;
mod shield;
mod stack;
mod suppress;
mod verdict;
mod with;

#[doc(inline)]
pub use crate::async_with;

pub use self::closing::{AClosing, AsyncClose, Closing, aclosing, closing};
pub use self::decorate::{Decorated, decorate};
pub use self::either::Either;
pub use self::error::Error;
pub use self::exit::Exit;
pub use self::fault::Hidden;
pub use self::function::{Entered, Function, Outcome, Yielder, asynccontextmanager};
pub use self::locks::{
    Lock, Locked, Permits, Read, Write, permits, permits_owned, read, read_owned, write, write_owned,
};
pub use self::manager::{AsyncContextManager, AsyncExit};
pub use self::nullcontext::{NullContext, nullcontext};
pub use self::policy::{Detach, DropNow, ExitPolicy, Hold, Restart};
pub use self::shield::{AsyncContextManagerExt, ShieldEnter};
pub use self::stack::{AsyncExitStack, Callback, ExitErrors, ExitFn, Lent, StillLent};
pub use self::suppress::{Suppress, suppress};
pub use self::verdict::Verdict;
pub use self::with::{ErrorOf, Out, SendBody, async_with, async_with_send};
use crate::cleanup::{Event, tell};

/// The panic of a manager that broke the contract of [`AsyncExit::parts`].
const NEITHER: &str = "an exit has to fail, or to swallow it, after its manager interrupted the block";

/// Tells the observers of the error of an exit that gave way to what was under way.
fn report<G: AsyncExit>(error: &(dyn Any + Send)) {
    tell(&Event::Failed { name: std::any::type_name::<G>(), error });
}
