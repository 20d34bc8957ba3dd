//! Ingesters come, go, fall silent and change places; no span is lost.

use super::*;
use fake::{Answer as A, members};
use tributary_wire::v1::Drain;
use tributary_wire::v1::reply::Kind;

/// Sends the recording of one pod.
async fn send(sidecar: &Sidecar, pod: &str) -> Result<Vec<NormalSpan>> {
    let mut sent = Vec::new();
    for record in tributary_testkit::recording(pod)?.records {
        sent.extend(sidecar.take(&record).await?);
    }
    Ok(sent)
}

#[tokio::test]
async fn the_ingester_comes_after_the_spans() -> Result<()> {
    let port = tributary_testkit::free_port()?;
    let sidecar = Sidecar::start_with(&format!("127.0.0.1:{port}"), &[]).await?;
    let sent = send(&sidecar, "fraud").await?;
    sidecar.metric_becomes("connect_failures_total", |n| n > 0.0).await?;
    let at = format!("127.0.0.1:{port}").parse()?;
    let fake = Fake::start_at(at, A::Ack, 1 << 20, vec![])?;
    acked(&[&fake], &sent).await?;
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}

#[tokio::test]
async fn what_a_dead_ingester_did_not_acknowledge_goes_to_another_one() -> Result<()> {
    let (mut first, second) = (Fake::start(A::Ack)?, Fake::start(A::Ack)?);
    let sidecar = Sidecar::start(&[&first, &second], &["--batch-bytes", "8KiB"]).await?;
    sidecar.metric_becomes("groups", |groups| groups == 2.0).await?;
    let mut sent = send(&sidecar, "notifier").await?;
    acked(&[&first, &second], &sent).await?;
    assert!(first.spans() > 0 && second.spans() > 0);
    // From here on the first holds back what it gets, and then it dies.
    first.answer(A::Silence);
    let before = first.spans();
    sent.extend(send(&sidecar, "recommendation").await?);
    wait_for("frames at the first", SOON, async || {
        if first.spans() > before { Ok(()) } else { Err("none".to_owned()) }
    })
    .await?;
    first.kill();
    acked(&[&first, &second], &sent).await?;
    // Frames of the dead one's lane refer to what only the dead one was told.
    let resent: Vec<_> = second.seen().into_iter().filter(|s| s.stream > 0).collect();
    assert!(resent.first().is_some_and(|frame| frame.definitions > 0));
    assert!(sidecar.metric("frames_resent_total").await? > 0.0);
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}

#[tokio::test]
async fn an_ingester_that_was_restarted_gets_its_lane_back() -> Result<()> {
    let mut fake = Fake::start(A::Silence)?;
    let sidecar = Sidecar::start(&[&fake], &[]).await?;
    let sent = send(&sidecar, "fraud").await?;
    wait_for(
        "frames",
        SOON,
        async || if fake.spans() > 0 { Ok(()) } else { Err("none".to_owned()) },
    )
    .await?;
    let at = fake.address;
    fake.kill();
    let again = wait_for("the port", SOON, async || {
        Fake::start_at(at, A::Ack, 1 << 20, vec![]).map_err(|e| e.to_string())
    })
    .await?;
    acked(&[&again], &sent).await?;
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}

#[tokio::test]
async fn a_silent_ingester_is_left() -> Result<()> {
    let (first, second) = (Fake::start(A::Silence)?, Fake::start(A::Silence)?);
    let sidecar = Sidecar::start(&[&first, &second], &[]).await?;
    let sent = send(&sidecar, "recommendation").await?;
    wait_for("frames", SOON, async || {
        if first.spans() + second.spans() > 0 { Ok(()) } else { Err("none".to_owned()) }
    })
    .await?;
    // One that has frames stays silent, the other one works.
    let (silent, works) = if first.spans() > 0 { (&first, &second) } else { (&second, &first) };
    works.answer(A::Ack);
    acked(&[works], &sent).await?;
    assert_eq!(silent.acked().len(), 0);
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}

#[tokio::test]
async fn a_frame_that_is_rejected_for_now_goes_elsewhere() -> Result<()> {
    let busy = Fake::start(A::Reject { permanent: false })?;
    let sidecar = Sidecar::start(&[&busy], &[]).await?;
    let sent = sidecar.take(&full(1)).await?;
    wait_for(
        "frames",
        SOON,
        async || if busy.spans() > 2 { Ok(()) } else { Err("few".to_owned()) },
    )
    .await?;
    busy.answer(A::Ack);
    acked(&[&busy], &sent).await?;
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}

#[tokio::test]
async fn a_draining_ingester_is_left_without_sending_anything_twice() -> Result<()> {
    let (old, new) = (Fake::start(A::Ack)?, Fake::start(A::Ack)?);
    let sidecar = Sidecar::start(&[&old], &["--batch-bytes", "8KiB"]).await?;
    let mut sent = send(&sidecar, "fraud").await?;
    acked(&[&old], &sent).await?;
    let elsewhere = members(&[new.address.to_string()]);
    old.tell(Kind::Drain(Drain { deadline_ms: 60_000, members: Some(elsewhere) }));
    wait_for("a stream at the new one", SOON, async || {
        if new.streams() > 0 { Ok(()) } else { Err("none".to_owned()) }
    })
    .await?;
    let before = old.spans();
    sent.extend(send(&sidecar, "recommendation").await?);
    acked(&[&old, &new], &sent).await?;
    assert!(new.spans() > 0);
    assert_eq!(sidecar.metric("frames_resent_total").await?, 0.0);
    assert_eq!(sidecar.metric("streams_lost_total").await?, 0.0);
    assert!(old.spans() <= before + 200, "{} after {before}", old.spans());
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}

#[tokio::test]
async fn ingesters_tell_of_new_ones() -> Result<()> {
    let (first, second) = (Fake::start(A::Ack)?, Fake::start(A::Ack)?);
    let sidecar = Sidecar::start(&[&first], &[]).await?;
    let mut sent = send(&sidecar, "fraud").await?;
    acked(&[&first], &sent).await?;
    let both = members(&[first.address.to_string(), second.address.to_string()]);
    first.tell(Kind::Members(both));
    sidecar.metric_becomes("groups", |groups| groups == 2.0).await?;
    sent.extend(send(&sidecar, "recommendation").await?);
    acked(&[&first, &second], &sent).await?;
    assert!(second.spans() > 0);

    // And of those that are no more.
    second.tell(Kind::Drain(Drain { deadline_ms: 60_000, members: None }));
    sidecar.metric_becomes("groups", |groups| groups == 1.0).await?;
    sidecar.metric_becomes("streams", |streams| streams == 1.0).await?;
    sent.extend(send(&sidecar, "notifier").await?);
    acked(&[&first, &second], &sent).await?;
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}
