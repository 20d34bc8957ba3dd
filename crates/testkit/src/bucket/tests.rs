use super::*;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// Everything has this fate, and is written down.
#[derive(Debug, Clone)]
struct Same(Fate, Arc<Mutex<Vec<Request>>>);

impl Script for Same {
    async fn fate(&self, request: &Request) -> Fate {
        self.1.lock().unwrap().push(request.clone());
        self.0
    }

    fn shown(&self, object: ObjectMeta) -> Option<ObjectMeta> {
        Some(object).filter(|object| object.location.as_ref() != "a/hidden")
    }
}

fn behind(fate: Fate) -> (Arc<InMemory>, Scripted<Same>) {
    let bucket = Arc::new(InMemory::new());
    (Arc::clone(&bucket), Scripted::new(bucket, Same(fate, Arc::default())))
}

#[tokio::test(start_paused = true)]
async fn each_outcome_is_what_it_says() {
    use Failure::{Denied, Exists, Transient};
    use Outcome::{Done, Late, Refused, Twice, Unanswered};
    let (late, key) = (Duration::from_secs(9), Path::from("a"));
    // Whether the answer is good, whether the object is there at that time, and in the end.
    let table = [
        (Done, true, true, true),
        (Refused(Denied), false, false, false),
        (Unanswered(Exists), false, true, true),
        (Late(late, Transient), false, false, true),
        (Twice(late), true, true, true),
    ];
    for (outcome, good, at_once, at_last) in table {
        let latency = Duration::from_millis(50);
        let (bucket, store) = behind(Fate { latency, outcome });
        let begun = Instant::now();
        let answer = store.put(&key, PutPayload::from_static(b"one")).await;
        assert_eq!((answer.is_ok(), begun.elapsed()), (good, latency), "{outcome:?}");
        assert_eq!(bucket.head(&key).await.is_ok(), at_once, "{outcome:?}");
        bucket.put(&key, PutPayload::from_static(b"another")).await.unwrap();
        tokio::time::sleep(late + latency).await;
        let there = bucket.get(&key).await.unwrap().bytes().await.unwrap();
        let again = at_last && matches!(outcome, Late(..) | Twice(..));
        assert_eq!(there == "one", again, "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_set_out_takes_effect_without_its_client() {
    let fate = Fate { latency: Duration::from_secs(2), outcome: Outcome::Done };
    let (bucket, store) = behind(fate);
    let key = Path::from("a");
    let put = store.put(&key, PutPayload::from_static(b"one"));
    tokio::time::timeout(Duration::from_secs(1), put).await.unwrap_err();
    assert!(bucket.head(&key).await.is_err());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(bucket.head(&key).await.is_ok());
}

#[tokio::test]
async fn requests_are_told_by_what_they_ask_for() {
    let (_, store) = behind(Fate::DONE);
    let put = |path: &str| {
        let (store, path) = (store.clone(), Path::from(path));
        async move { store.put(&path, PutPayload::from_static(b"text")).await.unwrap() }
    };
    put("a/hidden").await;
    put("a/b").await;
    let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    store.put_opts(&Path::from("c"), PutPayload::new(), create).await.unwrap();
    assert_eq!(store.get_range(&Path::from("a/b"), 1..3).await.unwrap(), "ex");
    let listed: Vec<_> = store.list(Some(&Path::from("a"))).collect().await;
    assert_eq!(listed.len(), 1, "one is not shown: {listed:?}");
    assert_eq!(store.list_with_delimiter(None).await.unwrap().common_prefixes.len(), 1);
    let both = ["a/b", "c"].map(|path| Ok(Path::from(path)));
    let deleted = store.delete_stream(futures_util::stream::iter(both).boxed());
    assert_eq!(deleted.collect::<Vec<_>>().await.len(), 2);
    let asked = store.script.1.lock().unwrap().clone();
    let asked: Vec<_> = asked.iter().map(|r| (r.operation, r.path.as_str())).collect();
    assert_eq!(
        asked,
        [
            (Operation::Put, "a/hidden"),
            (Operation::Put, "a/b"),
            (Operation::Create, "c"),
            (Operation::Get, "a/b"),
            (Operation::List, "a"),
            (Operation::List, ""),
            (Operation::Delete, "a/b"),
            (Operation::Delete, "c"),
        ]
    );
}
