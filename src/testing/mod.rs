//! Utilities for the tests of an application: cancel a future at every await, and check that every resource was released.
