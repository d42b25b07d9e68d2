//! A stack of exits that are entered at run time: their number and their types can depend on the program's input.

mod async_exit_stack;
mod entry;
mod errors;
mod stack_guard;
mod unwind;

pub use self::async_exit_stack::{AsyncExitStack, AsyncExitStackGuard};
pub use self::entry::ExitOutput;
pub use self::errors::{ExitErrors, GuardInUse};
pub use self::stack_guard::StackGuard;
