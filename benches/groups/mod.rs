//! The groups, a file or folder a section.

mod pages;

use crate::harness::Group;

pub(crate) fn all() -> Vec<Group> {
    pages::groups()
}
