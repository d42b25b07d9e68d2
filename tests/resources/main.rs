//! Resources and the utilities for tests.
