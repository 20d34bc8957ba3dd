//! `tributary journal --retention TIME`: what would go, and that it is meant to; and
//! `--delete-tenant NAME`.
//!
//! What goes is judged as an ingester judges it ([`tributary_journal::retention`]). Deleting a tenant
//! is the same as letting all its windows expire: a record in each window's chain, then its blocks are
//! hidden. Their data is deleted by the ingesters, which go by the records.

use super::expire;
use super::look;
use super::refused::Refused;
use super::report::bytes;
use super::standing::{Visible, left};
use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, SystemTime};
use tributary_block::{Block, BlockMeta, FolderSource};
use tributary_journal::layout;
use tributary_journal::{CompactionWindow, Journal};
use tributary_settings::value::duration;
use tributary_store::{Store, StoreError};
use uuid::Uuid;

/// Blocks that are read at a time.
const AT_ONCE: usize = 16;
/// The field of a span that each has once.
const ONE_A_SPAN: &str = "rs.ss.Spans.Kind";

/// What is asked of retention.
#[derive(Debug, clap::Args)]
#[group(id = "retention-options")]
pub(super) struct Options {
    /// With --dry-run: show what would go if this were the retention, such as 14d, of all tenants or of
    /// --tenant. With --yes: say that what this retention takes is meant, so that ingesters which have
    /// stopped because it is too much go on, for an hour.
    #[arg(long, value_name = "TIME", value_parser = retention, conflicts_with_all = ["verify", "json", "all", "replay"])]
    retention: Option<Duration>,
    /// Of this tenant alone.
    #[arg(long, value_name = "NAME", requires = "retention")]
    tenant: Option<String>,
    /// Delete all blocks of a tenant that are there now: readers drop them, and the ingesters delete
    /// them after keep-compacted. What comes for it later is new.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["verify", "json", "all", "replay", "retention"])]
    delete_tenant: Option<String>,
    /// Change nothing, and show what would go.
    #[arg(long)]
    dry_run: bool,
    /// That it is meant.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
enum Asked<'o> {
    WouldGo(Duration, Option<&'o str>),
    IsMeant(Duration, Option<&'o str>),
    WouldDelete(&'o str),
    Delete(&'o str),
}

fn retention(text: &str) -> Result<Duration, String> {
    match duration(text.trim())? {
        time if time < Duration::from_secs(3600) => Err("must be 1h at least".to_owned()),
        time => Ok(time),
    }
}

impl Options {
    /// Whether anything is asked of it.
    pub(super) fn is_asked(&self) -> bool {
        self.retention.is_some() || self.delete_tenant.is_some()
    }

    /// What is missing, before anything is looked at.
    pub(super) fn check(&self) -> Result<(), String> {
        match (self.is_asked(), self.dry_run || self.yes) {
            (true, false) => Err("needs --dry-run, to see what would go, or --yes".to_owned()),
            (false, true) => {
                Err("--dry-run and --yes need --retention TIME or --delete-tenant NAME".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn asked(&self) -> Option<Asked<'_>> {
        let tenant = self.tenant.as_deref();
        Some(match (self.retention, self.delete_tenant.as_deref(), self.yes) {
            (Some(time), _, false) => Asked::WouldGo(time, tenant),
            (Some(time), _, true) => Asked::IsMeant(time, tenant),
            (None, Some(tenant), false) => Asked::WouldDelete(tenant),
            (None, Some(tenant), true) => Asked::Delete(tenant),
            (None, None, _) => return None,
        })
    }

    /// Does it, and says what was done.
    pub(super) async fn done(&self, store: Store) -> Result<String> {
        look::cluster(&store).await?;
        let journal = Journal::new(store);
        match self.asked() {
            Some(Asked::WouldGo(time, tenant)) => would_go(&journal, time, tenant).await,
            Some(Asked::IsMeant(time, tenant)) => is_meant(&journal, time, tenant).await,
            Some(Asked::WouldDelete(tenant)) => would_delete(&journal, tenant).await,
            Some(Asked::Delete(tenant)) => expire::tenant(&journal, tenant).await,
            None => Err(Refused("nothing is asked".to_owned()).into()),
        }
    }
}

async fn tenants(journal: &Journal, only: Option<&str>) -> Result<Vec<String>> {
    let all = journal.store().list_folders(layout::BLOCKS).await?;
    match only {
        Some(only) if !all.iter().any(|tenant| tenant == only) => {
            let text = format!("there are no blocks of a tenant {only}, but of {}", all.join(", "));
            Err(Refused(text).into())
        }
        Some(only) => Ok(vec![only.to_owned()]),
        None => Ok(all),
    }
}

/// The store's clock: the newest heartbeat's, or, where no ingester runs, that of the newest block.
async fn store_time(journal: &Journal, visible: &[(String, Visible)]) -> Result<SystemTime> {
    let newest = visible.iter().filter_map(|(_, visible)| visible.newest).max();
    Ok(journal.store_time().await?.max(newest.unwrap_or(SystemTime::UNIX_EPOCH)))
}

async fn would_go(journal: &Journal, retention: Duration, only: Option<&str>) -> Result<String> {
    let mut all = Vec::new();
    for tenant in tenants(journal, only).await? {
        let visible = Visible::of(journal, &tenant).await?;
        all.push((tenant, visible));
    }
    let now = store_time(journal, &all).await?;
    let mut table = Table::default();
    let mut stopped = Vec::new();
    for (tenant, visible) in &all {
        let due = visible.due(retention, now);
        if !due.may_go(false) {
            stopped.push(tenant.as_str());
        }
        table.add(journal, tenant, visible, &due.hours, due.of).await?;
    }
    let mut text = table.text("nothing would go");
    if !stopped.is_empty() {
        writeln!(
            text,
            "of {} it is more than a tenth, due for two hours and more: ingesters take so much only within \
             an hour of the setting being changed, or of `--retention TIME --yes`",
            stopped.join(", ")
        )?;
    }
    Ok(text)
}

async fn would_delete(journal: &Journal, tenant: &str) -> Result<String> {
    let tenant = tenants(journal, Some(tenant)).await?.concat();
    let visible = Visible::of(journal, &tenant).await?;
    let hours: Vec<u32> = visible.windows.keys().map(|window| window.hour).collect();
    let mut table = Table::default();
    let of = visible.others + visible.windows.values().map(BTreeMap::len).sum::<usize>();
    table.add(journal, &tenant, &visible, &hours, of).await?;
    Ok(table.text("nothing would go") + &left(&tenant, visible.others))
}

async fn is_meant(journal: &Journal, retention: Duration, only: Option<&str>) -> Result<String> {
    let mut recorded = journal.recorded_retention().await?;
    if recorded.is_foreign() {
        let text = format!("{} was written by a newer release: use that one", layout::RETENTION);
        return Err(Refused(text).into());
    }
    let now = journal.store_time().await?;
    let tenants = tenants(journal, only).await?;
    let meant: Vec<_> = tenants.into_iter().filter(|t| recorded.has(t, retention)).collect();
    if meant.is_empty() {
        let of = only.map(|tenant| format!(" for {tenant}")).unwrap_or_default();
        let text = format!(
            "no ingester goes by a retention of this length{of}, or {} would say so: set it there first",
            layout::RETENTION
        );
        return Err(Refused(text).into());
    }
    meant.iter().for_each(|tenant| recorded.record(tenant, retention, now));
    journal.record_retention(&recorded).await?;
    let tenants = meant.join(", ");
    Ok(format!("what it takes of {tenants} goes at the ingesters' next looks, for an hour\n"))
}

/// What would go, a row for each tenant.
#[derive(Debug, Default)]
struct Table(Vec<[String; 6]>);

impl Table {
    async fn add(
        &mut self,
        journal: &Journal,
        tenant: &str,
        visible: &Visible,
        hours: &[u32],
        of: usize,
    ) -> Result<()> {
        let blocks: Vec<(Uuid, u64)> = visible.in_hours(hours).collect();
        let (Some(oldest), Some(newest)) = (hours.iter().min(), hours.iter().max()) else {
            return Ok(());
        };
        let reads = blocks.iter().map(|(id, _)| spans(journal, tenant, *id));
        let reads = stream::iter(reads.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let spans = reads.try_fold(0, async |sum, spans| Ok(sum + spans)).await?;
        let hour =
            |hour: &u32| CompactionWindow { hour: *hour, tenant: tenant.to_owned() }.hour_name();
        self.0.push([
            tenant.to_owned(),
            format!("{} of {of}", blocks.len()),
            bytes(blocks.iter().map(|(_, size)| size).sum()),
            spans.to_string(),
            hour(oldest),
            hour(newest),
        ]);
        Ok(())
    }

    fn text(&self, nothing: &str) -> String {
        if self.0.is_empty() {
            return format!("{nothing}\n");
        }
        let headings =
            ["tenant", "blocks", "data", "spans", "oldest hour", "newest hour"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(&headings).chain(&self.0).collect();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let line = |row: &&[String; 6]| {
            let cells = row.iter().enumerate();
            let cells: Vec<_> =
                cells.map(|(at, cell)| format!("{cell:<width$}", width = width(at))).collect();
            format!("{}\n", cells.join("  ").trim_end())
        };
        rows.iter().map(line).collect()
    }
}

/// The spans of a block; none of one that is gone meanwhile.
async fn spans(journal: &Journal, tenant: &str, id: Uuid) -> Result<u64> {
    let meta = layout::block_object(tenant, &id, layout::META);
    let meta = match journal.store().get(&meta).await {
        Ok(meta) => BlockMeta::parse(&meta)?,
        Err(StoreError::NotFound { .. }) => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let source = FolderSource::new(journal.store().clone(), layout::block(tenant, &id));
    let block = Block::open(&source, meta).await?;
    Ok((0..block.row_groups()).map(|group| block.entries_of(group, ONE_A_SPAN)).sum())
}
