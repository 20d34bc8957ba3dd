//! Names in a bucket or folder that are no object's of ours: a console's folder markers, another
//! program's files, folders that may not be read. Listings leave them out, and say so once.

use crate::counters::{Counters, add};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Names that are remembered as told. More are counted, and not told.
const TOLD: usize = 256;
/// Characters of a name that are told and remembered.
const LONGEST: usize = 200;

/// What was left out of listings so far. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Foreign {
    counters: Arc<Counters>,
    told: Arc<Mutex<HashSet<String>>>,
}

impl Foreign {
    pub(crate) fn new(counters: Arc<Counters>) -> Foreign {
        Foreign { counters, told: Arc::default() }
    }

    /// What the store's operations are counted in.
    #[cfg(feature = "cloud")]
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// A listing leaves out `name`.
    pub(crate) fn leave_out(&self, name: &str, why: &str) {
        add(&self.counters.names_left_out, 1);
        let name: String = name.chars().take(LONGEST).collect();
        let (is_new, is_last) = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            let is_new = told.len() < TOLD && told.insert(name.clone());
            (is_new, told.len() == TOLD)
        };
        if is_new {
            tracing::warn!(?name, why, "a name that is no object's is left out of listings");
        }
        if is_new && is_last {
            tracing::warn!("more such names are counted only");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_some_remembered() {
        let foreign = Foreign::new(Arc::default());
        for name in 0..1000 {
            foreign.clone().leave_out(&format!("{name}/{}", "é".repeat(1000)), "empty");
            foreign.leave_out("the same", "empty");
        }
        assert_eq!(foreign.counters.snapshot().names_left_out, 2000);
        let told = foreign.told.lock().unwrap();
        assert_eq!(told.len(), TOLD);
        assert!(told.iter().all(|name| name.chars().count() <= LONGEST));
    }
}
