//! Names and values in one row group of a stored block.

use super::names::SCOPES;
use super::{Among, Names, TagValues, Wanted};
use crate::answer::Cost;
use crate::chunk::{Field, keys_of, owner};
use crate::eval::fields;
use crate::scan::{GroupScan, How, ScanError};
use crate::search::{Window, dictionaries, is_ruled_out, leaf_of};
use tributary_block::dedicated::ColumnType;
use tributary_block::{Block, Source};
use tributary_traceql::ast::{FieldExpr, Scope};

/// Adds the names that a row group has. Gives what that cost.
///
/// # Errors
/// When its bytes cannot be had or are wrong, or the filter wants what cannot be done.
pub async fn names_group<S: Source>(
    block: &Block,
    source: &S,
    group: usize,
    among: Among<'_>,
    how: &How,
    names: &mut Names,
) -> Result<Cost, ScanError> {
    let window = window(block, among);
    let mut scan = GroupScan::new(block, source, group, how);
    if window.is_all() && among.filter.is_none() && only_names(block, &mut scan, names).await? {
        return Ok(cost(&scan));
    }
    if is_out(block, &mut scan, among, &[]).await? {
        return Ok(cost(&scan));
    }
    let mut found = Names::default();
    scan.each(
        |chunk, _| {
            let mut of_piece = Names::default();
            of_piece.add(chunk, &among.spans(chunk, window)?)?;
            Ok(of_piece)
        },
        |_, of_piece| {
            found.merge(of_piece);
            true
        },
    )
    .await?;
    names.merge(found);
    Ok(cost(&scan))
}

/// Adds the values that a row group has. Gives what that cost.
///
/// # Errors
/// When its bytes cannot be had or are wrong, or the filter wants what cannot be done.
pub async fn values_group<S: Source>(
    block: &Block,
    source: &S,
    group: usize,
    wanted: &Wanted,
    among: Among<'_>,
    how: &How,
    values: &mut TagValues,
) -> Result<Cost, ScanError> {
    let window = window(block, among);
    let mut scan = GroupScan::new(block, source, group, how);
    let is_whole = window.is_all() && among.filter.is_none();
    if is_whole && only_entries(block, &mut scan, wanted, values).await? {
        return Ok(cost(&scan));
    }
    if is_out(block, &mut scan, among, &wanted.fields).await? {
        return Ok(cost(&scan));
    }
    let mut found = TagValues::default();
    scan.each(
        |chunk, _| {
            let mut of_piece = TagValues::default();
            of_piece.add(chunk, wanted, &among.spans(chunk, window)?)?;
            Ok(of_piece)
        },
        |_, of_piece| {
            found.merge(of_piece);
            !found.is_full()
        },
    )
    .await?;
    values.merge(found);
    Ok(cost(&scan))
}

/// The time that spans are asked for. Without a filter the time chooses blocks, and all of them counts,
/// as Tempo does it: names and values are an offer to the person who writes a query.
fn window(block: &Block, among: Among<'_>) -> Window {
    let meta = block.meta();
    let (start, end) = meta.extent();
    if among.filter.is_none() && among.window.overlaps(start, end) {
        return Window::ALL;
    }
    among.window.unless_within(start, end)
}

fn cost<S: Source>(scan: &GroupScan<'_, S>) -> Cost {
    Cost { jobs_done: 1, bytes: scan.bytes, reads: scan.reads, ..Cost::default() }
}

/// Whether the dictionaries say that no span meets the filter. Reads those of the keys of `others`,
/// too.
async fn is_out<S: Source>(
    block: &Block,
    scan: &mut GroupScan<'_, S>,
    among: Among<'_>,
    others: &[Field],
) -> Result<bool, ScanError> {
    let conditions = among.filter.map(FieldExpr::conjuncts).unwrap_or_default();
    let attributes = among.filter.into_iter().flat_map(FieldExpr::attributes);
    let touched = attributes.flat_map(|attribute| {
        let (first, second) = fields(attribute);
        [Some(first), second].into_iter().flatten()
    });
    let all: Vec<Field> = touched.chain(others.iter().cloned()).collect();
    let known = scan.read_dictionaries(&dictionaries(block, &conditions, &all)).await?;
    Ok(is_ruled_out(block, &conditions, known))
}

/// The names by dictionaries alone. Whether that was possible.
async fn only_names<S: Source>(
    block: &Block,
    scan: &mut GroupScan<'_, S>,
    names: &mut Names,
) -> Result<bool, ScanError> {
    let mut own = vec![(Scope::Resource, "service.name".to_owned(), leaf_of_services())];
    for (scope, _) in SCOPES {
        for (key, column) in owner(scope).map(|o| block.own_columns(o)).unwrap_or_default() {
            own.push((scope, key, column.path));
        }
    }
    let keys = SCOPES.map(|(scope, _)| keys_of(scope).to_owned());
    let own_paths = own.iter().map(|(_, _, path)| path.clone());
    let paths: Vec<String> =
        keys.into_iter().chain(own_paths).filter(|path| block.has_leaf(path)).collect();
    let group = scan.group();
    let known = scan.read_dictionaries(&paths).await?;
    let mut found = Names::default();
    for (scope, _) in SCOPES {
        match known.get(keys_of(scope)) {
            Some(dictionary) => dictionary
                .entries()
                .for_each(|key| found.insert(scope, &String::from_utf8_lossy(key))),
            None if block.has_values(group, keys_of(scope)) => return Ok(false),
            None => {}
        }
    }
    for (scope, key, path) in own {
        match known.get(&path) {
            Some(dictionary) => {
                let is_told = |entry: &[u8]| !entry.is_empty() || key != "service.name";
                if dictionary.entries().any(is_told) {
                    found.insert(scope, &key);
                }
            }
            None if block.has_values(group, &path) => found.insert(scope, &key),
            None => {}
        }
    }
    names.merge(found);
    Ok(true)
}

fn leaf_of_services() -> String {
    "rs.Resource.ServiceName".to_owned()
}

/// The values by dictionaries alone. Whether that was possible.
async fn only_entries<S: Source>(
    block: &Block,
    scan: &mut GroupScan<'_, S>,
    wanted: &Wanted,
    values: &mut TagValues,
) -> Result<bool, ScanError> {
    // Leaves, and keys that must not stand in the generic list, too.
    let (mut paths, mut keys) = (Vec::new(), Vec::new());
    for field in &wanted.fields {
        match field {
            Field::Intrinsic(intrinsic) => match leaf_of(*intrinsic) {
                Some(path) => paths.push(path.to_owned()),
                None => return Ok(false),
            },
            Field::Named(Scope::Resource, key) if &**key == "service.name" => {
                paths.push(leaf_of_services());
            }
            Field::OtherServiceNames => keys.push((keys_of(Scope::Resource), "service.name")),
            Field::Named(scope, key) => {
                if let Some(own) = owner(*scope).and_then(|owner| block.own_column(owner, key)) {
                    if own.column_type != ColumnType::String {
                        return Ok(false);
                    }
                    paths.push(own.path);
                }
                keys.push((keys_of(*scope), &**key));
            }
            _ => return Ok(false),
        }
    }
    let lists = keys.iter().map(|(list, _)| (*list).to_owned()).collect::<Vec<_>>();
    let group = scan.group();
    let known = scan.read_dictionaries(&lists).await?;
    for (list, key) in keys {
        if !block.has_values(group, list) {
            continue;
        }
        let has = |entry: &[u8]| entry == key.as_bytes();
        if known.get(list).is_none_or(|dictionary| dictionary.entries().any(has)) {
            return Ok(false);
        }
    }
    paths.retain(|path| block.has_values(group, path));
    let known = scan.read_dictionaries(&paths).await?;
    if paths.iter().any(|path| !known.contains_key(path)) {
        return Ok(false);
    }
    for path in &paths {
        if let Some(dictionary) = known.get(path) {
            dictionary.entries().for_each(|entry| values.text(entry));
        }
    }
    Ok(true)
}
