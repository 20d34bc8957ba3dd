//! What the wire refuses: the sender is told, and the limit that was met is counted.

use crate::gate::{Bucket, Gate};
use crate::giant::chain;
use crate::server::{Lane, Server};
use tonic::Code;
use tributary_ingester::limits::Limit;
use tributary_span::TraceId;
use tributary_wire::v1::{Frame, Hello, Reject, reply::Kind};

const TENANT: &str = "single-tenant";

/// Frames of a lane, the second of which needs what the first one defines.
fn frames() -> Vec<Frame> {
    let mut lane = Lane::default();
    (0..2).for_each(|n| lane.push(&chain(TraceId([1; 16]), 100 * n + 1, 100 * n + 50)));
    lane.all()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_is_told_and_counted() {
    let server = Server::start(Bucket::new(Gate::Open), &["--segment-age", "20ms"]).await;
    let counted = |limit| server.engine.metrics.times_limited(limit);

    let hello = Hello { version: 1, incarnation: vec![7; 3].into(), ..Hello::default() };
    let refused = server.greet(hello).await.map(drop).unwrap_err();
    assert_eq!((refused.code(), counted(Limit::Hello)), (Code::InvalidArgument, 1));

    // A stream goes on after a frame that cannot be read.
    let garbage = Frame { seq: 1, payload: b"garbage".as_slice().into(), ..Frame::default() };
    let good = Frame { seq: 2, ..frames()[0].clone() };
    let mut stream = server.open(1, TENANT).await;
    stream.send(vec![garbage, good]).await;
    let told = stream.next().await.unwrap();
    assert!(matches!(told, Some(Kind::Reject(Reject { seq: 1, permanent: true, .. }))), "{told:?}");
    stream.acked(2).await;
    assert_eq!(counted(Limit::Malformed), 1);

    // It ends after one whose definitions are not there: that one is to come again.
    let mut stream = server.open(2, TENANT).await;
    let without = Frame { seq: 1, definitions: Default::default(), ..frames()[1].clone() };
    stream.send(vec![without]).await;
    let told = stream.next().await.unwrap();
    assert!(
        matches!(told, Some(Kind::Reject(Reject { seq: 1, permanent: false, .. }))),
        "{told:?}"
    );
    assert_eq!(stream.next().await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(counted(Limit::Undefined), 1);

    let mut stream = server.open(3, TENANT).await;
    let again = frames()[0].clone();
    stream.send(vec![again.clone(), again]).await;
    loop {
        match stream.next().await {
            Ok(Some(Kind::Ack(_))) => {}
            Err(refused) => break assert_eq!(refused.code(), Code::InvalidArgument),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(counted(Limit::Order), 1);

    let mut stream = server.open(4, TENANT).await;
    stream
        .send(vec![Frame { seq: 1, payload: vec![0; 17 << 20].into(), ..Frame::default() }])
        .await;
    assert_eq!(stream.next().await.unwrap_err().code(), Code::OutOfRange);
    assert_eq!(counted(Limit::Message), 1);
}
