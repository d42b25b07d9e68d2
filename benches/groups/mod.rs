//! The groups, a file or folder a section.

mod context;
mod generator;
mod pages;

use crate::harness::Group;

pub(crate) fn all() -> Vec<Group> {
    pages::groups().into_iter().chain(generator::groups()).chain(context::groups()).collect()
}
