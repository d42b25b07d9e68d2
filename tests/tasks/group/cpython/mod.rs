//! The tests of `test_taskgroups.py`, under their names.

mod cancelled;
mod failures;
mod tasks;
