//! Writes the recorded spans as one block in Tempo's layout:
//! `cargo run -p tributary-block --example write_recorded -- <folder>`.

use anyhow::{Context, Result};
use std::path::PathBuf;
use tributary_block::{Object, WriterSettings, write};
use tributary_span::Columns;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use uuid::Uuid;

const TENANT: &str = "single-tenant";

#[expect(clippy::print_stdout, reason = "says where the block is")]
fn main() -> Result<()> {
    let out = PathBuf::from(std::env::args_os().nth(1).context("usage: write_recorded <folder>")?);
    let mut batches = Vec::new();
    for recording in tributary_testkit::recordings()? {
        for record in &recording.records {
            let mut builder = Builder::new();
            append_all(&mut builder, record, &Limits::default())?;
            batches.push(builder.take());
        }
    }
    let borrowed: Vec<&Columns> = batches.iter().collect();
    let id = Uuid::from_u128(0x7269_0001_0002_4003_8004_0000_0000_0005);
    let block = write(id, TENANT, &borrowed, &WriterSettings::default())?;
    let folder = out.join(TENANT).join(id.hyphenated().to_string());
    let path = |object: Object| folder.join(object.name());
    std::fs::create_dir_all(&folder)?;
    std::fs::write(path(Object::Data), &block.data)?;
    for (n, bloom) in (0..).zip(&block.blooms) {
        std::fs::write(path(Object::Bloom(n)), bloom)?;
    }
    std::fs::write(path(Object::Meta), block.meta.to_json())?;
    println!(
        "{} spans in {} traces: {}",
        block.stats.spans,
        block.stats.traces,
        path(Object::Meta).display()
    );
    Ok(())
}
