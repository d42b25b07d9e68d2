//! Coroutines: async bodies that yield to whoever drives them, and get an answer.

mod drive;
mod error;
mod exchange;
mod handle;
mod machine;
mod run;
#[expect(
    unsafe_code,
    reason = "the one place where a body reaches what lies beside it; see the invariants there"
)]
mod slot;
mod state;
mod step;
mod suspend;
mod throw;
mod yielder;

pub use self::drive::Drive;
pub use self::error::Error;
pub use self::handle::{BoxCoroutine, Coroutine, LocalBoxCoroutine, coroutine, try_coroutine};
pub use self::run::{run, switch};
pub use self::slot::Yielder;
pub use self::state::State;
pub use self::step::Step;
pub use self::suspend::Yield;
pub use self::throw::{Exit, Throw, Thrown};
