//! `withal::desugar`: the macros, held against what they stand for.

mod async_for;
mod expansion;
mod functions;
