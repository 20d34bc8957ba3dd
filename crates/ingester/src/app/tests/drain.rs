//! What an ingester tells its sidecars when it leaves, configured as in Kubernetes: it listens on
//! all addresses, and all ingesters have the same port.

use super::*;
use tributary_journal::{Journal, Uid};
use tributary_store::{Store, StoreOptions};
use tributary_testkit::disk::HOWEVER_FULL;
use tributary_wire::v1::Drain;

/// The heartbeat of another ingester.
fn other(process: u8, wire_address: String) -> Heartbeat {
    let name = format!("tributary-ingester-{process}");
    Heartbeat { wire_address, counter: 1, ..Heartbeat::new(Uid([process; 16]), name) }
}

/// The members that an ingester names which leaves, less its port.
async fn named_at_the_end(advertise: Option<&str>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().display().to_string();
    let given = [
        ("TRIBUTARY_STORE", &*store),
        ("TRIBUTARY_WIRE_LISTEN", "[::]:0"),
        ("TRIBUTARY_HTTP_LISTEN", "127.0.0.1:0"),
        ("TRIBUTARY_NAME", "tributary-ingester-1"),
        ("TRIBUTARY_SEGMENT_AGE", NEVER),
        ("TRIBUTARY_BLOCK_AGE", NEVER),
        HOWEVER_FULL,
    ];
    let given = given.into_iter().chain(advertise.map(|host| ("TRIBUTARY_ADVERTISE", host)));
    let env = given.map(|(name, value)| (name.into(), value.into()));
    let Asked::Run(config) = Config::gather([], env, |_| unreachable!()).unwrap() else {
        unreachable!()
    };
    let app = App::bind(*config).unwrap();
    let port = app.wire_address().port();
    let journal = Journal::new(Store::open(&store, &StoreOptions::default()).await.unwrap());
    for (n, host) in [(2, "10.0.0.2"), (3, "[fd00::3]")] {
        journal.beat(&other(n, format!("{host}:{port}"))).await.unwrap();
    }
    let serving = Box::pin(app.start()).await.unwrap();
    let wire = SocketAddr::from(([127, 0, 0, 1], port));
    let members = || serving.engine.metrics.members.get();
    wait_for("the heartbeats", SOON, async || match members() {
        3 => Ok(()),
        n => Err(format!("{n} members")),
    })
    .await
    .unwrap();
    let (frames, mut replies) = sent(&serving, wire).await;
    let leaves = tokio::spawn(Box::pin(serving.run(std::future::ready(()), GRACE)));
    let told = async {
        loop {
            if let Some(Kind::Drain(Drain { members, .. })) =
                replies.message().await.unwrap().unwrap().kind
            {
                return members.unwrap().members;
            }
        }
    };
    let told = tokio::time::timeout(SOON, told).await.unwrap();
    drop((frames, replies));
    tokio::time::timeout(SOON, leaves).await.unwrap().unwrap().unwrap();
    let port = format!(":{port}");
    told.iter().map(|member| member.address.strip_suffix(&port).unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingester_that_leaves_names_all_the_others() {
    for advertise in [Some("10.0.0.1"), Some("fd00::1"), None] {
        let named = Box::pin(named_at_the_end(advertise)).await;
        assert_eq!(named, ["10.0.0.2", "[fd00::3]"], "advertised: {advertise:?}");
    }
}
