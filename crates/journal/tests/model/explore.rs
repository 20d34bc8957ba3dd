//! Going through the states.

use stateright::{Checker, Model};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Checks every state; answers how many there are.
pub(crate) fn check<M>(protocol: M) -> usize
where
    M: Model + Send + Sync + 'static,
    M::State: Debug + Hash + Send + Sync + PartialEq + Clone + 'static,
    M::Action: Clone + Debug + PartialEq,
{
    let checker = protocol.checker().threads(2).spawn_dfs().join();
    checker.assert_properties();
    checker.unique_state_count()
}

/// Whether the checker finds what is wrong.
pub(crate) fn is_caught<M>(protocol: M) -> bool
where
    M: Model + Send + Sync + 'static,
    M::State: Debug + Hash + Send + Sync + PartialEq + Clone + 'static,
    M::Action: Clone + Debug + PartialEq,
{
    let any = stateright::HasDiscoveries::Any;
    let checker = protocol.checker().threads(2).finish_when(any).spawn_dfs().join();
    !checker.discoveries().is_empty()
}

/// A run over every state reaches those that the protocol is about; a model that never gets there
/// proves nothing.
pub(crate) fn reaches<M>(protocol: &M, what: fn(&M::State) -> bool) -> bool
where
    M: Model,
    M::State: Hash,
{
    let fingerprint = |state: &M::State| {
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        hasher.finish()
    };
    let mut seen = BTreeSet::new();
    let mut next = protocol.init_states();
    while let Some(state) = next.pop() {
        if what(&state) {
            return true;
        }
        if seen.insert(fingerprint(&state)) {
            next.extend(protocol.next_states(&state));
        }
    }
    false
}
