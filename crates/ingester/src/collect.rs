//! Collecting garbage: on positive evidence alone ([`tributary_journal::collect`]).

use crate::metrics::Metrics;
use crate::names::Names;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tributary_journal::collect::{
    Held, Hour, Verdict, epoch_of, floor_to_write, is_below, may_delete, verdict,
};
use tributary_journal::id::block_origin;
use tributary_journal::recover::BlockState;
use tributary_journal::{EpochId, Journal, JournalError, Metaless, Slot};

/// What collecting works with.
pub struct Collector {
    /// The journal.
    pub journal: Journal,
    /// How long the slots of an hour are kept at least, for people to look at.
    pub keep_slots: Duration,
    /// Tells the time: it decides what is kept longer, never what is garbage.
    pub names: Names,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Collector {
    /// One pass over the bucket. `owned` are epochs whose owner may live.
    ///
    /// # Errors
    /// When the store fails, or a slot cannot be read. What was deleted until then was garbage.
    pub async fn collect(&self, owned: &BTreeSet<EpochId>) -> Result<(), JournalError> {
        // In this order: data that is listed was minted before the slots are looked at.
        let (metaless, blocks) = self.journal.blocks_without_meta().await?;
        let survey = self.journal.survey().await?;
        let mut minted = Vec::new();
        let mut slots: BTreeMap<(EpochId, u32), Slot> = BTreeMap::new();
        for block in metaless {
            let Some(origin) = block_origin(&block.id) else { continue };
            let Some(epoch) = epoch_of(&origin, survey.keys()) else { continue };
            let k = origin.slot;
            let filled = survey.get(&epoch).is_some_and(|held| held.slots.contains(&k));
            if filled && !slots.contains_key(&(epoch, k)) {
                slots.insert((epoch, k), self.journal.get_slot(&epoch, k).await?);
            }
            minted.push((block, epoch, k));
        }
        // After the slots were read: below the floor one is evidence for nothing.
        let floor = self.journal.floor().await?;
        let mut unnamed: BTreeMap<EpochId, usize> = BTreeMap::new();
        let mut garbage: Vec<Metaless> = Vec::new();
        for (block, epoch, k) in minted {
            let counts = !is_below(floor.as_deref(), &epoch.hour());
            match verdict(&block.id, slots.get(&(epoch, k)).filter(|_| counts)) {
                Verdict::Garbage => garbage.push(block),
                Verdict::Named | Verdict::Pending => *unnamed.entry(epoch).or_default() += 1,
                Verdict::Foreign => {}
            }
        }
        self.delete(garbage, blocks).await?;
        self.retire(&survey, &unnamed, owned).await
    }

    async fn delete(&self, garbage: Vec<Metaless>, blocks: usize) -> Result<(), JournalError> {
        let found = garbage.len();
        if !may_delete(found, blocks) {
            self.metrics.collections_stopped.inc();
            tracing::error!(
                found,
                blocks,
                "so many blocks look like garbage that none is deleted: look at `tributary journal` and at what happened to journal/log"
            );
            return Ok(());
        }
        let objects = garbage.into_iter().flat_map(|block| block.objects);
        self.journal.store().delete_all(objects).await?;
        self.metrics.blocks_collected.inc_by(found as u64);
        Ok(())
    }

    /// Raises the floor over hours that are done with and deletes their slots.
    async fn retire(
        &self,
        survey: &BTreeMap<EpochId, Held>,
        unnamed: &BTreeMap<EpochId, usize>,
        owned: &BTreeSet<EpochId>,
    ) -> Result<(), JournalError> {
        let keep = u32::try_from(self.keep_slots.as_secs()).unwrap_or(u32::MAX);
        let old = EpochId::new(self.names.seconds().saturating_sub(keep), [0; 12]).hour();
        let mut hours: BTreeMap<String, Hour> = BTreeMap::new();
        for (epoch, held) in survey {
            let name = epoch.hour();
            let is_old = name < old;
            let fresh = Hour { finished: true, old: is_old, ..Hour::default() };
            let hour = hours.entry(name).or_insert(fresh);
            hour.segments += held.segments.len();
            hour.owned |= owned.contains(epoch);
            hour.unnamed += unnamed.get(epoch).copied().unwrap_or_default();
            if hour.old && hour.finished {
                hour.finished = self.finished(epoch, held).await?;
            }
        }
        if let Some(hour) = floor_to_write(&hours) {
            self.journal.raise_floor(hour).await?;
        }
        let floor = self.journal.floor().await?;
        let below = survey.iter().filter(|(e, _)| is_below(floor.as_deref(), &e.hour()));
        let slots: Vec<(EpochId, u32)> =
            below.flat_map(|(epoch, held)| held.slots.iter().map(|k| (*epoch, *k))).collect();
        self.metrics.slots_retired.inc_by(slots.len() as u64);
        self.journal.delete_slots(slots.into_iter()).await
    }

    /// Whether every block that the epoch's slots name has had its meta.
    async fn finished(&self, epoch: &EpochId, held: &Held) -> Result<bool, JournalError> {
        for k in &held.slots {
            let slot = self.journal.get_slot(epoch, *k).await?;
            let states = self.journal.block_states(&slot.blocks).await?;
            if states.values().any(|state| *state == BlockState::Unfinished) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
