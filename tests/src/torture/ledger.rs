//! The books: what sidecars took, against what is in the blocks.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tributary_testkit::{NormalSpan, python, workspace_root};

/// Bytes of an entry: trace id, span id, kind.
const ENTRY: usize = 16 + 8 + 1;

/// Every span that was taken, by its identity.
#[derive(Debug, Default)]
pub(super) struct Ledger(Vec<u8>);

/// How the books look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Balance {
    /// Different spans in the blocks that were taken.
    pub(super) found: u64,
    /// Spans that were taken and are in no block.
    pub(super) missing: u64,
    /// Spans in blocks that nobody took.
    pub(super) unknown: u64,
    /// Spans that stand more than once in one block, beyond what was sent.
    pub(super) twice_in_a_block: u64,
    /// Spans that stand in more than one block.
    pub(super) in_two_blocks: u64,
}

impl Ledger {
    /// A request was taken.
    ///
    /// # Errors
    /// When it cannot be decoded.
    pub(super) fn add(&mut self, request: &[u8]) -> Result<()> {
        for span in NormalSpan::parse(request)? {
            ensure!(span.trace_id.0.len() == 16 && span.span_id.0.len() == 8, "{span:?}");
            self.0.extend_from_slice(&span.trace_id.0);
            self.0.extend_from_slice(&span.span_id.0);
            self.0.push(u8::try_from(span.kind)?);
        }
        Ok(())
    }

    /// Spans in it.
    pub(super) fn len(&self) -> usize {
        self.0.len() / ENTRY
    }

    /// Takes over another's entries.
    pub(super) fn merge(&mut self, other: Ledger) {
        self.0.extend(other.0);
    }

    /// Compares the books with blocks, which another reader than ours reads.
    ///
    /// # Errors
    /// When that reader fails.
    pub(super) fn balance(&self, scratch: &Path, blocks: &[PathBuf]) -> Result<Balance> {
        let file = scratch.join("ledger");
        std::fs::File::create(&file)?.write_all(&self.0)?;
        let script = workspace_root().join("tests/python/balance.py");
        let output = Command::new(python()?).arg(script).arg(file).args(blocks).output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "balance.py ended with {}: {errors}", output.status);
        let said: Value = serde_json::from_slice(&output.stdout)?;
        let number = |name: &str| said.get(name).and_then(Value::as_u64).context("a number");
        Ok(Balance {
            found: number("found")?,
            missing: number("missing")?,
            unknown: number("unknown")?,
            twice_in_a_block: number("twice_in_a_block")?,
            in_two_blocks: number("in_two_blocks")?,
        })
    }
}
