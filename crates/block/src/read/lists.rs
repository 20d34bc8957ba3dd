//! Levels back into lists: how many elements each owner has.

use super::column::Decoded;
use crate::error::BlockError;

fn disagree(what: &str) -> BlockError {
    BlockError::corrupt(format!("columns disagree about {what}"))
}

/// Ends of a list's elements by owner, from the levels of any leaf in it. `depth` is the
/// definition level of an element.
pub(super) fn ends<T>(leaf: &Decoded<T>, depth: u8) -> Result<Vec<u32>, BlockError> {
    let mut ends: Vec<u32> = Vec::new();
    let mut count = 0u32;
    for (&rep, &def) in leaf.rep.iter().zip(&leaf.def) {
        if rep < depth && def + 1 >= depth {
            ends.push(count);
        }
        if rep <= depth && def >= depth {
            count = count.checked_add(1).ok_or_else(|| disagree("their length"))?;
            *ends.last_mut().ok_or_else(|| disagree("their owners"))? = count;
        }
    }
    Ok(ends)
}

/// The same, for a known number of owners.
pub(super) fn ends_of<T>(
    leaf: &Decoded<T>,
    depth: u8,
    owners: usize,
) -> Result<Vec<u32>, BlockError> {
    let ends = ends(leaf, depth)?;
    if ends.len() == owners { Ok(ends) } else { Err(disagree("the owners of lists")) }
}

/// The values of a required leaf, one for each of `elements` elements at `depth`.
pub(super) fn required<T>(leaf: Decoded<T>, elements: usize) -> Result<Vec<T>, BlockError> {
    if leaf.values.len() == elements { Ok(leaf.values) } else { Err(disagree("how much there is")) }
}

/// Ends of the values of an optional leaf, 0 or 1 for each of `elements` elements at `depth`.
pub(super) fn optional<T>(
    leaf: &Decoded<T>,
    depth: u8,
    elements: usize,
) -> Result<Vec<u32>, BlockError> {
    let mut ends = Vec::with_capacity(elements.min(leaf.def.len()));
    let mut count = 0u32;
    for (&rep, &def) in leaf.rep.iter().zip(&leaf.def) {
        if rep <= depth && def >= depth {
            count += u32::from(def > depth);
            ends.push(count);
        }
    }
    if ends.len() == elements && leaf.values.len() == count as usize {
        Ok(ends)
    } else {
        Err(disagree("optional values"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(rep: &[u8], def: &[u8], values: usize) -> Decoded<()> {
        Decoded { rep: rep.to_vec(), def: def.to_vec(), values: vec![(); values] }
    }

    #[test]
    fn levels_are_lists_again() {
        // The example of `write::levels`: rows of 2, 0 and 1; of 0, 2 and 1 elements.
        let inner = levels(&[0, 1, 2, 0, 0], &[1, 2, 2, 0, 2], 3);
        assert_eq!(ends(&inner, 1).unwrap(), [2, 2, 3]);
        assert_eq!(ends(&inner, 2).unwrap(), [0, 2, 3]);
        assert!(ends_of(&inner, 2, 4).is_err());
        let optional_leaf = levels(&[0, 1, 2, 0, 0], &[1, 3, 2, 0, 3], 2);
        assert_eq!(optional(&optional_leaf, 2, 3).unwrap(), [1, 1, 2]);
        assert!(required(inner, 4).is_err());
    }

    #[test]
    fn an_element_without_owner_is_an_error() {
        assert!(ends(&levels(&[1], &[1], 1), 1).is_err());
    }
}
