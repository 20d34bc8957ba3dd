//! `meta.json`: what a block is, and the object that makes it live.
//!
//! The names and the meaning of the fields are Tempo's (`backend.BlockMeta` in JSON). It is read
//! as Go reads it: unknown fields are ignored, absent ones take their zero value. Readers locate
//! the footer by `size` and `footerSize` and count jobs by `totalRecords`, so the numbers must be
//! exact.

use crate::dedicated::{self, DedicatedColumn};
use crate::error::BlockError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;
use uuid::Uuid;

/// Nanoseconds of an hour, the unit of [`BlockMeta::odd_hours`].
pub(crate) const HOUR: u64 = 3_600_000_000_000;

/// Encoding of `data.parquet`, the meta's `format`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Encoding {
    /// `vParquet4`: what is written; Tempo 2.5 and later read it.
    #[default]
    VParquet4,
    /// `vParquet5`: read only; Tempo 2.10 and later.
    VParquet5,
    /// Something else, which this version cannot read.
    Other(String),
}

/// A block's description. Field names in JSON are Tempo's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlockMeta {
    /// Encoding of the data.
    pub format: Encoding,
    /// The block's id; equals the folder's name.
    #[serde(rename = "blockID")]
    pub block_id: Uuid,
    /// The tenant; equals the folder's name.
    #[serde(rename = "tenantID")]
    pub tenant_id: String,
    /// Earliest span start, nanoseconds since the epoch, of all but a few spans that are far from all
    /// others: `odd_hours`.
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub start_time: u64,
    /// Latest span end, nanoseconds since the epoch, of the same.
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub end_time: u64,
    /// First and last hour since the epoch of each stretch in which spans are that lie outside
    /// `start_time` to `end_time`. Ours: Tempo skips it.
    #[serde(rename = "tributaryOddHours", skip_serializing_if = "Vec::is_empty")]
    pub odd_hours: Vec<(u32, u32)>,
    /// Traces in the block, which are its rows.
    pub total_objects: u64,
    /// Bytes of `data.parquet`.
    pub size: u64,
    /// How often the block has been compacted.
    pub compaction_level: u32,
    /// Legacy; 0.
    pub index_page_size: u32,
    /// Row groups.
    pub total_records: u32,
    /// Number of `bloom-N` objects. 0 stands for 10, as in blocks of old releases.
    pub bloom_shards: u32,
    /// Bytes of the Parquet footer, without the 8 bytes that follow it. 0 means not known.
    pub footer_size: u32,
    /// Attributes that have a column of their own.
    #[serde(
        skip_serializing_if = "is_empty",
        serialize_with = "write_columns",
        deserialize_with = "read_columns"
    )]
    pub dedicated_columns: Arc<[DedicatedColumn]>,
    /// 1: spans stand once in the store, so metrics may count this block.
    #[serde(skip_serializing_if = "is_zero")]
    pub replication_factor: u32,
}

impl Default for BlockMeta {
    fn default() -> Self {
        BlockMeta {
            format: Encoding::default(),
            block_id: Uuid::nil(),
            tenant_id: String::new(),
            start_time: 0,
            end_time: 0,
            odd_hours: Vec::new(),
            total_objects: 0,
            size: 0,
            compaction_level: 0,
            index_page_size: 0,
            total_records: 0,
            bloom_shards: 0,
            footer_size: 0,
            dedicated_columns: Arc::default(),
            replication_factor: 0,
        }
    }
}

impl BlockMeta {
    /// Reads a `meta.json`.
    ///
    /// # Errors
    /// When it is no JSON or a field has a wrong type. An unknown `format` is not an error here.
    pub fn parse(json: &[u8]) -> Result<Self, BlockError> {
        serde_json::from_slice(json).map_err(|e| BlockError::corrupt(format!("meta.json: {e}")))
    }

    /// The `meta.json` of this block.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether spans of the block may be between `start` and `end`, nanoseconds since the epoch.
    pub fn overlaps(&self, start: u64, end: u64) -> bool {
        let meets = |(first, last): (u64, u64)| first <= end && last >= start;
        meets((self.start_time, self.end_time)) || self.odd().any(meets)
    }

    /// From the earliest to the latest span of the block, nanoseconds since the epoch: all there are.
    pub fn extent(&self) -> (u64, u64) {
        let all = (self.start_time, self.end_time);
        self.odd().fold(all, |all, odd| (all.0.min(odd.0), all.1.max(odd.1)))
    }

    fn odd(&self) -> impl Iterator<Item = (u64, u64)> {
        let start = |hour: u32| u64::from(hour).saturating_mul(HOUR);
        let stretch = move |&(first, last)| (start(first), start(last).saturating_add(HOUR - 1));
        self.odd_hours.iter().map(stretch)
    }

    /// Number of `bloom-N` objects, the legacy 0 resolved.
    pub fn bloom_count(&self) -> u32 {
        if self.bloom_shards == 0 { 10 } else { self.bloom_shards }
    }
}

/// An object of a block, by its place in the block's folder `<tenant>/<block id>/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Object {
    /// `meta.json`, written last.
    Meta,
    /// `data.parquet`.
    Data,
    /// `bloom-N`.
    Bloom(u32),
}

impl Object {
    /// The object's name in the folder of its block.
    pub fn name(self) -> String {
        match self {
            Object::Meta => "meta.json".to_owned(),
            Object::Data => "data.parquet".to_owned(),
            Object::Bloom(n) => format!("bloom-{n}"),
        }
    }
}

impl Serialize for Encoding {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match self {
            Encoding::VParquet4 => "vParquet4",
            Encoding::VParquet5 => "vParquet5",
            Encoding::Other(name) => name,
        })
    }
}

impl<'de> Deserialize<'de> for Encoding {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Ok(match name.as_str() {
            "vParquet4" => Encoding::VParquet4,
            "vParquet5" => Encoding::VParquet5,
            _ => Encoding::Other(name),
        })
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn is_empty(columns: &Arc<[DedicatedColumn]>) -> bool {
    columns.is_empty()
}

fn write_columns<S: Serializer>(
    columns: &Arc<[DedicatedColumn]>,
    to: S,
) -> Result<S::Ok, S::Error> {
    columns.as_ref().serialize(to)
}

/// Null stands for none.
fn read_columns<'de, D>(from: D) -> Result<Arc<[DedicatedColumn]>, D::Error>
where
    D: Deserializer<'de>,
{
    let columns = Option::<Vec<DedicatedColumn>>::deserialize(from)?;
    Ok(dedicated::shared(columns.unwrap_or_default()))
}

fn write_time<S: Serializer>(nanos: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&crate::time::to_rfc3339(*nanos))
}

fn read_time<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    crate::time::from_rfc3339(&text)
        .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no RFC 3339 time")))
}

#[cfg(test)]
mod tests;
