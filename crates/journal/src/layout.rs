//! Where everything lies: every path is built and taken apart here.
//!
//! ```text
//! cluster.json                                 identity of the bucket (create-only)
//! journal/live/<process>                       heartbeat, overwritten by its owner only
//! journal/log/<hour>/<epoch>/s/<n>.seg         segment n of an epoch (create-only)
//! journal/log/<hour>/<epoch>/c/<k>.cmt         commit slot k of an epoch (create-only)
//! journal/quar/<epoch>-<n>                     copy of a segment that cannot be read
//! journal/probe/<id>/…                         trial of the store at start, deleted at once
//! journal/windows/<hour>/<tenant>/<k>.rec      record k of a tenant's window (create-only)
//! journal/floor/<hour>                         no slot and no merge's record of this hour or an earlier one counts
//! journal/retention.json                       the retention that was gone by last, overwritten by any process
//! blocks/<tenant>/<block uuid>/…               blocks in Tempo's layout (its `prefix`: `blocks`)
//! ```
//!
//! `<hour>` follows from the epoch's id ([`EpochId::hour`]), so an epoch has one place. Numbers
//! have leading zeros, so names sort as numbers do.

use crate::id::{EpochId, Uid};
use crate::window::{self, CompactionWindow};
use tributary_span::tenant;
use uuid::Uuid;

/// The object that says whose bucket this is.
pub const CLUSTER: &str = "cluster.json";
/// The folder of all blocks: Tempo's `prefix`.
pub const BLOCKS: &str = "blocks";
/// The retention that was gone by last.
pub const RETENTION: &str = "journal/retention.json";
/// The folder of all heartbeats.
pub const HEARTBEATS: &str = "journal/live";
/// The folder of copies of what could not be read.
pub const QUARANTINE: &str = "journal/quar";
/// The folder of the floor: of its names, the last one counts.
pub(crate) const FLOOR: &str = "journal/floor";
/// The folder of all epochs, by hour.
pub(crate) const LOG: &str = "journal/log";
/// The folder of all windows, by hour and tenant.
pub(crate) const WINDOWS: &str = "journal/windows";
/// The object of a block that makes it visible to readers; written last.
pub const META: &str = "meta.json";
/// What Tempo renames a block's `meta.json` to when it has compacted the block away.
pub const META_COMPACTED: &str = "meta.compacted.json";

/// The heartbeat of a process.
pub(crate) fn heartbeat(process: &Uid) -> String {
    format!("{HEARTBEATS}/{process}")
}

/// The floor at an hour.
pub(crate) fn floor(hour: &str) -> String {
    format!("{FLOOR}/{hour}")
}

/// The folder of one hour's epochs.
pub(crate) fn hour_folder(hour: &str) -> String {
    format!("{LOG}/{hour}")
}

/// The folder of an epoch's segments.
pub fn segments(epoch: &EpochId) -> String {
    format!("{LOG}/{}/{epoch}/s", epoch.hour())
}

/// Segment `n` of an epoch.
pub fn segment(epoch: &EpochId, n: u64) -> String {
    format!("{}/{n:010}.seg", segments(epoch))
}

/// The folder of an epoch's commit slots.
pub fn slots(epoch: &EpochId) -> String {
    format!("{LOG}/{}/{epoch}/c", epoch.hour())
}

/// Commit slot `k` of an epoch.
pub fn slot(epoch: &EpochId, k: u32) -> String {
    format!("{}/{k:05}.cmt", slots(epoch))
}

/// The folder of a window's records. Its tenant has passed [`tenant::check`].
pub fn records(window: &CompactionWindow) -> String {
    format!("{WINDOWS}/{}/{}", window.hour_name(), window.tenant)
}

/// Record `k` of a window.
pub(crate) fn record(window: &CompactionWindow, k: u32) -> String {
    format!("{}/{k:05}.rec", records(window))
}

/// The copy of a segment that cannot be read.
pub fn quarantine(epoch: &EpochId, n: u64) -> String {
    format!("{QUARANTINE}/{epoch}-{n:010}")
}

/// The folder of a block. `tenant` has passed [`tenant::check`].
pub fn block(tenant: &str, block: &Uuid) -> String {
    format!("{BLOCKS}/{tenant}/{}", block.as_hyphenated())
}

/// An object of a block, such as [`META`]. `tenant` has passed [`tenant::check`].
pub fn block_object(tenant: &str, block: &Uuid, name: &str) -> String {
    format!("{BLOCKS}/{tenant}/{}/{name}", block.as_hyphenated())
}

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// [`CLUSTER`].
    Cluster,
    /// A heartbeat.
    Heartbeat(Uid),
    /// A segment.
    Segment(EpochId, u64),
    /// The copy of a segment that could not be read.
    Copy(EpochId, u64),
    /// A commit slot.
    Slot(EpochId, u32),
    /// A window's record.
    Record(CompactionWindow, u32),
    /// The floor at an hour.
    Floor(String),
    /// [`RETENTION`].
    Retention,
    /// An object of a block.
    Block {
        /// The tenant.
        tenant: String,
        /// The block's id.
        block: Uuid,
        /// The object's name within the block.
        object: String,
    },
}

/// Takes a path apart; `None` for one that nothing here has written.
pub fn parse(path: &str) -> Option<Place> {
    match path {
        CLUSTER => return Some(Place::Cluster),
        RETENTION => return Some(Place::Retention),
        _ => {}
    }
    let place = parse_parts(path)?;
    // Only the one spelling that is written counts, so that no object has two names.
    (build(&place) == path).then_some(place)
}

fn parse_parts(path: &str) -> Option<Place> {
    let mut parts = path.split('/');
    let mut next = || parts.next();
    let place = match (next()?, next()?, next()?) {
        ("journal", "live", process) => Place::Heartbeat(process.parse().ok()?),
        ("journal", "log", _hour) => {
            let epoch = next()?.parse().ok()?;
            match (next()?, next()?) {
                ("s", name) => Place::Segment(epoch, name.strip_suffix(".seg")?.parse().ok()?),
                ("c", name) => Place::Slot(epoch, name.strip_suffix(".cmt")?.parse().ok()?),
                _ => return None,
            }
        }
        ("journal", "quar", name) => {
            let (epoch, n) = name.split_once('-')?;
            Place::Copy(epoch.parse().ok()?, n.parse().ok()?)
        }
        ("journal", "windows", hour) => {
            let tenant = next()?;
            tenant::check(tenant).ok()?;
            let k = next()?.strip_suffix(".rec")?.parse().ok()?;
            Place::Record(CompactionWindow::named(hour, tenant)?, k)
        }
        ("journal", "floor", hour) => {
            window::hour_of(hour)?;
            Place::Floor(hour.to_owned())
        }
        ("blocks", tenant, block) => {
            tenant::check(tenant).ok()?;
            let block = Uuid::parse_str(block).ok()?;
            let object = next()?;
            if object.is_empty() {
                return None;
            }
            Place::Block { tenant: tenant.to_owned(), block, object: object.to_owned() }
        }
        _ => return None,
    };
    next().is_none().then_some(place)
}

fn build(place: &Place) -> String {
    match place {
        Place::Cluster => CLUSTER.to_owned(),
        Place::Retention => RETENTION.to_owned(),
        Place::Heartbeat(process) => heartbeat(process),
        Place::Segment(epoch, n) => segment(epoch, *n),
        Place::Copy(epoch, n) => quarantine(epoch, *n),
        Place::Slot(epoch, k) => slot(epoch, *k),
        Place::Record(window, k) => record(window, *k),
        Place::Floor(hour) => floor(hour),
        Place::Block { tenant, block, object } => block_object(tenant, block, object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_built_and_taken_apart() {
        let epoch = EpochId::new(1_795_442_400, [0xab; 12]);
        let block_id = Uuid::from_bytes([0xcd; 16]);
        let table = [
            (Place::Cluster, "cluster.json".to_owned()),
            (Place::Retention, "journal/retention.json".to_owned()),
            (
                Place::Heartbeat(Uid([1; 16])),
                "journal/live/01010101010101010101010101010101".to_owned(),
            ),
            (
                Place::Segment(epoch, 7),
                "journal/log/2026-11-23T14/6b0446e0abababababababababababab/s/0000000007.seg"
                    .to_owned(),
            ),
            (
                Place::Copy(epoch, 7),
                "journal/quar/6b0446e0abababababababababababab-0000000007".to_owned(),
            ),
            (
                Place::Slot(epoch, 65_535),
                "journal/log/2026-11-23T14/6b0446e0abababababababababababab/c/65535.cmt".to_owned(),
            ),
            (
                Place::Record(CompactionWindow { hour: 498_734, tenant: "it's(a)*".into() }, 12),
                "journal/windows/2026-11-23T14/it's(a)*/00012.rec".to_owned(),
            ),
            (Place::Floor("2026-11-23T14".into()), "journal/floor/2026-11-23T14".to_owned()),
            (
                Place::Block {
                    tenant: "it's(a)*".into(),
                    block: block_id,
                    object: "data.parquet".into(),
                },
                "blocks/it's(a)*/cdcdcdcd-cdcd-cdcd-cdcd-cdcdcdcdcdcd/data.parquet".to_owned(),
            ),
        ];
        for (place, path) in table {
            assert_eq!(build(&place), path);
            assert_eq!(parse(&path), Some(place));
        }
    }

    #[test]
    fn foreign_paths_are_nobodys() {
        let table = [
            "",
            "cluster.jso",
            "journal/live",
            "journal/live/0101",
            "journal/log/2026-11-23T15/6b0446e0abababababababababababab/s/0000000007.seg",
            "journal/log/2026-11-23T14/6b0446e0abababababababababababab/s/7.seg",
            "journal/log/2026-11-23T14/6b0446e0abababababababababababab/s/+000000007.seg",
            "journal/log/2026-11-23T14/6b0446e0abababababababababababab/x/0000000007.seg",
            "journal/log/2026-11-23T14/6b0446e0abababababababababababab/s/0000000007.seg/x",
            "journal/quar",
            "journal/quar/6b0446e0abababababababababababab-7",
            "journal/quar/6b0446e0abababababababababababab",
            "journal/quar/6b0446e0abababababababababababab-0000000007/x",
            "journal/floor/readme.txt",
            "journal/floor/2026-11-23T24",
            "journal/floor/2026-11-23T14.bak",
            "journal/floor/2026-11-23T14/x",
            "journal/windows/2026-11-23T14/t/12.rec",
            "journal/windows/2026-11-23T24/t/00012.rec",
            "journal/windows/2026-11-23T14/../00012.rec",
            "journal/windows/2026-11-23T14/t/00012.rec/x",
            "blocks/../cdcdcdcd-cdcd-cdcd-cdcd-cdcdcdcdcdcd/data.parquet",
            "blocks/t/CDCDCDCD-cdcd-cdcd-cdcd-cdcdcdcdcdcd/data.parquet",
            "blocks/t/cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd/data.parquet",
            "blocks/t/cdcdcdcd-cdcd-cdcd-cdcd-cdcdcdcdcdcd",
            "blocks/t/index.json.gz",
        ];
        for path in table {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
