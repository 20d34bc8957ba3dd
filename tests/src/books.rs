//! The books: what sidecars took, against what is in the blocks.

use crate::Place;
use crate::traffic::Identity;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tributary_store::{Store, StoreOptions};
use tributary_testkit::{python, workspace_root};

/// Bytes of an entry.
const ENTRY: usize = size_of::<Identity>();

/// Every span that was taken, by its identity.
#[derive(Debug, Default)]
pub struct Ledger(Vec<u8>);

/// How the books look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Blocks.
    pub blocks: u64,
    /// Different spans in the blocks that were taken.
    pub found: u64,
    /// Spans that were taken and are in no block.
    pub missing: u64,
    /// Spans in blocks that no sidecar took.
    pub unknown: u64,
    /// Spans that stand more than once in one block, beyond what was sent.
    pub twice_in_a_block: u64,
    /// Spans that stand in more than one block.
    pub in_two_blocks: u64,
}

impl Ledger {
    /// A request was taken.
    pub fn add(&mut self, spans: impl Iterator<Item = Identity>) {
        spans.for_each(|span| self.0.extend(span));
    }

    /// Whether nothing was taken.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Spans in it.
    pub fn len(&self) -> usize {
        self.0.len() / ENTRY
    }

    /// Takes over another's entries.
    pub fn merge(&mut self, other: Ledger) {
        self.0.extend(other.0);
    }

    /// When all that was taken is said to be in blocks, and no ingester works any more: that the journal
    /// keeps every promise, and that the blocks hold each span, and none twice.
    ///
    /// # Errors
    /// When that is not so, or cannot be found out.
    pub async fn settle(&self, place: &Place) -> Result<Balance> {
        verify(place)?;
        let scratch = tempfile::tempdir()?;
        let blocks = fetch_blocks(&open(place).await?, scratch.path()).await?;
        let balance = self.balance(scratch.path(), &blocks)?;
        let Balance { missing, unknown, twice_in_a_block, .. } = balance;
        let balanced = missing == 0 && unknown == 0 && twice_in_a_block == 0;
        ensure!(balanced, "the books do not balance: {} taken, {balance:?}", self.len());
        Ok(balance)
    }

    /// Compares the books with blocks, which another reader than ours reads.
    fn balance(&self, scratch: &Path, blocks: &[PathBuf]) -> Result<Balance> {
        let file = scratch.join("ledger");
        std::fs::File::create(&file)?.write_all(&self.0)?;
        let script = workspace_root().join("tests/python/balance.py");
        let output = Command::new(python()?).arg(script).arg(file).args(blocks).output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "balance.py ended with {}: {errors}", output.status);
        let said: Value = serde_json::from_slice(&output.stdout)?;
        let number = |name: &str| said.get(name).and_then(Value::as_u64).context("a number");
        Ok(Balance {
            blocks: blocks.len() as u64,
            found: number("found")?,
            missing: number("missing")?,
            unknown: number("unknown")?,
            twice_in_a_block: number("twice_in_a_block")?,
            in_two_blocks: number("in_two_blocks")?,
        })
    }
}

/// The store of a place.
///
/// # Errors
/// When it cannot be opened.
pub async fn open(place: &Place) -> Result<Store> {
    let settings = place.env().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let options = StoreOptions { settings, ..StoreOptions::default() };
    Ok(Store::open(&place.url(), &options).await?)
}

/// That `tributary journal --verify` finds every promise kept.
///
/// # Errors
/// When it does not; the message is what it says.
pub fn verify(place: &Place) -> Result<()> {
    let mut tool = Command::new(crate::program::tool()?);
    tool.args(["journal", "--store", &place.url(), "--verify"]).envs(place.env());
    let output = tool.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the journal is not in order: {said}\n{errors}");
    Ok(())
}

/// Copies the data of all visible blocks into a folder.
async fn fetch_blocks(store: &Store, to: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for object in store.list("blocks").await? {
        let Some(folder) = object.path.strip_suffix("/meta.json") else { continue };
        let data = store.get(&format!("{folder}/data.parquet")).await?;
        let Some((_, id)) = folder.rsplit_once('/') else { bail!("no block: {folder}") };
        let file = to.join(format!("{id}.parquet"));
        std::fs::write(&file, data)?;
        files.push(file);
    }
    Ok(files)
}
