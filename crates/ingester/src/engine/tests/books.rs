//! What a bucket holds when every process that used it has died, another one has adopted what they
//! left, and an auditor looks at it.

use super::gate::{Client, Gate};
use super::process;
use super::reader::{in_store, spans};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;
use tributary_journal::audit::{
    self, BlockFound, BlockKey, EpochView, Finding, SegmentFound, Severity,
};
use tributary_journal::id::block_origin;
use tributary_journal::layout::{self, Place};
use tributary_journal::{EpochId, Journal, JournalError};
use tributary_query::api::Found;
use tributary_store::StoreError;
use tributary_testkit::bucket::InMemory;

/// What is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// Acknowledged spans that are in no block.
    pub(super) lost: Vec<u8>,
    /// Spans that stand in more than one.
    pub(super) twice: Vec<u8>,
    /// Why an epoch could not be adopted, or what was left of it.
    pub(super) left: Vec<String>,
    /// What the auditor calls a violation.
    pub(super) findings: Vec<Finding>,
}

impl Books {
    /// Those of a copy of the bucket.
    pub(super) async fn of(bucket: &InMemory, acked: &BTreeSet<u8>) -> Books {
        let mut books = Books::default();
        let gate = Gate::new(Arc::new(bucket.fork()), None);
        let (process, tasks) = process::open(&gate, Client::Adopter, 1 << 20).await;
        let journal = Journal::new(gate.store(Client::Adopter));
        for epoch in journal.epochs().await.unwrap() {
            if let Err(error) = tasks.upkeep.adopter.adopt(&epoch).await {
                books.left.push(format!("an epoch cannot be adopted: {error:?}"));
            }
        }
        for (epoch, held) in journal.survey().await.unwrap() {
            let left = held.segments.keys().map(|n| format!("segment {n} of {epoch} is left"));
            books.left.extend(left);
        }
        let mut found = Found::default();
        // The list of this process is not looked up anew so soon.
        process.finder.blocks.poll_once().await.unwrap();
        in_store(&process.finder, &BTreeSet::new(), &mut found).await;
        books.left.append(&mut found.missing);
        let mut times: BTreeMap<u8, usize> = BTreeMap::new();
        spans(&found).for_each(|span| *times.entry(span).or_default() += 1);
        books.lost = acked.iter().filter(|span| !times.contains_key(span)).copied().collect();
        books.twice = times.into_iter().filter(|(_, n)| *n > 1).map(|(span, _)| span).collect();
        books.findings = findings(&journal).await.unwrap();
        books
    }

    pub(super) fn fault(&self) -> Option<String> {
        let Books { lost, twice, left, findings } = self;
        let wrong =
            !(lost.is_empty() && twice.is_empty() && left.is_empty() && findings.is_empty());
        wrong.then(|| {
            format!(
                "after a crash: lost {lost:?}, in two blocks {twice:?}, {left:?}; the audit: {findings:?}"
            )
        })
    }
}

/// What `tributary journal` calls a violation.
async fn findings(journal: &Journal) -> Result<Vec<Finding>, JournalError> {
    let mut blocks: BTreeMap<BlockKey, BlockFound> = BTreeMap::new();
    for object in journal.store().list(layout::BLOCKS).await? {
        if let Some(Place::Block { tenant, block, object: name }) = layout::parse(&object.path) {
            blocks.entry((tenant, block)).or_default().add(&name, object.size);
        }
    }
    let mut found = Vec::new();
    for epoch in journal.epochs().await? {
        found.extend(audit::check(&view(journal, epoch, &blocks).await?));
    }
    found.retain(|finding| finding.severity == Severity::Violation);
    Ok(found)
}

async fn view(
    journal: &Journal,
    epoch: EpochId,
    blocks: &BTreeMap<BlockKey, BlockFound>,
) -> Result<EpochView, JournalError> {
    let mut slots = BTreeMap::new();
    for k in 0.. {
        match journal.get_slot(&epoch, k).await {
            Ok(slot) => drop(slots.insert(k, Ok(slot))),
            Err(JournalError::Slot { source, .. }) => drop(slots.insert(k, Err(source))),
            Err(JournalError::Store(StoreError::NotFound { .. })) => break,
            Err(error) => return Err(error),
        }
    }
    let segments = journal.segments(&epoch).await?.into_iter();
    let modified = SystemTime::UNIX_EPOCH;
    let is_its = |key: &BlockKey| block_origin(&key.1).is_some_and(|origin| origin.is_of(&epoch));
    Ok(EpochView {
        epoch,
        owner: None,
        retired: journal.is_below_floor(&epoch).await?,
        slots,
        segments: segments.map(|(n, len)| (n, SegmentFound { len, modified })).collect(),
        copies: BTreeSet::new(),
        blocks: blocks
            .iter()
            .filter(|(key, _)| is_its(key))
            .map(|(k, b)| (k.clone(), *b))
            .collect(),
        superseded: BTreeSet::new(),
        compacted_tenants: BTreeSet::new(),
    })
}
