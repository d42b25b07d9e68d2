//! The state of all partitions, from the last message of each.

use std::collections::HashSet;
use std::pin::pin;

use async_nats::jetstream::consumer::DeliverPolicy;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::entry::{Entry, RELEASED, State};
use super::error::NatsError;
use super::nats_engine::{AT_ONCE, NatsEngine};
use super::subject::encode;
use crate::fleet::fleet_progress::{FleetProgress, SetAside};

impl<T, C> NatsEngine<T, C> {
    pub(super) async fn progress_of_all(&self) -> Result<FleetProgress, NatsError> {
        const ACTION: &str = "count the partitions";
        let reader = self.reader("*", DeliverPolicy::LastPerSubject, true).await?;
        let mut entries = pin!(self.messages(&reader));
        let mut progress = FleetProgress::default();
        let mut claimed = HashSet::new();
        while let Some((entry, _)) = entries.try_next().await? {
            progress.items += entry.items;
            claimed.insert(encode(&entry.partition));
            match entry.state {
                State::Free => progress.pending += 1,
                State::Leased => progress.leased += 1,
                State::Waiting => progress.waiting += 1,
                State::Done => progress.done += 1,
                State::SetAside => {
                    progress.set_aside.push(SetAside::new(entry.partition, entry.error.unwrap_or_default()));
                }
            }
        }
        // Partitions that were never claimed have only a work message.
        let subjects = self.work.info_with_subjects(format!("{}.work.*", self.prefix));
        let mut subjects = subjects.await.map_err(NatsError::request(ACTION))?;
        while let Some((subject, _)) = subjects.try_next().await.map_err(NatsError::request(ACTION))? {
            let token = subject.rsplit('.').next().unwrap_or_default();
            progress.pending += u64::from(!claimed.contains(token));
        }
        progress.set_aside.sort_by(|a, b| a.partition.cmp(&b.partition));
        Ok(progress)
    }

    /// Frees the partitions that were set aside. Returns their number.
    pub(super) async fn free_set_aside(&self) -> Result<u64, NatsError> {
        let reader = self.reader("*", DeliverPolicy::LastPerSubject, true).await?;
        let mut last = Vec::new();
        {
            let mut entries = pin!(self.messages(&reader));
            while let Some((entry, message)) = entries.try_next().await? {
                let info = message.info().map_err(NatsError::request("read the partitions"))?;
                match entry.state {
                    State::SetAside => last.push((info.stream_sequence, entry)),
                    // An earlier call may have failed before it added the work message.
                    State::Free if entry.attempt == 0 => last.push((info.stream_sequence, entry)),
                    _ => {}
                }
            }
        }
        let freed = stream::iter(last).map(|(last, entry)| self.free_one(last, entry)).buffered(AT_ONCE);
        freed.try_fold(0, async |count, is_freed| Ok(count + u64::from(is_freed))).await
    }

    /// Adds the work messages of the partitions that are neither finished nor set aside, unless they exist. Returns the number of
    /// these partitions.
    pub(super) async fn add_unfinished(&self) -> Result<usize, NatsError> {
        let reader = self.reader("*", DeliverPolicy::LastPerSubject, true).await?;
        let unfinished: Vec<_> = {
            let entries = pin!(self.messages(&reader));
            entries
                .try_filter_map(async |(entry, _)| Ok((!entry.state.is_final()).then_some(entry.partition)))
                .try_collect()
                .await?
        };
        let count = unfinished.len();
        let added =
            stream::iter(unfinished).map(|partition| self.publish_work(partition, 0)).buffered(AT_ONCE);
        added.try_collect::<()>().await?;
        Ok(count)
    }

    async fn free_one(&self, last: u64, entry: Entry) -> Result<bool, NatsError> {
        let is_set_aside = entry.state == State::SetAside;
        let entry = Entry { state: State::Free, attempt: 0, error: None, claim: RELEASED, ..entry };
        // If the last message is another one, a concurrent call was faster.
        let is_freed = is_set_aside && self.append(last, &entry, Vec::new()).await?.is_some();
        self.publish_work(entry.partition, 0).await?;
        Ok(is_freed)
    }
}
