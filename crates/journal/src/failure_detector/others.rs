//! What a reader of traces is told of the other processes.

use crate::heartbeat::Heartbeat;
use crate::id::EpochId;
use std::collections::BTreeSet;

/// Where spans may be that this process does not have itself, as far as heartbeats tell. A reader of
/// a trace asks the living, reads what the others left in segments, and then looks at blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others {
    /// Processes that count as alive and answer queries: what they hold is in their memory.
    pub living: Vec<Heartbeat>,
    /// Epochs of processes that are not to be asked: of suspects, whether adopted or not, since a
    /// suspect may be a zombie that still writes; and of those that answer no queries.
    pub unattended: BTreeSet<EpochId>,
    /// Epochs that no heartbeat names and that had segments when the store was last swept, if this
    /// is the process that sweeps; and those that this process has adopted but for segments that could
    /// not be read.
    pub unnamed: BTreeSet<EpochId>,
    /// No round has succeeded for so long that there may be others.
    pub in_the_dark: bool,
}
