//! A segment that was set aside is put back: the tool logs it again, and an ingester adopts it.

use crate::bucket::{Bucket, TENANT};
use crate::tool::{Said, findings, journal};
use anyhow::{Result, ensure};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::time::Duration;
use tributary_block::{Block, BlockMeta, FolderSource};
use tributary_ingester::config::Config;
use tributary_ingester::engine::{Engine, Environment};
use tributary_ingester::runtime::IdGenerator;
use tributary_journal::{EpochId, Heartbeat, NewFrame, Uid, layout};
use tributary_settings::Asked;
use tributary_span::Columns;
use tributary_testkit::disk::however_full;
use tributary_testkit::wait_for;

const LONG: Duration = Duration::from_secs(60);

/// An ingester without sockets, whose heartbeats are so quick that it soon adopts what others left.
async fn ingester(bucket: &Bucket) -> Engine {
    let flags = ["--heartbeat", "100ms", "--compact", "never"].map(OsString::from);
    let asked =
        Config::gather(flags, however_full(), |_| unreachable!("there is no file")).unwrap();
    let Asked::Run(config) = asked else { panic!("it prints") };
    let ids = IdGenerator::default();
    let own = Heartbeat::new(ids.uid().unwrap(), "ingester-1".to_owned());
    let store = bucket.journal().store().clone();
    let environment = Environment { store, ids, own, build_inline: false };
    let mut engine = Engine::new(&config, environment).await.unwrap();
    engine.start().await;
    engine
}

/// The paths of all objects, but for heartbeats.
async fn objects(bucket: &Bucket) -> BTreeSet<String> {
    let listed = bucket.journal().store().list("").await.unwrap();
    let paths = listed.into_iter().map(|object| object.path);
    paths.filter(|path| !path.starts_with(layout::HEARTBEATS)).collect()
}

fn put_back(bucket: &Bucket, path: &str) -> Said {
    journal(&["--store", bucket.path(), "--replay", path])
}

/// Waits until these spans are in a visible block of an epoch that is not the bucket's.
async fn adopted(bucket: &Bucket, spans: &Columns) -> Result<EpochId> {
    let journal = bucket.journal();
    wait_for("the spans in a block", LONG, async || {
        for epoch in journal.epochs().await.map_err(|e| e.to_string())? {
            let slots = journal.slots(&epoch).await.map_err(|e| e.to_string())?;
            for entry in slots.values().flat_map(|slot| &slot.blocks) {
                let folder = layout::block(&entry.tenant, &entry.id);
                let source = FolderSource::new(journal.store().clone(), folder);
                let meta = BlockMeta::parse(&entry.meta).map_err(|e| e.to_string())?;
                let block = Block::open(&source, meta).await.map_err(|e| e.to_string())?;
                let columns = block.row_group(&source, 0).await.map_err(|e| e.to_string())?;
                let same = columns.traces == spans.traces && columns.len() == spans.len();
                if same && entry.tenant == TENANT && epoch != bucket.epoch() {
                    return Ok(epoch);
                }
            }
        }
        Err("not yet".to_owned())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_quarantined_repaired_replayed_adopted_found() -> Result<()> {
    let mut bucket = Bucket::written().await;
    let (info, spans) = bucket.segment().await;
    let segment = bucket.file(&layout::segment(&bucket.epoch(), info.n));
    let whole = fs::read(&segment)?;
    let mut damaged = whole.clone();
    let at = damaged.len() / 2;
    damaged[at] ^= 1;
    fs::write(&segment, &damaged)?;

    let path = layout::quarantine(&bucket.epoch(), info.n);
    let mut engine = ingester(&bucket).await;
    wait_for("the segment in a slot that sets it aside", LONG, async || {
        let slots = bucket.journal().slots(&bucket.epoch()).await.map_err(|e| e.to_string())?;
        let aside = slots.values().any(|slot| slot.quarantined == [info.n]);
        if aside { Ok(()) } else { Err(format!("{slots:?}")) }
    })
    .await?;
    ensure!(fs::read(bucket.file(&path))? == damaged, "the copy is of what was judged");
    ensure!(fs::read(&segment)? == damaged, "the original stays");
    let told = journal(&["--store", bucket.path(), "--verify", "--json"]);
    ensure!(findings(&told).contains(&format!("notice Bytes {path}")), "{}", told.text);
    let told = journal(&["--store", bucket.path()]);
    ensure!(told.text.contains(&path) && told.text.contains("--replay"), "{}", told.text);

    let before = objects(&bucket).await;
    let said = put_back(&bucket, &path);
    ensure!(said.code == 1 && said.text.is_empty(), "{}{}", said.text, said.errors);
    for part in [&path, "damaged: checksum", "nothing was changed"] {
        ensure!(said.errors.contains(part), "{}", said.errors);
    }
    ensure!(objects(&bucket).await == before, "nothing was changed");

    // As a person would who has a backup of it.
    fs::write(bucket.file(&path), &whole)?;
    let said = put_back(&bucket, &path);
    ensure!(said.code == 0, "{}{}", said.text, said.errors);
    for part in [&format!("2 spans of {TENANT} (2)"), &path, "queries see them"] {
        ensure!(said.text.contains(part), "{}", said.text);
    }
    ensure!(!bucket.file(&path).exists(), "the copy is put back, and gone");
    let epoch = adopted(&bucket, &spans).await?;
    ensure!(said.text.contains(&epoch.to_string()), "{epoch}: {}", said.text);
    let said = put_back(&bucket, &path);
    ensure!(said.code == 1 && said.errors.contains("does not exist"), "{}", said.errors);
    engine.finish_segments().await?;
    engine.finish_blocks().await?;
    Ok(())
}

/// What this release cannot read in full is not put back in part.
#[tokio::test]
async fn every_frame_must_be_readable() {
    let mut bucket = Bucket::written().await;
    let frame = |payload, spans| NewFrame {
        stream: 7,
        tenant: TENANT,
        incarnation: Uid([3; 16]),
        seq: 5,
        dict: 0,
        spans,
        defines: &[],
        definitions: b"",
        payload,
    };
    // Whose envelope says that it is of version 2; one that is none.
    let table: [(&[u8], &str); 2] = [
        (b"\x82\xa1v\x02\xa1i\xc4\x00", "version 2 of the frame format is not known"),
        (b"no frame", "malformed: the envelope"),
    ];
    for (payload, why) in table {
        let sealed = bucket.seal(&frame(payload, 12));
        let path = layout::quarantine(&bucket.epoch(), sealed.info.n);
        bucket.journal().store().put(&path, sealed.bytes).await.unwrap();
        let before = objects(&bucket).await;
        let said = put_back(&bucket, &path);
        assert_eq!(said.code, 1, "{}", said.errors);
        let frame = format!("frame 5 of stream 7, tenant {TENANT}, 12 spans: {why}");
        for part in ["this release cannot read 1 of its 1 frames", &frame, "nothing was changed"] {
            assert!(said.errors.contains(part), "{}", said.errors);
        }
        assert_eq!(objects(&bucket).await, before);
        let told = journal(&["--store", bucket.path(), "--verify"]);
        assert!(told.text.contains(&path) && told.text.contains(why), "{}", told.text);
    }
}

/// Below the floor nothing would be adopted: what is put back is filed above it, whatever the clock says.
#[tokio::test]
async fn it_is_put_back_above_the_floor() {
    let mut bucket = Bucket::written().await;
    let (info, _) = bucket.segment().await;
    let path = layout::quarantine(&bucket.epoch(), info.n);
    fs::create_dir_all(bucket.file(layout::QUARANTINE)).unwrap();
    fs::copy(bucket.file(&layout::segment(&bucket.epoch(), info.n)), bucket.file(&path)).unwrap();
    let ahead = EpochId::new(4_000_000_000, [0; 12]).hour();
    bucket.journal().raise_floor(&ahead).await.unwrap();
    let said = put_back(&bucket, &path);
    assert_eq!(said.code, 0, "{}", said.errors);
    let epochs = bucket.journal().epochs().await.unwrap();
    assert!(epochs.last().unwrap().hour() > ahead, "{epochs:?}");
}

#[tokio::test]
async fn what_names_no_copy_is_told() {
    let bucket = Bucket::written().await;
    let segment = layout::segment(&bucket.epoch(), 4);
    let missing = layout::quarantine(&bucket.epoch(), 77);
    let before = objects(&bucket).await;
    let table = [
        (vec!["--replay", &segment], 64, "journal/quar/EPOCH-NUMBER"),
        (vec!["--replay", "journal/quar/x"], 64, "journal/quar/EPOCH-NUMBER"),
        (vec!["--replay", ""], 64, "journal/quar/EPOCH-NUMBER"),
        (vec!["--replay", &missing, "--verify"], 64, "--verify"),
        (vec!["--replay", &missing], 1, "does not exist"),
    ];
    for (arguments, code, why) in table {
        let said = journal(&[&["--store", bucket.path()][..], &arguments].concat());
        assert_eq!(said.code, code, "{arguments:?}: {}", said.errors);
        assert!(said.errors.contains(why), "{arguments:?}: {}", said.errors);
    }
    assert_eq!(objects(&bucket).await, before);
}
