//! Managers of resources.

mod fs;
