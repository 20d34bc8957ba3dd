//! Keys that the issuer tells at an address: changed while spans flow, and not told for a while.

use super::*;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What stands for the API server's `/openid/v1/jwks`.
struct Server {
    url: String,
    /// The answer to a caller that shows the pod's token; none hangs up.
    answer: Arc<Mutex<Option<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(authority: &Authority) -> Result<Server> {
        let own = authority.signs("localhost")?;
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions()?.with_no_client_auth();
        let config = config.with_single_cert(
            vec![CertificateDer::from_pem_slice(own.cert.as_bytes())?],
            PrivateKeyDer::from_pem_slice(own.key.as_bytes())?,
        )?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://localhost:{}/openid/v1/jwks", listener.local_addr()?.port());
        let answer = Arc::new(Mutex::new(None));
        let told = answer.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // A client that goes away is none of the server's concern.
                drop(tokio::spawn(tell(acceptor.clone(), stream, answer)));
            }
        });
        Ok(Server { url, answer, task })
    }

    /// From now on.
    fn tells(&self, answer: Option<String>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}

async fn tell(acceptor: TlsAcceptor, stream: TcpStream, answer: Option<String>) -> Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let Some(answer) = answer else { return Ok(()) };
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let request = String::from_utf8(request)?.to_lowercase();
    let status = match request.contains("\r\nauthorization: bearer of-the-pod\r\n") {
        true => "200 OK",
        false => "403 Forbidden",
    };
    let length = answer.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all((head + &answer).as_bytes()).await?;
    Ok(stream.shutdown().await?)
}

/// Files of an ingester that asks the server, and another issuer's keys in a file.
async fn asking() -> Result<(Files, Server)> {
    let files = Files::new("")?;
    let server = Server::start(&files.authority).await?;
    files.write("pod.token", "of-the-pod\n")?;
    let policy = format!(
        "issuers:\n  - {{issuer: {ISSUER}, jwks: '{}', jwks_ca: {}, jwks_token: {}}}\n  - {{issuer: https://other.test, jwks: {}}}\n",
        server.url,
        files.path("ca.crt"),
        files.path("pod.token"),
        files.path("jwks.json"),
    );
    files.write("policy.yaml", &policy)?;
    Ok((files, server))
}

#[tokio::test]
async fn keys_change_and_are_not_told_while_spans_flow() -> Result<()> {
    let (files, server) = asking().await?;
    server.tells(Some(jwks(&[&files.key])));
    let place = Place::folder()?;
    let ingester = files.start(&place, "token", &["--max-stream-age", "1s"]).await?;
    let wire = ingester.wire.to_string();
    let sidecar = files.sidecar(&wire, "pay", &["--batch-age", "20ms"]).await?;
    let next = Key::new("2")?;
    let mut sent = 0;
    for step in 0..6 {
        match step {
            // The issuer signs by another key at once: it is asked when such a token comes.
            1 => {
                server.tells(Some(jwks(&[&files.key, &next])));
                files.write("pay.token", &next.token("pay", "app", 3600)?)?;
            }
            // From here on it tells nothing: what it told counts.
            3 => server.tells(None),
            5 => server.tells(Some("x".repeat(1 << 20))),
            _ => {}
        }
        for _ in 0..20 {
            sent += 1;
            send(&sidecar, sent).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == sent as f64).await?;
    // Spans go on until a stream was opened anew, by the new token.
    let opened = async || {
        let metrics = sidecar.metrics().await?;
        anyhow::Ok(metrics.sum("tributary_sidecar_streams_opened_total", &[]).unwrap_or_default())
    };
    let before = opened().await?;
    for _ in 0..2_000 {
        sent += 1;
        send(&sidecar, sent).await?;
        sidecar.until("tributary_sidecar_spans_acked_total", |n| n == sent as f64).await?;
        if opened().await? > before {
            break;
        }
    }
    ensure!(opened().await? > before, "no stream was opened anew after {before}");
    send(&sidecar, sent + 1).await?;
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == (sent + 1) as f64).await?;
    let metrics = sidecar.metrics().await?;
    let of = |name: &str| metrics.sum(&format!("tributary_sidecar_{name}_total"), &[]);
    let told = (of("streams_refused"), of("connect_failures"), of("spans_dropped"));
    ensure!(told == (Some(0.0), Some(0.0), Some(0.0)), "{told:?}");

    // A key that no issuer has is a reason to ask once a minute at most.
    let fetched = files.metric(&ingester, "keys_fetched_total", &[]).await?;
    let failed = files.metric(&ingester, "keys_not_fetched_total", &[]).await?;
    ensure!((fetched, failed) == (2.0, 0.0), "asked {fetched} times, {failed} more in vain");
    let stranger = Key::new("3")?.token("pay", "reader", 60)?;
    for _ in 0..20 {
        let stranger = [("authorization", format!("Bearer {stranger}"))];
        let headers = stranger.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = files.get(&ingester, &trace(1), &headers).await?;
        ensure!(answer.status == StatusCode::UNAUTHORIZED, "{}", answer.status);
    }
    let again = files.metric(&ingester, "keys_fetched_total", &[]).await?
        + files.metric(&ingester, "keys_not_fetched_total", &[]).await?;
    ensure!(again <= 3.0, "asked {again} times");
    let journaled = files.metric(&ingester, "spans_journaled_total", &[]).await?;
    ensure!(journaled == (sent + 1) as f64, "{journaled} of {}", sent + 1);
    sidecar.stop().await?;
    ingester.stop().await
}

#[tokio::test]
async fn an_ingester_starts_without_keys_and_takes_them_when_they_are_told() -> Result<()> {
    let (files, server) = asking().await?;
    let place = Place::folder()?;
    let ingester = files.start(&place, "token", &[]).await?;
    let without = files.metric(&ingester, "issuers_without_keys", &[]).await?;
    ensure!(without == 1.0, "{without}");
    // It waits for keys with its first caller, and spans stay where they are.
    let sidecar = files.sidecar(&ingester.wire.to_string(), "pay", &[]).await?;
    send(&sidecar, 1).await?;
    sidecar.until("tributary_sidecar_streams_refused_total", |n| n > 0.0).await?;
    server.tells(Some("{\"keys\": []}".to_owned()));
    let output = ingester.process.output_handle();
    wait_for("what is no key set is told", SOON, async || {
        let log = output.lines().join("\n");
        let told = log.contains("it has no key for RS256 or ES256");
        if told { Ok(()) } else { Err(log) }
    })
    .await?;
    server.tells(Some(jwks(&[&files.key])));
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == 1.0).await?;
    let without = files.metric(&ingester, "issuers_without_keys", &[]).await?;
    ensure!(without == 0.0, "{without}");
    let log = ingester.process.output().join("\n");
    ensure!(!log.contains("of-the-pod") && !log.contains("eyJ"), "a token is in the log");
    sidecar.stop().await?;
    ingester.stop().await
}
