//! Utilities for the tests of an application.
