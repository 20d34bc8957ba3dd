//! Deleting a tenant: each of its windows expires, by the steps of [`tributary_journal::compact`].

use super::refused::Refused;
use super::standing::{Visible, left};
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use tributary_ingester::runtime::IdGenerator;
use tributary_journal::compact::{Candidate, Compaction, Done, Known, Seen, Step, Summary};
use tributary_journal::record::Expiry;
use tributary_journal::{CompactionWindow, Journal, Record};
use tributary_span::tenant;
use uuid::Uuid;

/// How often a window is begun anew when a merge was quicker.
const ATTEMPTS: usize = 8;

/// Lets everything expire that stands of a tenant, and says what was done.
pub(super) async fn tenant(journal: &Journal, name: &str) -> Result<String> {
    if let Err(why) = tenant::check(name) {
        return Err(Refused(format!("`{name}`: {why}")).into());
    }
    let visible = Visible::of(journal, name).await?;
    // A merge that was cut off may have left a window without a visible block.
    let listed = journal.list_records().await?;
    let with_records = listed.into_keys().filter(|window| window.tenant == name);
    let windows: BTreeSet<CompactionWindow> =
        visible.windows.keys().cloned().chain(with_records).collect();
    let mut blocks = 0;
    for window in &windows {
        let standing = visible.windows.get(window).cloned().unwrap_or_default();
        let hour = window.hour_name();
        blocks += all_of(journal, window, standing).await.with_context(|| {
            format!("hour {hour}; what was done until then stands, and can be gone on with")
        })?;
    }
    Ok(format!(
        "{blocks} blocks of {name} are no more, in {} hours; the ingesters delete their data after keep-compacted\n\
         what is in memory or on its way comes as new blocks: run this again when nothing more is sent\n{}",
        windows.len(),
        left(name, visible.others)
    ))
}

/// How many blocks of a window have expired.
async fn all_of(
    journal: &Journal,
    window: &CompactionWindow,
    mut standing: BTreeMap<Uuid, u64>,
) -> Result<u64> {
    for _ in 0..ATTEMPTS {
        let ended = pass(journal, window, &standing).await?;
        if !ended.lost {
            return Ok(ended.expired);
        }
        let visible = Visible::of(journal, &window.tenant).await?;
        standing = visible.windows.get(window).cloned().unwrap_or_default();
    }
    bail!("ingesters merge there all the time; run this again")
}

async fn pass(
    journal: &Journal,
    window: &CompactionWindow,
    standing: &BTreeMap<Uuid, u64>,
) -> Result<Summary> {
    let candidates =
        standing.iter().map(|(id, bytes)| Candidate { id: *id, bytes: *bytes, traces: 0 });
    let mut pass = Compaction::expiring(candidates.collect());
    loop {
        let done = match pass.step() {
            Step::ReadRecords => {
                let records = journal.records(window).await?.into_iter();
                // What is old enough to be deleted is for the ingesters to say.
                let known =
                    |(k, (record, _))| (k, Known { record, old: false, seen: Seen::Nothing });
                Done::Records(records.map(known).collect())
            }
            Step::ListFloor => {
                Done::Floor { covered: journal.is_below(&window.hour_name()).await? }
            }
            Step::LookAtBlocks(blocks) => {
                let of = |id: Uuid| (window.tenant.clone(), id);
                Done::Blocks(journal.states(blocks.into_iter().map(of).collect()).await?)
            }
            Step::WriteMetas(blocks) => {
                journal.write_metas(&blocks).await?;
                Done::Shown
            }
            Step::Hide(blocks) => {
                journal.hide(&window.tenant, &blocks).await?;
                Done::Hidden
            }
            Step::Delete(blocks) => {
                journal.delete_blocks(&window.tenant, &blocks).await?;
                Done::Deleted
            }
            Step::Expire { k, blocks } => {
                let bytes = blocks.iter().filter_map(|id| standing.get(id)).sum();
                let uid = IdGenerator::default().uid()?;
                let expiry = Expiry { retention: None, bytes };
                Done::Built(Box::new(Record::expiring(uid, window, k, blocks, expiry)))
            }
            Step::CreateRecord(record) => Done::Created(journal.put_record(&record).await?),
            Step::Build { .. } => bail!("nothing is to be merged here"),
            Step::Ended(summary) => return Ok(summary),
        };
        pass.done(done)?;
    }
}
