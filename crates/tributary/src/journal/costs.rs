//! `tributary journal --costs`: what lies in a bucket, by kind and level, and what keeping it costs.
//!
//! Objects tell what is stored. Requests leave no trace in a bucket: segments, for one, are deleted as
//! soon as their spans are in blocks. The ingesters count them; `docs/operations.md` has the query that
//! gives them a price.

use super::look;
use super::report::bytes;
use anyhow::Result;
use futures_util::{StreamExt, stream};
use std::collections::BTreeMap;
use std::fmt::Write;
use tributary_block::BlockMeta;
use tributary_journal::layout::{self, Place};
use tributary_store::{ObjectInfo, Store};
use uuid::Uuid;

/// Metas that are read at a time.
const AT_ONCE: usize = 64;
/// Bytes in which stores reckon what they keep.
const GIB: f64 = (1u64 << 30) as f64;
/// What a GiB costs in a month in S3's standard class, us-east-1.
const DOLLARS: f64 = 0.023;

/// What is asked of costs.
#[derive(Debug, clap::Args)]
#[group(id = "costs-options")]
pub(super) struct Options {
    /// Show what lies in the bucket, blocks by their level, and what keeping it costs.
    #[arg(long, conflicts_with_all = ["verify", "json", "all", "replay", "retention", "delete_tenant"])]
    pub(super) costs: bool,
    /// Dollars that the store asks for a GiB in a month.
    #[arg(long, value_name = "DOLLARS", requires = "costs", default_value_t = DOLLARS, value_parser = price)]
    gib_month: f64,
}

fn price(text: &str) -> Result<f64, String> {
    match text.trim().trim_start_matches('$').parse::<f64>() {
        Ok(price) if price.is_finite() && price >= 0.0 => Ok(price),
        _ => Err("must be dollars, such as 0.023".to_owned()),
    }
}

/// What objects are for. In this order they are shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Data of visible blocks of a level: how often it was merged.
    Data(u32),
    Filters,
    Metas,
    /// Objects of blocks that were merged into others or expired, or are not visible yet.
    Hidden,
    Segments,
    SlotsAndRecords,
    /// Heartbeats, floor, copies, identity.
    Journal,
    Foreign,
}

impl Kind {
    fn name(&self) -> String {
        match self {
            Kind::Data(0) => "blocks, never merged".to_owned(),
            Kind::Data(1) => "blocks, merged once".to_owned(),
            Kind::Data(n) => format!("blocks, merged {n} times"),
            Kind::Filters => "filters of blocks".to_owned(),
            Kind::Metas => "metas of blocks".to_owned(),
            Kind::Hidden => "blocks that no reader sees".to_owned(),
            Kind::Segments => "segments".to_owned(),
            Kind::SlotsAndRecords => "slots and records".to_owned(),
            Kind::Journal => "the rest of the journal".to_owned(),
            Kind::Foreign => "not ours".to_owned(),
        }
    }
}

/// Levels of visible blocks.
type Levels = BTreeMap<(String, Uuid), u32>;

fn kind(path: &str, levels: &Levels) -> Kind {
    match layout::parse(path) {
        None => Kind::Foreign,
        Some(Place::Segment(..)) => Kind::Segments,
        Some(Place::Slot(..) | Place::Record(..)) => Kind::SlotsAndRecords,
        Some(Place::Block { tenant, block, object }) => match levels.get(&(tenant, block)) {
            None => Kind::Hidden,
            Some(level) if object == "data.parquet" => Kind::Data(*level),
            Some(_) if object == layout::META => Kind::Metas,
            Some(_) => Kind::Filters,
        },
        Some(_) => Kind::Journal,
    }
}

/// Objects of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Pile {
    objects: u64,
    bytes: u64,
}

fn piles(objects: &[ObjectInfo], levels: &Levels) -> BTreeMap<Kind, Pile> {
    let mut piles: BTreeMap<Kind, Pile> = BTreeMap::new();
    for object in objects {
        let pile = piles.entry(kind(&object.path, levels)).or_default();
        pile.objects += 1;
        pile.bytes += object.size;
    }
    piles
}

/// How often a byte of visible blocks was written again, on average.
fn rewrites(piles: &BTreeMap<Kind, Pile>) -> Option<f64> {
    let of_blocks = piles.iter().filter_map(|(kind, pile)| match kind {
        Kind::Data(level) => Some((f64::from(*level), pile.bytes as f64)),
        _ => None,
    });
    let (again, all) =
        of_blocks.fold((0.0, 0.0), |(again, all), (level, n)| (again + level * n, all + n));
    (all > 0.0).then_some(again / all)
}

fn table(piles: &BTreeMap<Kind, Pile>, gib_month: f64) -> String {
    let mut text = format!("{:30}{:>10}{:>14}{:>14}\n", "what", "objects", "bytes", "$ a month");
    let mut row = |name: &str, pile: Pile| {
        let dollars = pile.bytes as f64 / GIB * gib_month;
        let size = bytes(pile.bytes);
        writeln!(text, "{name:30}{:>10}{size:>14}{dollars:>14.2}", pile.objects).ok();
    };
    let mut all = Pile::default();
    for (kind, pile) in piles {
        row(&kind.name(), *pile);
        all = Pile { objects: all.objects + pile.objects, bytes: all.bytes + pile.bytes };
    }
    row("all", all);
    if let Some(times) = rewrites(piles) {
        writeln!(text, "a byte of a block was written again {times:.1} times").ok();
    }
    text
}

/// Looks, and says what it costs.
pub(super) async fn told(options: &Options, store: &Store) -> Result<String> {
    look::cluster(store).await?;
    let objects = store.list("").await?;
    let visible: Vec<(String, Uuid)> = objects
        .iter()
        .filter_map(|object| match layout::parse(&object.path) {
            Some(Place::Block { tenant, block, object }) if object == layout::META => {
                Some((tenant, block))
            }
            _ => None,
        })
        .collect();
    let (mut levels, mut unknown) = (Levels::new(), 0);
    let read = visible.into_iter().map(|(tenant, block)| async move {
        let json = store.get(&layout::block_object(&tenant, &block, layout::META)).await;
        let meta = json.ok().and_then(|json| BlockMeta::parse(&json).ok());
        ((tenant, block), meta.map(|meta| meta.compaction_level))
    });
    let mut read = stream::iter(read).buffer_unordered(AT_ONCE);
    while let Some((block, level)) = read.next().await {
        unknown += usize::from(level.is_none());
        levels.insert(block, level.unwrap_or(0));
    }
    let mut text = table(&piles(&objects, &levels), options.gib_month);
    if unknown > 0 {
        writeln!(text, "{unknown} metas could not be read: their blocks count as never merged")?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn each_object_has_a_kind_and_each_kind_a_price() {
        let blocks = [1, 2, 3].map(Uuid::from_u128);
        let [fresh, merged, gone] = blocks;
        let levels: Levels = [(("t".to_owned(), fresh), 0), (("t".to_owned(), merged), 3)].into();
        let of = |block: Uuid, name: &str| format!("blocks/t/{block}/{name}");
        let epoch = "journal/log/2026-11-23T14/6b0446e0abababababababababababab";
        let stored = [
            (of(fresh, "data.parquet"), 1 << 30, Kind::Data(0)),
            (of(merged, "data.parquet"), 3 << 30, Kind::Data(3)),
            (of(merged, "bloom-0"), 100, Kind::Filters),
            (of(merged, "meta.json"), 100, Kind::Metas),
            (of(gone, "data.parquet"), 100, Kind::Hidden),
            (of(gone, "meta.compacted.json"), 100, Kind::Hidden),
            (format!("{epoch}/s/0000000007.seg"), 100, Kind::Segments),
            (format!("{epoch}/c/00007.cmt"), 100, Kind::SlotsAndRecords),
            ("journal/windows/2026-11-23T14/t/00000.rec".to_owned(), 100, Kind::SlotsAndRecords),
            ("journal/floor/2026-11-23T14".to_owned(), 0, Kind::Journal),
            ("cluster.json".to_owned(), 100, Kind::Journal),
            ("notes.txt".to_owned(), 100, Kind::Foreign),
        ];
        let mut objects = Vec::new();
        for (path, size, expected) in stored {
            assert_eq!(kind(&path, &levels), expected, "{path}");
            objects.push(ObjectInfo { path, size, modified: SystemTime::UNIX_EPOCH });
        }
        let piles = piles(&objects, &levels);
        assert_eq!(piles[&Kind::Hidden], Pile { objects: 2, bytes: 200 });
        let text = table(&piles, 0.5);
        let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["blocks,", "never", "merged", "1", "1.0", "GiB", "0.50"]);
        assert_eq!(lines[2], ["blocks,", "merged", "3", "times", "1", "3.0", "GiB", "1.50"]);
        assert_eq!(lines[10], ["all", "12", "4.0", "GiB", "2.00"]);
        assert!(text.ends_with("written again 2.2 times\n"), "{text}");
        assert!(!table(&BTreeMap::new(), 1.0).contains("again"));
    }

    #[test]
    fn prices_are_dollars() {
        assert_eq!(
            ["0.02", " $1 ", "0"].map(|text| price(text).ok()),
            [Some(0.02), Some(1.0), Some(0.0)]
        );
        for text in ["", "-1", "inf", "NaN", "cheap"] {
            assert!(price(text).is_err(), "{text}");
        }
    }
}
