//! The implementation of an engine for an [`Arc`] of one, for engines that are not `Clone`: a fleet takes one reference, and
//! the program keeps another, for example to observe the progress.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::engine::{ClaimedOf, Engine, Outcome, Ownership};
use super::fleet_progress::FleetProgress;
use crate::pages::Checkpoint;

impl<E: Engine> Engine for Arc<E> {
    type Item = E::Item;
    type Cursor = E::Cursor;
    type Token = E::Token;
    type Error = E::Error;

    fn lease_time(&self) -> Duration {
        E::lease_time(self)
    }

    fn add_partitions(&self, partitions: Vec<String>) -> impl Future<Output = Result<(), E::Error>> + Send {
        E::add_partitions(self, partitions)
    }

    fn retry_set_aside(&self) -> impl Future<Output = Result<u64, E::Error>> + Send {
        E::retry_set_aside(self)
    }

    fn claim(&self) -> impl Future<Output = Result<ClaimedOf<E>, E::Error>> + Send {
        E::claim(self)
    }

    fn commit(
        &self,
        token: &mut E::Token,
        items: Arc<[E::Item]>,
        checkpoint: &Checkpoint<E::Cursor>,
    ) -> impl Future<Output = Result<Ownership, E::Error>> + Send {
        E::commit(self, token, items, checkpoint)
    }

    fn read(
        &self,
        token: &mut E::Token,
    ) -> impl Future<Output = Result<Option<Checkpoint<E::Cursor>>, E::Error>> + Send {
        E::read(self, token)
    }

    fn renew(&self, token: &E::Token) -> impl Future<Output = Result<Ownership, E::Error>> + Send {
        E::renew(self, token)
    }

    fn release(
        &self,
        token: &E::Token,
        outcome: Outcome,
    ) -> impl Future<Output = Result<Ownership, E::Error>> + Send {
        E::release(self, token, outcome)
    }

    fn progress(&self) -> impl Future<Output = Result<FleetProgress, E::Error>> + Send {
        E::progress(self)
    }
}
