//! Every road that leads to spans, walked by those who may and by those who may not.

use super::*;

const POLICY: &str = "
rules:
  - {namespace: ops, tenants: [ops, pay]}
  - {namespace: pay, tenants: ['{namespace}']}
  - {namespace: shop, tenants: ['{namespace}']}
tokens:
  # Of \"test\".
  - {name: grafana, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, tenants: ['*']}
peers: [{namespace: tracing}]
";

/// Every route that answers from spans, for the trace with seed 1.
const ROADS: [&str; 10] = [
    "/api/traces/00000000000000010000000000000001",
    "/api/v2/traces/00000000000000010000000000000001",
    "/api/search?q=%7B%20%7D&start=1795343000&end=1795345000",
    "/api/search/tags?start=1795343000&end=1795345000",
    "/api/v2/search/tags?start=1795343000&end=1795345000",
    "/api/search/tag/service.name/values?start=1795343000&end=1795345000",
    "/api/v2/search/tag/resource.service.name/values?start=1795343000&end=1795345000",
    "/api/metrics/query_range?q=%7B%20%7D%20%7C%20rate()&start=1795343000&end=1795345000&step=60",
    "/api/metrics/query?q=%7B%20%7D%20%7C%20count_over_time()&start=1795343000&end=1795345000",
    "/api/nothing/of/the/kind",
];

const STREAMING: [&str; 7] = [
    "Search",
    "SearchTags",
    "SearchTagsV2",
    "SearchTagValues",
    "SearchTagValuesV2",
    "MetricsQueryRange",
    "MetricsQueryInstant",
];

#[tokio::test]
async fn an_identity_reaches_its_own_tenants_and_no_other() -> Result<()> {
    let files = Files::new(POLICY)?;
    let place = Place::folder()?;
    let ingester = files.start(&place, "token", &[]).await?;
    let wire = ingester.wire.to_string();
    // What the sidecar wishes does not count where there is one tenant, and must be allowed where
    // there are several.
    let pay = files.sidecar(&wire, "pay", &["--tenant", "shop"]).await?;
    let ops = files.sidecar(&wire, "ops", &["--tenant", "shop", "--grace", "100ms"]).await?;
    let lost = files.sidecar(&wire, "lost", &["--tenant", "pay", "--grace", "100ms"]).await?;
    let bare = files.untold_sidecar(&wire, &["--tenant", "pay", "--grace", "100ms"]).await?;
    for (sidecar, seed) in [(&pay, 1), (&ops, 2), (&lost, 3), (&bare, 4)] {
        send(sidecar, seed).await?;
    }
    pay.until("tributary_sidecar_spans_acked_total", |n| n == 1.0).await?;
    for (sidecar, reason, said) in [
        (&ops, "permission_denied", "main/ops/app may name the tenants ops, pay, not shop"),
        (&lost, "permission_denied", "no rule gives main/lost/app a tenant"),
        (&bare, "unauthenticated", "no token: `authorization` is missing"),
    ] {
        sidecar.until("tributary_sidecar_streams_refused_total", |n| n > 0.0).await?;
        let metrics = sidecar.metrics().await?;
        let refused = metrics
            .sum("tributary_sidecar_streams_refused_total", &[("reason", reason)])
            .unwrap_or_default();
        let held = metrics.sum("tributary_sidecar_unacked_spans", &[]);
        ensure!(refused > 0.0 && held == Some(1.0), "{reason}: {refused}, {held:?} held");
        let output = sidecar.process.output().join("\n");
        ensure!(output.matches(said).count() == 1, "{said} is not there once:\n{output}");
    }
    let log = ingester.process.output().join("\n");
    ensure!(!log.contains("eyJ"), "a token is in the log");

    let token = |namespace: &str, seconds| -> Result<String> {
        Ok(format!("Bearer {}", files.key.token(namespace, "reader", seconds)?))
    };
    let stranger = format!("Bearer {}", Key::new("1")?.token("pay", "reader", 60)?);
    let (pay_token, shop, ops_token) = (token("pay", 60)?, token("shop", 60)?, token("ops", 60)?);
    let (lost_token, old) = (token("lost", 60)?, token("pay", -120)?);
    let mut query = files.open(&ingester, None).await?;
    let mut wrong = Vec::new();
    let denied: [(&str, &str, u16); 9] = [
        ("", "pay", 401),
        ("Bearer", "pay", 401),
        ("Bearer x", "pay", 401),
        (&stranger, "pay", 401),
        (&old, "pay", 401),
        (&shop, "pay", 403),
        (&pay_token, "pay|shop", 403),
        (&ops_token, "shop", 403),
        (&lost_token, "lost", 403),
    ];
    for road in ROADS {
        for (token, tenant, status) in denied {
            // Nothing is told, not even that nothing has changed.
            let mut headers = vec![("x-scope-orgid", tenant), ("if-none-match", "*")];
            headers.extend((!token.is_empty()).then_some(("authorization", token)));
            let answer = query.send(Method::GET, road, &headers, "").await?;
            if answer.status != status || !answer.header("etag").is_empty() {
                wrong.push(format!("{road} as {tenant}: {} in place of {status}", answer.status));
            }
        }
        for (token, tenant) in [
            (&*pay_token, ""),
            (&*pay_token, "pay"),
            (&*ops_token, "pay"),
            ("Bearer test", "pay|shop"),
        ] {
            let headers = [("x-scope-orgid", tenant), ("authorization", token)];
            let answer = query.send(Method::GET, road, &headers, "").await?;
            let expected = if road.ends_with("kind") { 404 } else { 200 };
            if answer.status != expected {
                wrong.push(format!("{road} as {tenant:?}: {} {}", answer.status, answer.text()));
            }
        }
    }
    for method in STREAMING {
        let road = format!("/tempopb.StreamingQuerier/{method}");
        for (token, status) in [("Bearer x", "16"), (&*shop, "7")] {
            let headers = [
                ("content-type", "application/grpc"),
                ("x-scope-orgid", "pay"),
                ("authorization", token),
            ];
            let answer = query.send(Method::POST, &road, &headers, "").await?;
            if answer.header("grpc-status") != status {
                wrong.push(format!("{road}: {:?}", answer.headers));
            }
        }
    }
    let tracing = token("tracing", 60)?;
    for road in [
        "/internal/v1/live/pay/00000000000000010000000000000001",
        "/internal/v1/question",
        "/internal/",
    ] {
        for (token, status) in [("", 401), (&*pay_token, 403), ("Bearer test", 403)] {
            let headers = [("authorization", token)];
            let headers = if token.is_empty() { &[][..] } else { &headers[..] };
            let answer = query.send(Method::GET, road, headers, "").await?;
            if answer.status != status {
                wrong.push(format!("{road}: {} in place of {status}", answer.status));
            }
        }
        let answer = query.send(Method::GET, road, &[("authorization", &*tracing)], "").await?;
        if [401, 403].contains(&answer.status.as_u16()) {
            wrong.push(format!("{road}: a peer is answered {}", answer.status));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));

    // The span is where its identity belongs, and nowhere else.
    for (tenant, there) in [("pay", true), ("shop", false)] {
        let headers = [("x-scope-orgid", tenant), ("authorization", "Bearer test")];
        let answer = query.send(Method::GET, &trace(1), &headers, "").await?;
        ensure!(has_span(&answer) == there, "{tenant}: {} {}", answer.status, answer.text());
        let headers = [&headers[..], &[("if-none-match", "*")]].concat();
        let again = query.send(Method::GET, &trace(1), &headers, "").await?;
        ensure!((again.status == 304) == there, "{tenant}: {} {}", again.status, again.text());
    }
    pay.stop().await?;
    ingester.stop().await
}

#[tokio::test]
async fn where_it_is_permissive_callers_are_counted_and_none_is_refused() -> Result<()> {
    let files = Files::new(POLICY)?;
    let place = Place::folder()?;
    let ingester = files.start(&place, "either", &["--permissive", "true"]).await?;
    let wire = ingester.wire.to_string();
    let bare = files.untold_sidecar(&wire, &["--tenant", "shop"]).await?;
    let pay = files.sidecar(&wire, "pay", &["--tenant", "shop"]).await?;
    let lost = files.sidecar(&wire, "lost", &["--tenant", "shop"]).await?;
    for (sidecar, seed) in [(&bare, 1), (&pay, 2), (&lost, 3)] {
        send(sidecar, seed).await?;
        sidecar.until("tributary_sidecar_spans_acked_total", |n| n == 1.0).await?;
    }
    // Whose identity was proven is its own tenant already; the others are what they say.
    for (tenant, seed) in [("shop", 1), ("pay", 2), ("shop", 3)] {
        let tenant = [("x-scope-orgid", tenant)];
        let answer = files.get(&ingester, &trace(seed), &tenant).await?;
        ensure!(has_span(&answer), "{seed}: {} {}", answer.status, answer.text());
    }
    for (port, result, at_least) in [
        ("wire", "missing", 1.0),
        ("wire", "identified", 2.0),
        ("wire", "rule", 1.0),
        ("query", "missing", 3.0),
    ] {
        let labels = [("port", port), ("result", result)];
        let counted = files.metric(&ingester, "callers_total", &labels).await?;
        ensure!(counted >= at_least, "{port} {result}: {counted}");
    }
    let limited = files.metric(&ingester, "limited_total", &[("limit", "caller")]).await?;
    ensure!(limited == 0.0, "{limited} were refused");
    for sidecar in [bare, pay, lost] {
        sidecar.stop().await?;
    }
    ingester.stop().await
}
