//! `tributary journal`: what lies in a bucket's journal, and whether its promises are kept.
//!
//! Reads only, and one segment or one row group at a time, so that it can be run against a bucket
//! of any size while ingesters work in it. What it judges by is [`tributary_journal::audit`];
//! here is what it reads ([`look`], [`verify`], [`costs`]) and how it is said ([`report`]). What it
//! writes is what it is told to: what is put back ([`replay`]), and what is to go ([`retention`]).

mod costs;
mod expire;
mod frames;
mod look;
mod refused;
mod replay;
mod report;
mod retention;
mod standing;
mod verify;

use anyhow::{Context, Result};
use look::Bucket;
use refused::Refused;
use replay::Quarantined;
use report::Report;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;
use tributary_journal::audit::content;
use tributary_journal::audit::{self, EpochView, Finding, Severity, WindowView};
use tributary_settings::USAGE;
use tributary_store::{Store, StoreError, StoreOptions};

/// Something is violated, or what was asked was not done.
const VIOLATED: u8 = 1;
/// The bucket could not be read: nothing is known.
const UNKNOWN: u8 = 2;
/// What to look at. Ends with 0 when nothing is violated, 1 when something is, 2 when the bucket
/// could not be read, 64 when the arguments are wrong.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The bucket, as the ingester's --store: s3://bucket/prefix, gs://…, az://…, or a folder.
    #[arg(long, env = "TRIBUTARY_STORE", value_name = "URL", value_parser = url)]
    store: String,
    /// Read every object and check its checksums and spans, not only names, sizes and slots.
    #[arg(long)]
    verify: bool,
    /// One JSON document instead of a table.
    #[arg(long)]
    json: bool,
    /// Show epochs too that have ended and of which nothing is left to do.
    #[arg(long)]
    all: bool,
    /// Put a segment back that was set aside: a path under journal/quar, as the log and --verify name
    /// it. Its spans are logged again and the copy is deleted, if this release can read all of it;
    /// otherwise nothing is changed and it ends with 1.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["verify", "json", "all"])]
    replay: Option<Quarantined>,
    #[command(flatten)]
    retention: retention::Options,
    #[command(flatten)]
    costs: costs::Options,
}

/// As the programs read it: secrets and manifests bring blanks and newlines along.
fn url(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("needs a value".to_owned()),
        url => Ok(url.to_owned()),
    }
}

/// Looks, and says what it found.
pub(crate) fn run(options: Options) -> ExitCode {
    if let Err(why) = options.retention.check() {
        std::io::stderr().write_all(format!("error: {why}\n").as_bytes()).ok();
        return ExitCode::from(USAGE);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(done(&options)),
        Err(error) => Err(error.into()),
    };
    let (code, text) = match done {
        Ok((code, text)) => (code, text),
        Err(error) => {
            let text = format!("error: {error:#}\n");
            // A standard error that is closed is no mistake of the tool's.
            std::io::stderr().write_all(text.as_bytes()).ok();
            let wrong = error.downcast_ref().is_some_and(|e| matches!(e, StoreError::Config(_)));
            let refused = error.is::<Refused>();
            return ExitCode::from(if wrong {
                USAGE
            } else if refused {
                VIOLATED
            } else {
                UNKNOWN
            });
        }
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        // The reader may have read enough and closed the output.
        Ok(()) | Err(_) => ExitCode::from(code),
    }
}

async fn done(options: &Options) -> Result<(u8, String)> {
    let store = Store::open_existing(&options.store, &StoreOptions::default()).await?;
    if options.retention.is_asked() {
        return Ok((0, options.retention.done(store).await?));
    }
    if options.costs.costs {
        return Ok((0, costs::told(&options.costs, &store).await?));
    }
    match &options.replay {
        Some(copy) => Ok((0, replay::put_back(store, copy).await?)),
        None => audited(options, store).await,
    }
}

async fn audited(options: &Options, store: Store) -> Result<(u8, String)> {
    let mut bucket = Bucket::open(store).await?;
    let mut report = Report::new(bucket.cluster(), options.verify);
    for epoch in bucket.epochs().to_vec() {
        let view = bucket.look(&epoch).await.with_context(|| format!("epoch {epoch}"))?;
        let findings = settled(&bucket, &view, options.verify, &mut report).await?;
        report.add(audit::summarize(&view), findings);
    }
    for window in bucket.windows().await? {
        let view = bucket.look_at_window(&window).await?;
        let findings = settled_window(&bucket, &view, options.verify, &mut report).await?;
        report.add_window(audit::summarize_window(&view), findings);
    }
    let strays = bucket.strays().await?;
    report.add_strays(strays);
    for (epoch, n) in bucket.copies() {
        let read = match options.verify {
            true => Some(replay::readable(bucket.journal(), &Quarantined { epoch, n }).await?),
            false => None,
        };
        report.add_strays(vec![content::copy(&epoch, n, read)]);
    }
    let code = if report.violations() > 0 { VIOLATED } else { 0 };
    let text = if options.json { report.json()? } else { report.table(options.all) };
    Ok((code, text))
}

/// What is wrong in an epoch. Looks again at what seems so, because ingesters work on meanwhile.
async fn settled(
    bucket: &Bucket,
    view: &EpochView,
    deep: bool,
    report: &mut Report,
) -> Result<Vec<Finding>> {
    let mut first = audit::check(view);
    if deep {
        let (findings, read) = verify::epoch(bucket.journal(), view, None).await?;
        first.extend(findings);
        report.read.add(&read);
    }
    if first.is_empty() {
        return Ok(first);
    }
    let suspects: BTreeSet<&str> = first.iter().map(|found| found.object.as_str()).collect();
    let view = bucket.look_again(view).await?;
    let mut second = audit::check(&view);
    let is_deep =
        |found: &&Finding| !second.contains(found) && found.severity == Severity::Violation;
    if deep && first.iter().any(|found| is_deep(&found)) {
        second.extend(verify::epoch(bucket.journal(), &view, Some(&suspects)).await?.0);
    }
    Ok(audit::confirmed(first, &second))
}

/// The same for a window.
async fn settled_window(
    bucket: &Bucket,
    view: &WindowView,
    deep: bool,
    report: &mut Report,
) -> Result<Vec<Finding>> {
    let look = async |view: &WindowView| {
        let mut found = audit::check_window(view);
        let mut read = verify::Read::default();
        if deep {
            let (findings, all) = verify::window(bucket.store(), view).await?;
            found.extend(findings);
            read = all;
        }
        Ok::<_, anyhow::Error>((found, read))
    };
    let (first, read) = look(view).await?;
    report.read.add(&read);
    if first.is_empty() {
        return Ok(first);
    }
    let view = bucket.look_at_window(&view.window).await?;
    Ok(audit::confirmed(first, &look(&view).await?.0))
}
