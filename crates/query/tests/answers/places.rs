//! Where the spans are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tributary_block::{Block, FinishedBlock, FolderSource, WriterSettings, write};
use tributary_query::join;
use tributary_span::Columns;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_store::{Store, StoreOptions};
use uuid::Uuid;

/// Spans that questions are about.
pub(crate) const DATA: [&str; 4] = ["shop", "odd", "skew", "cases"];

/// Waits for what needs no timer.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A block and where its bytes come from.
pub(crate) enum Stored {
    Folder(Block, FolderSource),
    Ours(Block, Box<FinishedBlock>),
}

impl Stored {
    pub(crate) fn block(&self) -> &Block {
        match self {
            Stored::Folder(block, _) | Stored::Ours(block, _) => block,
        }
    }
}

fn only(folder: &Path) -> PathBuf {
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert_eq!(all.len(), 1, "{}", folder.display());
    all.remove(0)
}

fn open(folder: &Path) -> Stored {
    let (parent, name) = (folder.parent().unwrap(), folder.file_name().unwrap());
    let url = format!("file://{}", parent.display());
    let meta = std::fs::read(folder.join("meta.json")).unwrap();
    let meta = tributary_block::BlockMeta::parse(&meta).unwrap();
    wait(async {
        let store = Store::open(&url, &StoreOptions::default()).await.unwrap();
        let source = FolderSource::new(store, name.to_str().unwrap());
        Stored::Folder(Block::open(&source, meta).await.unwrap(), source)
    })
}

/// The blocks that Tempo wrote, by what they hold.
pub(crate) fn of_tempo() -> BTreeMap<&'static str, Stored> {
    let dir = tributary_testkit::data_dir().unwrap();
    let folder = |data: &str| match data {
        "shop" => dir.join("tempo-blocks/vParquet4/single-tenant"),
        "cases" => dir.join("query-cases/tempo-blocks/single-tenant"),
        odd => dir.join("odd/tempo-blocks").join(odd).join("single-tenant"),
    };
    DATA.into_iter().map(|data| (data, open(&only(&folder(data))))).collect()
}

/// The recorded shop as Tempo writes it with vParquet5.
pub(crate) fn of_tempo_v5() -> Stored {
    let dir = tributary_testkit::data_dir().unwrap();
    open(&only(&dir.join("tempo-blocks/vParquet5/single-tenant")))
}

fn requests(data: &str) -> Vec<Vec<u8>> {
    let dir = tributary_testkit::data_dir().unwrap();
    match data {
        "shop" => {
            let all = tributary_testkit::recordings().unwrap();
            all.into_iter().flat_map(|r| r.records.into_iter().skip(6).take(4)).collect()
        }
        "cases" => {
            tributary_testkit::data::records(&dir.join("query-cases/cases.otlp-proto.rec.zst"))
                .unwrap()
        }
        odd => {
            let file = dir.join("odd").join(format!("{odd}.otlp-proto.rec.zst"));
            tributary_testkit::data::records(&file).unwrap()
        }
    }
}

/// The spans as they arrived, a batch a request.
pub(crate) fn batches() -> &'static BTreeMap<&'static str, Vec<Columns>> {
    static BATCHES: OnceLock<BTreeMap<&str, Vec<Columns>>> = OnceLock::new();
    BATCHES.get_or_init(|| {
        let columns = |request: Vec<u8>| {
            let mut builder = Builder::new();
            append_all(&mut builder, &request, &Limits::default()).unwrap();
            builder.take()
        };
        let of = |data| requests(data).into_iter().map(columns).collect();
        DATA.into_iter().map(|data| (data, of(data))).collect()
    })
}

/// The same spans, joined as a search in memory wants them.
pub(crate) fn memory() -> BTreeMap<&'static str, Columns> {
    batches().iter().map(|(data, batches)| (*data, join(batches, |_| true).spans)).collect()
}

/// Blocks of our own with the same spans.
pub(crate) fn ours() -> BTreeMap<&'static str, Stored> {
    let block = |data: &'static str| {
        let batches: Vec<&Columns> = batches()[data].iter().collect();
        let finished =
            write(Uuid::from_u128(7), "single-tenant", &batches, &WriterSettings::default());
        let finished = finished.unwrap();
        let block = wait(Block::open(&finished, finished.meta.clone())).unwrap();
        Stored::Ours(block, Box::new(finished))
    };
    DATA.into_iter().map(|data| (data, block(data))).collect()
}
