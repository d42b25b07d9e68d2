//! What the tests of `pages` share: APIs that do as they are told and keep a ledger of what was asked of them. Beside it
//! lie files that others take one by one.

mod api;
mod trace;

pub(crate) use self::api::{Api, Fault};
pub(crate) use self::trace::{items, trace};
