//! What it means that applications name tenants, and more tenants than a sidecar serves at a time.

use super::*;
use fake::Answer as A;
use std::collections::BTreeMap;
use tributary_wire::v1::Tenants;

/// Offers one span for a tenant.
async fn offer(sidecar: &Sidecar, tenant: u32, seed: u32) -> Result<Answer> {
    let name = format!("team-{tenant}");
    sidecar.offer(&plain(seed.into()), &[("x-scope-orgid", &name)]).await
}

/// Offers a span with each of these headers: the statuses.
async fn statuses(sidecar: &Sidecar, seed: u64) -> Result<Vec<u16>> {
    let headers: [&[(&str, &str)]; 4] = [
        &[],
        &[("x-scope-orgid", "")],
        &[("x-scope-orgid", "team-a")],
        &[("x-scope-orgid", "a/b")],
    ];
    let mut statuses = Vec::new();
    for (n, headers) in (seed..).zip(headers) {
        statuses.push(sidecar.offer(&plain(n), headers).await?.status.as_u16());
    }
    Ok(statuses)
}

#[tokio::test]
async fn a_name_means_what_the_ingesters_say() -> Result<()> {
    let fake = Fake::start(A::Ack)?;
    fake.says_of_tenants(Tenants::One);
    let sidecar = Sidecar::start(&[&fake], &[]).await?;
    assert_eq!(statuses(&sidecar, 1).await?, [200; 4]);
    sidecar.metric_becomes("spans_acked_total", |acked| acked == 4.0).await?;
    assert!(fake.seen().iter().all(|seen| seen.hello.tenant == "single-tenant"));

    let fake = Fake::start(A::Ack)?;
    fake.says_of_tenants(Tenants::Named);
    let sidecar = Sidecar::start(&[&fake], &[]).await?;
    assert_eq!(statuses(&sidecar, 1).await?, [401, 401, 200, 400]);
    sidecar.metric_becomes("spans_acked_total", |acked| acked == 1.0).await?;
    assert!(fake.seen().iter().all(|seen| seen.hello.tenant == "team-a"));

    let sidecar = Sidecar::start(&[&fake], &["--tenant", "mine"]).await?;
    assert_eq!(statuses(&sidecar, 5).await?, [200; 4]);
    sidecar.metric_becomes("spans_acked_total", |acked| acked == 4.0).await?;
    let seen = fake.seen().into_iter().filter(|seen| seen.hello.tenant == "mine");
    assert_eq!(seen.map(|seen| seen.spans.len()).sum::<usize>(), 4);
    Ok(())
}

#[tokio::test]
async fn an_ingester_that_is_away_or_of_an_earlier_version_costs_nobody_a_span() -> Result<()> {
    let fake = Fake::start(A::Ack)?;
    let sidecar = Sidecar::start(&[&fake], &[]).await?;
    assert_eq!(statuses(&sidecar, 1).await?, [200; 4]);
    sidecar.metric_becomes("spans_acked_total", |acked| acked == 4.0).await?;
    let mut away = Fake::start(A::Ack)?;
    away.kill();
    let sidecar = Sidecar::start(&[&away], &[]).await?;
    assert_eq!(statuses(&sidecar, 1).await?, [200; 4]);
    Ok(())
}

#[tokio::test]
async fn twenty_in_sequence_are_served() -> Result<()> {
    let fake = Fake::start(A::Ack)?;
    let sidecar = Sidecar::start(&[&fake], &[]).await?;
    // The first comes again at the end, with a lane that was not there before.
    for (seed, tenant) in (1..).zip((0..20).chain([0])) {
        assert_eq!(offer(&sidecar, tenant, seed).await?.status, 200, "tenant {tenant}");
        sidecar.metric_becomes("spans_acked_total", |acked| acked == f64::from(seed)).await?;
    }
    let mut tenants: BTreeMap<u32, String> = BTreeMap::new();
    for seen in fake.seen() {
        let of = tenants.entry(seen.hello.lane).or_insert_with(|| seen.hello.tenant.clone());
        assert_eq!(*of, seen.hello.tenant, "lane {} changed hands", seen.hello.lane);
        assert_eq!(seen.seq, 1);
    }
    assert_eq!(tenants.len(), 21, "{tenants:?}");
    assert_eq!(sidecar.metric("tenants").await?, 16.0);
    assert_eq!(sidecar.metric("tenants_forgotten_total").await?, 5.0);
    // The streams of those that were forgotten have ended.
    sidecar.metric_becomes("streams", |streams| streams == 16.0).await?;
    let report = sidecar.stop().await?;
    assert_eq!((report.acked, report.lost()), (21, 0));
    Ok(())
}

#[tokio::test]
async fn the_seventeenth_at_once_waits_for_an_idle_one() -> Result<()> {
    let fake = Fake::start(A::Silence)?;
    let sidecar = Sidecar::start(&[&fake], &[]).await?;
    for tenant in 0..16 {
        assert_eq!(offer(&sidecar, tenant, tenant + 1).await?.status, 200);
    }
    let refused = offer(&sidecar, 16, 17).await?;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), "1");
    let why = refused.text();
    assert!(why.contains("more tenants at a time than a sidecar serves"), "{why}");
    assert_eq!(sidecar.metric("requests_refused_total").await?, 1.0);

    fake.answer(A::Ack);
    sidecar.metric_becomes("spans_acked_total", |acked| acked == 16.0).await?;
    assert_eq!(offer(&sidecar, 16, 17).await?.status, 200);
    sidecar.metric_becomes("spans_acked_total", |acked| acked == 17.0).await?;
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}
