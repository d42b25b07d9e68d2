//! [`GracefulShutdown`]: a shutdown in phases.

mod graceful_shutdown;
mod phase;
mod phases;
mod shutdown_handle;
mod shutdown_report;
mod shutdown_state;
#[cfg(feature = "signal")]
mod signals;
mod step_handle;
mod step_output;
mod step_task;

pub use self::graceful_shutdown::GracefulShutdown;
pub use self::phase::Phase;
pub use self::shutdown_handle::ShutdownHandle;
pub use self::shutdown_report::{ShutdownReport, UnfinishedReason, UnfinishedStep};
#[cfg(feature = "signal")]
pub use self::signals::{Signals, TerminationSignal};
pub use self::step_handle::StepHandle;
pub use self::step_output::StepOutput;
