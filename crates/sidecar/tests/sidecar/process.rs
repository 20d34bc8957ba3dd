//! The program itself: its ports, its signals, its exit codes.

use super::*;
use fake::Answer as A;
use std::time::Duration;
use tributary_testkit::Process;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tributary-sidecar");
const PORTS: [(&str, &str); 4] = [
    ("TRIBUTARY_OTLP_GRPC_LISTEN", "127.0.0.1:0"),
    ("TRIBUTARY_OTLP_HTTP_LISTEN", "127.0.0.1:0"),
    ("TRIBUTARY_ADMIN_LISTEN", "127.0.0.1:0"),
    ("TRIBUTARY_RECEIVERS", "otlp"),
];

#[tokio::test]
async fn sigterm_flushes_and_says_what_became_of_the_spans() -> Result<()> {
    let fake = Fake::start(A::Ack)?;
    let upstream = fake.address.to_string();
    let mut env = PORTS.to_vec();
    env.extend([("TRIBUTARY_UPSTREAM", upstream.as_str()), ("TRIBUTARY_BATCH_AGE", "60s")]);
    let mut program = Process::spawn(PROGRAM, [""; 0], &env)?;
    let http = program.listening("otlp-http", SOON).await?;
    let answer = http::post(http, "/v1/traces", "application/x-protobuf", full(1)).await?;
    assert_eq!(answer.status, 200);
    program.terminate()?;
    let status = program.wait(SOON).await?;
    assert_eq!(status.code(), Some(0), "{:#?}", program.output());
    let output = program.output();
    let last = output.last().map(String::as_str).unwrap_or_default();
    for part in ["accepted=2", "acked=2", "lost=0"] {
        assert!(last.contains(part), "{output:#?}");
    }
    acked(&[&fake], &NormalSpan::parse(&full(1))?).await
}

#[tokio::test]
async fn what_is_lost_is_said_and_a_second_sigterm_stops_at_once() -> Result<()> {
    let fake = Fake::start(A::Silence)?;
    let upstream = fake.address.to_string();
    let args = ["--upstream", &upstream, "--grace", "60m", "--log-format", "json"];
    let mut program = Process::spawn(PROGRAM, args, &PORTS)?;
    let lines = program.output_handle();
    let find = async |what: &str| {
        wait_for(what, SOON, async || {
            let lines = lines.lines();
            let line = lines.iter().rfind(|l| l.contains(what));
            line.cloned().ok_or_else(|| format!("{lines:#?}"))
        })
        .await
    };
    let line: String = find("\"otlp-http\"").await?;
    let at = line.split("\"address\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let http: SocketAddr = at.ok_or_else(|| anyhow!(line.clone()))?.parse()?;
    http::post(http, "/v1/traces", "application/x-protobuf", full(1)).await?;
    program.terminate()?;
    find("waiting for acknowledgements").await?;
    program.terminate()?;
    assert_eq!(program.wait(SOON).await?.code(), Some(0));
    let last = find("spans were given up").await?;
    assert!(last.contains("\"lost\":2") && last.contains("\"lost_shutdown\":2"), "{last}");
    Ok(())
}

#[tokio::test]
async fn mistakes_are_told_at_once_and_end_with_64() -> Result<()> {
    let env = [("TRIBUTARY_BUFER", "1MiB"), ("TRIBUTARY_GRACE", "soon")];
    let mut program = Process::spawn(PROGRAM, ["--batch-age=1"], &env)?;
    assert_eq!(program.wait(Duration::from_secs(30)).await?.code(), Some(64));
    let text = program.output().join("\n");
    for part in
        ["TRIBUTARY_BUFER", "TRIBUTARY_BUFFER", "TRIBUTARY_GRACE", "--batch-age", "--upstream"]
    {
        assert!(text.contains(part), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_ends_with_1() -> Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let at = taken.local_addr()?.to_string();
    let args = ["--upstream", "127.0.0.1:1", "--otlp-http-listen", &at];
    let mut program = Process::spawn(PROGRAM, args, &PORTS[..1])?;
    assert_eq!(program.wait(SOON).await?.code(), Some(1));
    let text = program.output().join("\n");
    assert!(text.contains("cannot listen on") && text.contains(&at), "{text}");
    Ok(())
}

#[tokio::test]
async fn help_and_version() -> Result<()> {
    for (flag, part) in [("--help", "--batch-age TIME"), ("--version", "tributary-sidecar 0.")] {
        let mut program = Process::spawn(PROGRAM, [flag], &[])?;
        assert_eq!(program.wait(SOON).await?.code(), Some(0));
        assert!(program.output().join("\n").contains(part));
    }
    Ok(())
}
