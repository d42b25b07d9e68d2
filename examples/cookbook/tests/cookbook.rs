//! The recipes on real servers, which these tests start.
