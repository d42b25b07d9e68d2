//! Tests of `withal::desugar`: the macros and functions, and their comparison with the expansions of the PEPs.

mod async_for;
mod expansion;
mod functions;
