//! Managers for the resources that a cancelled future loses: transactions, locks, processes and files.
//!
//! Each is a context manager: [`async_with!`](crate::context::async_with) awaits its cleanup when the block completes,
//! returns an error or panics, and runs it on the runtime when the future is dropped. Each is behind a feature, which
//! adds the client that it needs.
//!
//! | manager | feature | cleanup |
//! |---|---|---|
