//! A stack of managers that are entered at run time: their number and types can depend on the input of the program.

mod async_exit_stack;
mod entry;
mod errors;
mod stack_guard;
mod stack_interrupts;
mod unwind;

pub use self::async_exit_stack::{AsyncExitStack, AsyncExitStackGuard};
pub use self::entry::ExitOutput;
pub use self::errors::{ExitErrors, GuardInUse, InterruptedByMoved};
pub use self::stack_guard::StackGuard;
