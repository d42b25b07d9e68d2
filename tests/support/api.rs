//! The API of the tests of `pages`: [`ScriptedServer`] with numbers as its items.

use withal::testing::ScriptedServer;

pub use withal::testing::ScriptedFailure as Fault;

pub type Api = ScriptedServer<u32>;
