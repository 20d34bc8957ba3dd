//! A block leaf by leaf: bytes stored, and bytes that its values are worth.

use anyhow::Result;
use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a leaf takes, in bytes of the whole block.
#[derive(Debug, Default, Clone)]
pub(crate) struct LeafCost {
    /// As stored, dictionary included.
    pub(crate) stored: i64,
    /// What an ideal code of its values would take, each seen by itself: each distinct one once, and
    /// which of them it is; or all of them as they are, if that is less. Levels are not in it.
    pub(crate) entropy: f64,
    /// Encodings of values.
    pub(crate) encodings: BTreeSet<&'static str>,
}

/// All leaves by path.
pub(crate) fn costs(data: &Bytes) -> Result<BTreeMap<String, LeafCost>> {
    let reader = SerializedFileReader::new(data.clone())?;
    let mut costs: BTreeMap<String, LeafCost> = BTreeMap::new();
    for number in 0..reader.num_row_groups() {
        let group = reader.get_row_group(number)?;
        for (n, column) in group.metadata().columns().iter().enumerate() {
            let cost = costs.entry(column.column_path().string()).or_default();
            cost.stored += column.compressed_size();
            cost.encodings.extend(column.encodings().filter_map(name));
            cost.entropy += entropy(group.as_ref(), n)?;
        }
    }
    Ok(costs)
}

fn name(encoding: Encoding) -> Option<&'static str> {
    Some(match encoding {
        Encoding::RLE_DICTIONARY => "dictionary",
        Encoding::DELTA_BINARY_PACKED => "differences",
        Encoding::DELTA_LENGTH_BYTE_ARRAY => "lengths",
        Encoding::DELTA_BYTE_ARRAY => "prefixes",
        Encoding::PLAIN => "plain",
        _ => return None,
    })
}

fn entropy(group: &dyn RowGroupReader, column: usize) -> Result<f64> {
    Ok(match group.get_column_reader(column)? {
        ColumnReader::BoolColumnReader(r) => worth(r, |v| vec![u8::from(*v)])? / 8.0,
        ColumnReader::Int32ColumnReader(r) => worth(r, |v| v.to_le_bytes().to_vec())?,
        ColumnReader::Int64ColumnReader(r) => worth(r, |v| v.to_le_bytes().to_vec())?,
        ColumnReader::DoubleColumnReader(r) => worth(r, |v| v.to_bits().to_le_bytes().to_vec())?,
        ColumnReader::ByteArrayColumnReader(r) => worth(r, |v| v.data().to_vec())?,
        _ => 0.0,
    })
}

fn worth<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    bytes: impl Fn(&T::T) -> Vec<u8>,
) -> Result<f64> {
    let mut counts: HashMap<Vec<u8>, usize> = HashMap::new();
    let (mut all, mut plain) = (0usize, 0usize);
    loop {
        let (mut values, mut rep, mut def) = (Vec::new(), Vec::new(), Vec::new());
        let (rows, _, _) =
            reader.read_records(64 << 10, Some(&mut def), Some(&mut rep), &mut values)?;
        if rows == 0 {
            break;
        }
        for value in &values {
            let value = bytes(value);
            all += 1;
            plain += value.len();
            *counts.entry(value).or_default() += 1;
        }
    }
    let bits = |n: usize| n as f64 * (all as f64 / n as f64).log2();
    let chosen: f64 = counts.values().map(|n| bits(*n)).sum();
    let distinct: usize = counts.keys().map(Vec::len).sum();
    Ok((distinct as f64 + chosen / 8.0).min(plain as f64))
}
