//! `tributary journal --replay PATH`: a segment that was set aside goes back into the journal.
//!
//! Its content becomes the only segment of a new epoch, which no heartbeat names: the ingesters find
//! it at their next sweep and adopt it like what any other process left. Nothing is changed unless this
//! release can read every frame, and the copy goes last.

use super::refused::Refused;
use super::{frames, look};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::str::FromStr;
use tributary_ingester::runtime::IdGenerator;
use tributary_journal::layout::{self, Place};
use tributary_journal::segment::{Header, Segment};
use tributary_journal::{EpochId, Journal, JournalError};
use tributary_store::{Store, StoreError};

/// Frames that are named of those that cannot be read.
const NAMED: usize = 20;

/// The copy of a segment that was set aside: a path under `journal/quar`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quarantined {
    /// The segment's epoch.
    pub(super) epoch: EpochId,
    /// Its number.
    pub(super) n: u64,
}

impl Quarantined {
    fn path(&self) -> String {
        layout::quarantine(&self.epoch, self.n)
    }
}

impl FromStr for Quarantined {
    type Err = String;

    fn from_str(text: &str) -> Result<Quarantined, String> {
        match layout::parse(text.trim()) {
            Some(Place::Copy(epoch, n)) => Ok(Quarantined { epoch, n }),
            _ => Err(format!(
                "needs the path of a copy, {}/EPOCH-NUMBER, as --verify names it",
                layout::QUARANTINE
            )),
        }
    }
}

/// Puts a copy back, and says what was done.
pub(super) async fn put_back(store: Store, copy: &Quarantined) -> Result<String> {
    look::cluster(&store).await?;
    let journal = Journal::new(store);
    let path = copy.path();
    let object = match journal.read_copy(&copy.epoch, copy.n).await {
        Err(JournalError::Store(StoreError::NotFound { .. })) => {
            let text = format!("{path} does not exist; `--verify` names the copies that there are");
            return Err(Refused(text).into());
        }
        Err(error @ JournalError::Unsteady { .. }) => return Err(Refused(error.to_string()).into()),
        read => read?,
    };
    let segment = object.segment.map_err(|why| Refused(format!("{path}: {why}")))?;
    let tenants = tenants(&segment).map_err(|why| Refused(format!("{path}: {why}")))?;
    let ids = IdGenerator::default();
    ids.stay_above(journal.floor().await?.as_deref());
    let header = Header {
        epoch: ids.epoch()?,
        n: 0,
        uid: ids.uid()?,
        written_ms: ids.unix_ms(),
        // Who wrote it first stays.
        instance: String::new(),
    };
    journal.put_back(&object.bytes, &header).await.with_context(|| {
        format!("{path} may or may not be in the journal again; run this once more: what is there twice is answered once")
    })?;
    let deleted = journal.delete_copy(&copy.epoch, copy.n).await;
    deleted.with_context(|| {
        format!("{path} is put back as epoch {}, but the copy could not be deleted", header.epoch)
    })?;
    Ok(said(&path, &tenants, &header.epoch))
}

fn said(path: &str, tenants: &BTreeMap<&str, u64>, epoch: &EpochId) -> String {
    let spans: u64 = tenants.values().sum();
    let each: Vec<_> =
        tenants.iter().map(|(tenant, spans)| format!("{tenant} ({spans})")).collect();
    format!(
        "put back {path}: {spans} spans of {}\n\
         they are the only segment of the new epoch {epoch}, {}; the copy is deleted\n\
         queries see them when an ingester has swept the log: within two minutes with the default \
         heartbeat, and in a block some minutes later\n",
        each.join(", "),
        layout::segment(epoch, 0),
    )
}

/// Whether a copy can be put back; if not, why.
pub(super) async fn readable(
    journal: &Journal,
    copy: &Quarantined,
) -> Result<Result<(), String>, JournalError> {
    let object = match journal.read_copy(&copy.epoch, copy.n).await {
        Err(error @ JournalError::Unsteady { .. }) => return Ok(Err(error.to_string())),
        // It was put back meanwhile.
        Err(JournalError::Store(StoreError::NotFound { .. })) => return Ok(Ok(())),
        read => read?,
    };
    let segment = object.segment.map_err(|why| why.to_string());
    Ok(segment.and_then(|segment| tenants(&segment).map(drop)))
}

/// The spans of each tenant, if every frame can be decoded and holds as many as it says; otherwise
/// which cannot, and why.
fn tenants(segment: &Segment) -> Result<BTreeMap<&str, u64>, String> {
    let mut tenants = BTreeMap::new();
    let mut faults = Vec::new();
    let mut all = 0;
    for decoded in frames::decoded(segment) {
        all += 1;
        let (group, frame) = (decoded.group, decoded.frame);
        let why = match decoded.spans {
            Ok(spans) if spans == u64::from(frame.spans) => {
                *tenants.entry(group.tenant.as_str()).or_default() += spans;
                continue;
            }
            Ok(spans) => format!("it holds {spans} spans"),
            Err(why) => why.to_string(),
        };
        faults.push(format!(
            "frame {} of stream {}, tenant {}, {} spans: {why}",
            frame.seq, group.stream, group.tenant, frame.spans
        ));
    }
    if faults.is_empty() {
        return Ok(tenants);
    }
    let mut text = format!("this release cannot read {} of its {all} frames", faults.len());
    for fault in faults.iter().take(NAMED) {
        write!(text, "\n    {fault}").map_err(|e| e.to_string())?;
    }
    if let Some(more) = faults.len().checked_sub(NAMED).filter(|more| *more > 0) {
        write!(text, "\n    and {more} more").map_err(|e| e.to_string())?;
    }
    Err(text)
}
