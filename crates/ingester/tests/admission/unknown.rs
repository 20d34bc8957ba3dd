//! Objects that are there and cannot be read: what they hold is not known, which is not the same as
//! not there. Each fails alone.

use crate::faulty::{Faulty, meta_of, put_meta};
use crate::server::{engine, named};
use crate::start::ask;
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tributary_ingester::engine::Engine;
use tributary_journal::{Heartbeat, Uid};
use tributary_query::api::{Accept, Found, TimeRange, TraceCall, Version};
use tributary_span::TraceId;
use tributary_testkit::bucket::InMemory;
use tributary_testkit::wait_for;

/// More than any pause between two tries.
const PATIENCE: Duration = Duration::from_secs(3600);

fn status(tenant: &str, found: &Found) -> StatusCode {
    let call = TraceCall {
        version: Version::V1,
        id: TraceId([9; 16]),
        tenants: vec![tenant.to_owned()],
        time: TimeRange::ALL,
        filter: None,
        accept: Accept::Json,
        now: 0,
    };
    call.shown(found.clone()).unwrap().whole().status
}

/// Waits until so many blocks are known and so many are not.
async fn until(engine: &Engine, known: i64, unreadable: i64) {
    let metrics = &engine.metrics;
    wait_for("the blocks", PATIENCE, async || {
        match (metrics.blocks_known.get(), metrics.blocks_unreadable.get()) {
            state if state == (known, unreadable) => Ok(()),
            state => Err(format!("{state:?}")),
        }
    })
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_block_whose_meta_cannot_be_read_is_missed_by_its_tenant_until_it_can() {
    let bucket = Faulty::to(Arc::default(), Duration::from_millis(5));
    let store = bucket.healthy();
    for tenant in ["bad", "good"] {
        for block in 1..=20 {
            put_meta(&store, tenant, block).await;
        }
    }
    store.put(&meta_of("bad", 3), "{\"format\":".into()).await.unwrap();
    store.put(&meta_of("bad", 5), Default::default()).await.unwrap();
    let another = store.get(&meta_of("bad", 8)).await.unwrap();
    store.put(&meta_of("bad", 7), another).await.unwrap();
    let of_another = store.get(&meta_of("good", 9)).await.unwrap();
    store.put(&meta_of("bad", 9), of_another).await.unwrap();
    bucket.deny(&meta_of("bad", 11));
    store.put(&meta_of("gone", 1), "no meta".into()).await.unwrap();

    let engine = Box::pin(engine(bucket.store(), &["--compact", "never"])).await;
    until(&engine, 35, 6).await;
    let (bad, good) = (ask(&engine, "bad").await, ask(&engine, "good").await);
    assert!(bad.missing[0].starts_with("5 blocks of tenant bad are not known"), "{bad:?}");
    assert_eq!(status("bad", &bad), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((status("good", &good), good.missing), (StatusCode::NOT_FOUND, vec![]));

    // 240 polls later each was tried a few times, and is still missed.
    sleep(PATIENCE).await;
    let tries = bucket.reads(&meta_of("bad", 11));
    assert!((5..25).contains(&tries), "{tries}");
    assert!(!ask(&engine, "bad").await.missing.is_empty());

    // Four are repaired, and the last ones are taken away.
    bucket.allow();
    for block in [3, 5, 7] {
        put_meta(&store, "bad", block).await;
    }
    store.delete(&meta_of("bad", 9)).await.unwrap();
    store.delete(&meta_of("gone", 1)).await.unwrap();
    until(&engine, 39, 0).await;
    for tenant in ["bad", "gone"] {
        let healed = ask(&engine, tenant).await;
        assert_eq!((status(tenant, &healed), healed.missing), (StatusCode::NOT_FOUND, vec![]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_cannot_be_listed_stops_no_other() {
    let bucket = Faulty::to(Arc::default(), Duration::from_millis(5));
    for tenant in ["a", "b", "c"] {
        put_meta(&bucket.healthy(), tenant, 1).await;
    }
    bucket.deny("blocks/b");
    let engine = Box::pin(engine(bucket.store(), &["--compact", "never"])).await;
    until(&engine, 2, 0).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(engine.metrics.tenants_unlisted.get(), 1);
    for (tenant, expected) in [("a", 404), ("b", 503), ("c", 404), ("no such", 404)] {
        let found = ask(&engine, tenant).await;
        assert_eq!(status(tenant, &found).as_u16(), expected, "{tenant}: {:?}", found.missing);
    }
    bucket.allow();
    until(&engine, 3, 0).await;
    assert_eq!(ask(&engine, "b").await.missing, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_is_denied_takes_no_other_away() {
    let bucket = Arc::new(InMemory::new());
    let lines = [(); 3].map(|()| Faulty::to(Arc::clone(&bucket), Duration::from_millis(5)));
    let uid = |n: u8| Uid([n; 16]);
    lines[0].deny(&format!("journal/live/{}", uid(2)));
    let start = async |line: &Faulty, n: u8| {
        let own = Heartbeat::new(uid(n), format!("ingester-{n}"));
        Box::pin(named(line.store(), own, &["--compact", "never"])).await
    };
    let first = start(&lines[0], 1).await;
    let _second = start(&lines[1], 2).await;
    let third = start(&lines[2], 3).await;
    // What no ingester has written is no heartbeat, whatever is in it.
    let copy = lines[0].healthy().get(&format!("journal/live/{}", uid(3))).await.unwrap();
    lines[0].healthy().put("journal/live/copy-of-a-heartbeat", copy).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    let told = |engine: &Engine| {
        (engine.metrics.members.get(), engine.metrics.heartbeats_unreadable.get())
    };
    assert_eq!(told(&first), (2, 1), "it knows the third one");
    assert_eq!(told(&third), (3, 0));
    lines[0].allow();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(told(&first), (3, 0));
}
