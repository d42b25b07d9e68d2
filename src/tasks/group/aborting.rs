use std::any::Any;
use std::mem;
use std::panic::resume_unwind;

use super::ErrorGroup;
use crate::panic::{drop_all, drop_payload};

/// How a task has failed.
pub(super) enum Failure<E> {
    Error(E),
    Panic(Box<dyn Any + Send>),
}

/// What there is to know of a group whose tasks are cancelled.
pub(super) struct Aborting<E> {
    errors: Vec<E>,
    panics: Vec<Box<dyn Any + Send>>,
    /// What tasks that ended while the block is about to be interrupted have to say, when it was: before, the block would
    /// see that a task of its is over, and not what with.
    late: Vec<Late>,
}

pub(super) type Late = Box<dyn FnOnce() + Send>;

impl<E> Aborting<E> {
    pub(super) fn add(&mut self, failure: Failure<E>) {
        match failure {
            Failure::Error(error) => self.errors.push(error),
            Failure::Panic(payload) => self.panics.push(payload),
        }
    }

    /// Whether a task has failed; or else the block was left.
    pub(super) fn has_failed(&self) -> bool {
        !(self.errors.is_empty() && self.panics.is_empty())
    }

    pub(super) fn say_late(&mut self, say: Late) {
        self.late.push(say);
    }

    pub(super) fn take_late(&mut self) -> Vec<Late> {
        mem::take(&mut self.late)
    }

    /// What the group comes to. Of several panics, the first goes on.
    pub(super) fn outcome(self) -> Result<(), ErrorGroup<E>> {
        let mut panics = self.panics.into_iter();
        if let Some(first) = panics.next() {
            // Their destructors may panic, too.
            panics.for_each(drop_payload);
            drop_all(self.errors);
            resume_unwind(first);
        }
        ErrorGroup::new(self.errors).map_or(Ok(()), Err)
    }
}

impl<E> Default for Aborting<E> {
    fn default() -> Self {
        Self { errors: Vec::new(), panics: Vec::new(), late: Vec::new() }
    }
}
