//! Collecting garbage: on positive evidence alone ([`tributary_journal::collect`]).

use crate::metrics::Metrics;
use crate::runtime::IdGenerator;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tributary_journal::collect::{
    Held, Hour, Verdict, epoch_of, floor_to_write, is_below, may_delete, may_go_below_floor,
    verdict, verdict_on_compacted,
};
use tributary_journal::id::block_origin;
use tributary_journal::recover::BlockState;
use tributary_journal::window::compacted_origin;
use tributary_journal::{
    CompactionWindow, EpochId, Journal, JournalError, Metaless, Record, RecordListing, Slot,
};
use tributary_telemetry::ErrorChain;
use uuid::Uuid;

/// What collecting works with.
pub(crate) struct Collector {
    /// The journal.
    pub journal: Journal,
    /// How long the slots of an hour are kept at least, for people to look at.
    pub keep_slots: Duration,
    /// Makes the ids of records, and tells the time: it decides what is kept longer, never what is
    /// garbage.
    pub ids: IdGenerator,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Data for records that did not exist at the last pass.
    pub pending: Mutex<BTreeSet<Uuid>>,
}

/// A block without a meta, and what it is by the slot or record that it was minted for.
struct Judged<'m> {
    block: &'m Metaless,
    hour: String,
    verdict: Verdict,
}

/// Data without a meta that must not go (yet), by hour: an hour that has any is not done with.
type Unnamed = BTreeMap<String, usize>;

impl Collector {
    /// One pass over the bucket. `owned` are epochs whose owner may live.
    ///
    /// # Errors
    /// When the store fails, or a slot cannot be read. What was deleted until then was garbage.
    pub(crate) async fn collect(&self, owned: &BTreeSet<EpochId>) -> Result<(), JournalError> {
        // In this order: data that is listed was minted before slots and records are looked at.
        let (metaless, blocks) = self.journal.blocks_without_meta().await?;
        let survey = self.journal.survey().await?;
        let windows = self.journal.list_records().await?;
        let mut judged = self.fresh(&metaless, &survey).await?;
        judged.extend(self.compacted(&metaless, &windows).await?);
        // After the slots and records were read: below the floor they are evidence for nothing.
        let floor = self.journal.floor().await?;
        let mut unnamed = Unnamed::new();
        let (mut garbage, mut pending) = (Vec::new(), Vec::new());
        for Judged { block, hour, verdict } in judged {
            // There nothing counts, and nothing is touched.
            if verdict == Verdict::Foreign || is_below(floor.as_deref(), &hour) {
                continue;
            }
            if verdict == Verdict::Garbage {
                garbage.push(block);
                continue;
            }
            *unnamed.entry(hour).or_default() += 1;
            if verdict == Verdict::Pending {
                pending.push(block);
            }
        }
        self.delete(garbage, blocks).await?;
        self.take_numbers(&pending, &windows).await?;
        self.retire(&survey, &windows, &unnamed, owned).await
    }

    /// Judges the blocks that were made of segments.
    async fn fresh<'m>(
        &self,
        metaless: &'m [Metaless],
        survey: &BTreeMap<EpochId, Held>,
    ) -> Result<Vec<Judged<'m>>, JournalError> {
        let mut slots: BTreeMap<(EpochId, u32), Slot> = BTreeMap::new();
        let mut judged = Vec::new();
        for block in metaless {
            let Some(origin) = block_origin(&block.id) else { continue };
            let Some(epoch) = epoch_of(&origin, survey.keys()) else { continue };
            let k = origin.slot;
            let filled = survey.get(&epoch).is_some_and(|held| held.slots.contains(&k));
            if filled && !slots.contains_key(&(epoch, k)) {
                // Without its slot the block is taken for one that is still to be named.
                if let Some(slot) = self.readable(self.journal.get_slot(&epoch, k).await)? {
                    slots.insert((epoch, k), slot);
                }
            }
            let verdict = verdict(&block.id, slots.get(&(epoch, k)));
            judged.push(Judged { block, hour: epoch.hour(), verdict });
        }
        Ok(judged)
    }

    /// Judges the blocks that were made of others.
    async fn compacted<'m>(
        &self,
        metaless: &'m [Metaless],
        windows: &RecordListing,
    ) -> Result<Vec<Judged<'m>>, JournalError> {
        let mut records: BTreeMap<(CompactionWindow, u32), Record> = BTreeMap::new();
        let mut judged = Vec::new();
        for block in metaless {
            let Some(origin) = compacted_origin(&block.id) else { continue };
            let Some(window) = CompactionWindow::of(&block.tenant, &block.id) else { continue };
            let exists = windows.get(&window).is_some_and(|all| all.contains_key(&origin.record));
            let key = (window, origin.record);
            if exists
                && !records.contains_key(&key)
                && let Some(record) = self.readable(self.journal.get_record(&key.0, key.1).await)?
            {
                records.insert(key.clone(), record);
            }
            let verdict = verdict_on_compacted(&block.tenant, &block.id, records.get(&key));
            judged.push(Judged { block, hour: key.0.hour_name(), verdict });
        }
        Ok(judged)
    }

    /// Data for a record that does not exist, neither now nor at the last pass: its maker is gone
    /// or slow. Taking the number makes it garbage, and nothing is lost by that, since what it was
    /// made of is visible.
    async fn take_numbers(
        &self,
        pending: &[&Metaless],
        windows: &RecordListing,
    ) -> Result<(), JournalError> {
        let made = pending.iter().filter(|block| compacted_origin(&block.id).is_some());
        let now: BTreeMap<Uuid, Option<CompactionWindow>> =
            made.map(|block| (block.id, CompactionWindow::of(&block.tenant, &block.id))).collect();
        let before = {
            let mut before = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *before, now.keys().copied().collect())
        };
        let old = now.into_iter().filter(|(id, _)| before.contains(id));
        let stuck: BTreeSet<CompactionWindow> = old.filter_map(|(_, window)| window).collect();
        for window in stuck {
            let taken = windows.get(&window);
            let free = |k: &u32| taken.is_none_or(|numbers| !numbers.contains_key(k));
            let Some(k) = (0..).find(free) else { continue };
            let record = Record::empty(self.ids.uid()?, &window, k);
            self.journal.put_record(&record).await?;
        }
        Ok(())
    }

    async fn delete(&self, garbage: Vec<&Metaless>, blocks: usize) -> Result<(), JournalError> {
        let found = garbage.len();
        if !may_delete(found, blocks) {
            self.metrics.collections_stopped.inc();
            tracing::error!(
                found,
                blocks,
                "so many blocks look like garbage that none is deleted: look at `tributary journal` and at what happened to journal/log and journal/windows"
            );
            return Ok(());
        }
        let objects = garbage.into_iter().flat_map(|block| block.objects.iter().cloned());
        self.journal.store().delete_all(objects).await?;
        self.metrics.blocks_collected.add(found as u64);
        Ok(())
    }

    /// Raises the floor over hours that are done with and deletes their slots and records.
    async fn retire(
        &self,
        survey: &BTreeMap<EpochId, Held>,
        windows: &RecordListing,
        unnamed: &Unnamed,
        owned: &BTreeSet<EpochId>,
    ) -> Result<(), JournalError> {
        // What expires below the floor has its records there, and holds up no hour.
        let floor = self.journal.floor().await?;
        let above = |window: &&CompactionWindow| !is_below(floor.as_deref(), &window.hour_name());
        let keep = u32::try_from(self.keep_slots.as_secs()).unwrap_or(u32::MAX);
        let old = EpochId::new(self.ids.unix_seconds().saturating_sub(keep), [0; 12]).hour();
        let mut hours: BTreeMap<String, Hour> = BTreeMap::new();
        let of_windows = windows.keys().filter(above).map(CompactionWindow::hour_name);
        let names = survey.keys().map(EpochId::hour).chain(of_windows);
        for name in names.chain(unnamed.keys().cloned()) {
            let (old, unnamed) = (name < old, unnamed.get(&name).copied().unwrap_or_default());
            hours.insert(name, Hour { finished: true, old, unnamed, ..Hour::default() });
        }
        // An epoch that a process is going to write holds its hour, before it has a segment.
        for epoch in owned {
            hours.entry(epoch.hour()).or_default().owned = true;
        }
        let mut held_in: BTreeMap<String, Vec<(&EpochId, &Held)>> = BTreeMap::new();
        for (epoch, held) in survey {
            hours.entry(epoch.hour()).or_default().segments += held.segments.len();
            held_in.entry(epoch.hour()).or_default().push((epoch, held));
        }
        let mut windows_in: BTreeMap<String, Vec<&CompactionWindow>> = BTreeMap::new();
        for window in windows.keys().filter(above) {
            windows_in.entry(window.hour_name()).or_default().push(window);
        }
        // From the oldest, and no further than the first that is not done with: one that can never
        // be finished must not cost the slots of all that come after it, at every pass.
        for (name, hour) in hours.iter_mut().take_while(|(_, hour)| hour.is_done()) {
            for (epoch, held) in held_in.remove(name).unwrap_or_default() {
                hour.finished = hour.finished && self.finished(epoch, held).await?;
            }
            for window in windows_in.remove(name).unwrap_or_default() {
                self.look_at_window(window, hour).await?;
            }
            if !hour.is_done() {
                break;
            }
        }
        if let Some(hour) = floor_to_write(&hours) {
            self.journal.raise_floor(hour).await?;
        }
        let floor = self.journal.floor().await?;
        let is_below = |hour: &str| is_below(floor.as_deref(), hour);
        let below = survey.iter().filter(|(epoch, _)| is_below(&epoch.hour()));
        let slots: Vec<(EpochId, u32)> =
            below.flat_map(|(epoch, held)| held.slots.iter().map(|k| (*epoch, *k))).collect();
        let mut records = Vec::new();
        for (window, all) in windows.iter().filter(|(window, _)| is_below(&window.hour_name())) {
            for k in all.keys() {
                if self.may_go(window, *k).await? {
                    records.push((window.clone(), *k));
                }
            }
        }
        self.metrics.slots_retired.add((slots.len() + records.len()) as u64);
        self.journal.delete_slots(slots.into_iter()).await?;
        self.journal.delete_records(records.into_iter()).await
    }

    /// Whether a record below the floor may be removed.
    async fn may_go(&self, window: &CompactionWindow, k: u32) -> Result<bool, JournalError> {
        let record = self.readable(self.journal.get_record(window, k).await)?;
        let Some(record) = record else { return Ok(false) };
        let named = record.inputs.iter().map(|input| (window.tenant.clone(), input.id));
        let states = match record.counts_below_floor() {
            true => self.journal.states(named.collect()).await?,
            false => BTreeMap::new(),
        };
        Ok(may_go_below_floor(&record, &states))
    }

    /// What was read, if trying again can help when it was not. An object that is damaged, denied or
    /// archived is told and counted, and keeps its hour from being retired; it keeps nothing else
    /// from being collected.
    fn readable<T>(&self, read: Result<T, JournalError>) -> Result<Option<T>, JournalError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(JournalError::Store(error)) if error.is_transient() => Err(error.into()),
            // Another process has retired it meanwhile.
            Err(JournalError::Store(error)) if error.is_not_found() => Ok(None),
            Err(error) => {
                self.metrics.upkeep_failed.inc();
                tracing::error!(error = %ErrorChain(&error), "an object of the journal cannot be read; its hour is kept as it is, and everything else is looked after");
                Ok(None)
            }
        }
    }

    /// Whether a window's records are carried out, and how much of what they supersede is left.
    async fn look_at_window(
        &self,
        window: &CompactionWindow,
        hour: &mut Hour,
    ) -> Result<(), JournalError> {
        let Some(records) = self.readable(self.journal.records(window).await)? else {
            hour.finished = false;
            return Ok(());
        };
        let records = || records.values().map(|(record, _)| record);
        let inputs: BTreeSet<Uuid> =
            records().flat_map(|record| &record.inputs).map(|input| input.id).collect();
        let outputs = records().flat_map(|record| &record.outputs).map(|output| output.id);
        let all: BTreeSet<Uuid> = outputs.chain(inputs.iter().copied()).collect();
        let keys = all.into_iter().map(|id| (window.tenant.clone(), id)).collect();
        for (id, state) in self.journal.states(keys).await? {
            match (inputs.contains(&id), state) {
                (true, BlockState::Gone) => {}
                (true, _) => hour.superseded += 1,
                (false, state) => hour.finished &= state != BlockState::Unfinished,
            }
        }
        Ok(())
    }

    /// Whether every block that the epoch's slots name has had its meta.
    async fn finished(&self, epoch: &EpochId, held: &Held) -> Result<bool, JournalError> {
        for k in &held.slots {
            let slot = self.readable(self.journal.get_slot(epoch, *k).await)?;
            let Some(slot) = slot else { return Ok(false) };
            let states = self.journal.block_states(&slot.blocks).await?;
            if states.values().any(|state| *state == BlockState::Unfinished) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
