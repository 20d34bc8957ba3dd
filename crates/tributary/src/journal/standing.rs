//! The blocks of a tenant that may expire, as the store lists them.

use anyhow::Result;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use tributary_journal::layout::{self, Place};
use tributary_journal::retention::{Due, InWindow, due};
use tributary_journal::{CompactionWindow, Journal};
use uuid::Uuid;

/// The visible blocks of a tenant.
#[derive(Debug, Default)]
pub(super) struct Visible {
    /// By window: id, and bytes of its data.
    pub(super) windows: BTreeMap<CompactionWindow, BTreeMap<Uuid, u64>>,
    /// Those that no ingester made, which belong to no window.
    pub(super) others: usize,
    /// When the newest object was written, by the store's clock.
    pub(super) newest: Option<SystemTime>,
}

impl Visible {
    /// Lists them.
    pub(super) async fn of(journal: &Journal, tenant: &str) -> Result<Visible> {
        let mut found: BTreeMap<Uuid, (bool, u64)> = BTreeMap::new();
        let mut visible = Visible::default();
        for object in journal.store().list(&format!("{}/{tenant}", layout::BLOCKS)).await? {
            let Some(Place::Block { block, object: name, .. }) = layout::parse(&object.path) else {
                continue;
            };
            let entry = found.entry(block).or_default();
            entry.0 |= name == layout::META;
            entry.1 += if name == "data.parquet" { object.size } else { 0 };
            visible.newest = visible.newest.max(Some(object.modified));
        }
        for (id, (_, size)) in found.into_iter().filter(|(_, (has_meta, _))| *has_meta) {
            match CompactionWindow::of(tenant, &id) {
                Some(window) => {
                    visible.windows.entry(window).or_default().insert(id, size);
                }
                None => visible.others += 1,
            }
        }
        Ok(visible)
    }

    pub(super) fn due(&self, retention: Duration, now: SystemTime) -> Due {
        let windows = self.windows.iter();
        let windows = windows.map(|(window, blocks)| InWindow {
            hour: window.hour,
            blocks: blocks.len(),
            begun: false,
        });
        due(windows, self.others, retention, now)
    }

    pub(super) fn in_hours<'a>(
        &'a self,
        hours: &'a [u32],
    ) -> impl Iterator<Item = (Uuid, u64)> + 'a {
        let windows = self.windows.iter().filter(|(window, _)| hours.contains(&window.hour));
        windows.flat_map(|(_, blocks)| blocks.iter().map(|(id, size)| (*id, *size)))
    }
}

/// What is said of blocks that cannot expire.
pub(super) fn left(tenant: &str, others: usize) -> String {
    match others {
        0 => String::new(),
        n => format!(
            "{n} blocks of {tenant} were made by another program, such as a Tempo that compacts: they stay \
             until that program, or you, delete them\n"
        ),
    }
}
