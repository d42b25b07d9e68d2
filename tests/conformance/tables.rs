//! The tables of the docs against the rules.
