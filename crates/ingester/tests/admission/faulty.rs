//! A bucket that takes its time, and some of whose names cannot be read.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tributary_block::BlockMeta;
use tributary_journal::layout;
use tributary_store::Store;
use tributary_testkit::bucket::{
    Failure, Fate, InMemory, Operation, Outcome, Request, Script, Scripted,
};
use uuid::Uuid;

/// One client's way to the bucket. Clones are one and the same.
#[derive(Debug, Clone)]
pub(crate) struct Faulty {
    bucket: Arc<InMemory>,
    latency: Duration,
    denied: Arc<Mutex<BTreeSet<String>>>,
    held: Arc<Mutex<Option<&'static str>>>,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Faulty {
    /// To this bucket; each request takes so long.
    pub(crate) fn to(bucket: Arc<InMemory>, latency: Duration) -> Faulty {
        let (denied, held, asked) = Default::default();
        Faulty { bucket, latency, denied, held, asked }
    }

    pub(crate) fn store(&self) -> Store {
        let behind = Scripted::new(Arc::clone(&self.bucket), self.clone());
        Store::from_parts(Arc::new(behind), "").unwrap()
    }

    /// To the bucket itself.
    pub(crate) fn healthy(&self) -> Store {
        Store::from_parts(Arc::clone(&self.bucket) as _, "").unwrap()
    }

    /// Denies to read an object, or to list a folder.
    pub(crate) fn deny(&self, path: &str) {
        self.denied.lock().unwrap().insert(path.to_owned());
    }

    /// Requests for names that end so are never answered.
    pub(crate) fn hold(&self, end: &'static str) {
        *self.held.lock().unwrap() = Some(end);
    }

    /// Denies nothing any more.
    pub(crate) fn allow(&self) {
        self.denied.lock().unwrap().clear();
    }

    /// How often names that end so were read.
    pub(crate) fn reads(&self, end: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        let is_read = |r: &&Request| r.operation == Operation::Get && r.path.ends_with(end);
        asked.iter().filter(is_read).count()
    }
}

impl Script for Faulty {
    async fn fate(&self, request: &Request) -> Fate {
        self.asked.lock().unwrap().push(request.clone());
        let held = *self.held.lock().unwrap();
        if held.is_some_and(|end| request.path.ends_with(end)) {
            std::future::pending::<()>().await;
        }
        let is_denied =
            !request.operation.is_write() && self.denied.lock().unwrap().contains(&request.path);
        let outcome = if is_denied { Outcome::Refused(Failure::Denied) } else { Outcome::Done };
        Fate { latency: self.latency, outcome }
    }
}

/// The path of a block's meta.
pub(crate) fn meta_of(tenant: &str, block: u128) -> String {
    layout::block_object(tenant, &Uuid::from_u128(block), layout::META)
}

/// Puts the meta of a block without any object beside it, which no filter is read of for a time at
/// which the block has no spans.
pub(crate) async fn put_meta(store: &Store, tenant: &str, block: u128) {
    let meta = BlockMeta {
        tenant_id: tenant.to_owned(),
        block_id: Uuid::from_u128(block),
        start_time: 1_000_000_000,
        end_time: 2_000_000_000,
        ..BlockMeta::default()
    };
    store.put(&meta_of(tenant, block), meta.to_json().into()).await.unwrap();
}
