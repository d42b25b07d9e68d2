//! From Python to withal.
