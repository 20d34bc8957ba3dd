//! The table of leaves as Parquet's message type.

use super::{Leaf, LeafType, leaves};
use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::errors::ParquetError;
use parquet::schema::types::{Type, TypePtr};
use std::sync::Arc;

/// vParquet4's message type.
///
/// # Errors
/// Never for the table above, which a test shows.
pub(crate) fn message_type() -> Result<TypePtr, ParquetError> {
    let leaves = leaves();
    let all: Vec<(&str, &Leaf)> = leaves.iter().map(|leaf| (leaf.path.as_str(), leaf)).collect();
    let message = Type::group_type_builder("Trace").with_fields(fields(&all)?).build()?;
    Ok(Arc::new(message))
}

type Rest<'a> = (&'a str, &'a Leaf);

/// The fields of a group from the rests of its leaves' paths. Leaves of a group stand together.
fn fields<'a>(leaves: &[Rest<'a>]) -> Result<Vec<TypePtr>, ParquetError> {
    let head = |rest: &str| rest.find(['.', '[', '{']).unwrap_or(rest.len());
    let name = |rest: &Rest<'_>| rest.0.split_at(head(rest.0)).0.to_owned();
    let mut types = Vec::new();
    for same in leaves.chunk_by(|a, b| name(a) == name(b)) {
        let Some(first) = same.first() else { continue };
        let (name, after) = first.0.split_at(head(first.0));
        // What follows the name and `marks` characters of punctuation.
        let below = |marks: usize| -> Vec<Rest<'a>> {
            let rest = |path: &'a str| path.get(name.len() + marks..).unwrap_or_default();
            same.iter().map(|&(path, leaf)| (rest(path), leaf)).collect()
        };
        types.push(Arc::new(match after.as_bytes() {
            [] => primitive(name, first.1, first.1.optional)?,
            [b'[', b']'] => list(name, primitive("element", first.1, false)?)?,
            [b'[', ..] => list(name, group("element", fields(&below(3))?)?)?,
            [b'{', ..] => {
                let pair = Type::group_type_builder("key_value")
                    .with_repetition(Repetition::REPEATED)
                    .with_fields(fields(&below(2))?)
                    .build()?;
                annotated(name, pair, LogicalType::Map, ConvertedType::MAP)?
            }
            _ => group(name, fields(&below(1))?)?,
        }));
    }
    Ok(types)
}

fn group(name: &str, fields: Vec<TypePtr>) -> Result<Type, ParquetError> {
    Type::group_type_builder(name).with_repetition(Repetition::REQUIRED).with_fields(fields).build()
}

fn list(name: &str, element: Type) -> Result<Type, ParquetError> {
    let list = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element)])
        .build()?;
    annotated(name, list, LogicalType::List, ConvertedType::LIST)
}

fn annotated(
    name: &str,
    inner: Type,
    logical: LogicalType,
    converted: ConvertedType,
) -> Result<Type, ParquetError> {
    Type::group_type_builder(name)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(logical))
        .with_converted_type(converted)
        .with_fields(vec![Arc::new(inner)])
        .build()
}

fn primitive(name: &str, leaf: &Leaf, optional: bool) -> Result<Type, ParquetError> {
    let repetition = if optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let integer = |bit_width, is_signed| Some(LogicalType::integer(bit_width, is_signed));
    let (physical, logical) = match leaf.leaf_type {
        LeafType::Bytes => (Physical::BYTE_ARRAY, None),
        LeafType::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        LeafType::Bool => (Physical::BOOLEAN, None),
        LeafType::Double => (Physical::DOUBLE, None),
        LeafType::I32 => (Physical::INT32, integer(32, true)),
        LeafType::U32 => (Physical::INT32, integer(32, false)),
        LeafType::I64 => (Physical::INT64, integer(64, true)),
        LeafType::U64 => (Physical::INT64, integer(64, false)),
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .build()
}
