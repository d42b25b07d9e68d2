//! Managers of resources.
