//! The groups: a file or folder per section.

mod context;
mod generator;
mod http;
mod pages;
mod tasks;

use crate::harness::Group;

pub(crate) fn all() -> Vec<Group> {
    let groups = pages::groups().into_iter().chain(generator::groups());
    groups.chain(context::groups()).chain(tasks::groups()).chain(http::groups()).collect()
}
