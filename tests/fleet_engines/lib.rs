//! Compiles the examples of the documentation of `withal::fleet` that need PostgreSQL.

#[cfg(doctest)]
#[doc = include_str!("../../src/fleet/own_tables.md")]
struct OwnTables;
