//! TLS and identities: what is shown is checked on every road, and files may change at any time.

mod certificates;
mod issuer;
mod keys;
mod roads;
mod rotation;
mod sockets;
mod verifier;

use ::http::{Method, StatusCode};
use anyhow::{Result, ensure};
use certificates::{Authority, INGESTER, Pair, connect};
use issuer::{ISSUER, Key, jwks};
use prost::Message;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tributary_testkit::http::{self, Answer, Connection};
use tributary_testkit::prometheus::Metrics;
use tributary_testkit::wait::SOON;
use tributary_testkit::{sample, wait_for};
use tributary_tests::ingester::HOLD;
use tributary_tests::{Ingester, Place, Sidecar};

/// Files as an operator and Kubernetes have them.
struct Files {
    folder: TempDir,
    authority: Authority,
    key: Key,
}

impl Files {
    /// An authority, the ingesters' certificate, a key of the issuer, and a policy with these lines.
    fn new(policy: &str) -> Result<Files> {
        let files = Files {
            folder: tempfile::tempdir()?,
            authority: Authority::new()?,
            key: Key::new("1")?,
        };
        files.write("ca.crt", &files.authority.pem())?;
        files.authority.signs(INGESTER)?.write(files.folder.path(), "ingester")?;
        files.write("jwks.json", &jwks(&[&files.key]))?;
        let keys = files.path("jwks.json");
        let issuers = format!("issuers: [{{issuer: {ISSUER}, cluster: main, jwks: {keys}}}]");
        files.write("policy.yaml", &format!("{issuers}\n{policy}"))?;
        Ok(files)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    /// Puts a file in another's place at once, as kubelet does.
    fn write(&self, name: &str, text: &str) -> Result<()> {
        let next = self.at("next");
        std::fs::write(&next, text)?;
        Ok(std::fs::rename(next, self.at(name))?)
    }

    /// Flags of an ingester that asks for this.
    fn ingester(&self, auth: &str) -> Vec<String> {
        let flag = |name: &str, value: String| format!("--{name}={value}");
        let mut flags = vec![
            flag("wire-tls-cert", self.path("ingester.crt")),
            flag("wire-tls-key", self.path("ingester.key")),
            flag("http-tls-cert", self.path("ingester.crt")),
            flag("http-tls-key", self.path("ingester.key")),
            flag("peer-tls-ca", self.path("ca.crt")),
            flag("peer-tls-name", INGESTER.to_owned()),
            flag("auth", auth.to_owned()),
            flag("policy", self.path("policy.yaml")),
            flag("multitenancy", "true".to_owned()),
            flag("files-poll", "100ms".to_owned()),
        ];
        if auth != "token" {
            flags.push(flag("wire-tls-client-ca", self.path("ca.crt")));
            flags.push(flag("http-tls-client-ca", self.path("ca.crt")));
        }
        flags
    }

    async fn start(&self, place: &Place, auth: &str, more: &[&str]) -> Result<Ingester> {
        let flags = self.ingester(auth);
        let flags: Vec<&str> = flags
            .iter()
            .map(String::as_str)
            .chain(HOLD.iter().copied())
            .chain(more.iter().copied())
            .collect();
        let ingester = Ingester::start_secure(place, &flags).await?;
        let output = ingester.process.output_handle();
        wait_for("/ready", SOON, async || match self.get(&ingester, "/ready", &[]).await {
            Ok(answer) if answer.status == StatusCode::OK => Ok(()),
            other => Err(format!("{other:?}\n{}", output.lines().join("\n"))),
        })
        .await?;
        Ok(ingester)
    }

    /// A sidecar with the token of an account in a file of the sidecar's own.
    async fn sidecar(&self, wire: &str, namespace: &str, more: &[&str]) -> Result<Sidecar> {
        let token = format!("{namespace}.token");
        self.write(&token, &self.key.token(namespace, "app", 3600)?)?;
        let flag = format!("--upstream-token-file={}", self.path(&token));
        self.untold_sidecar(wire, &[&[flag.as_str()], more].concat()).await
    }

    /// A sidecar that shows no token.
    async fn untold_sidecar(&self, wire: &str, more: &[&str]) -> Result<Sidecar> {
        let ca = format!("--upstream-tls-ca={}", self.path("ca.crt"));
        let name = format!("--upstream-tls-name={INGESTER}.");
        Sidecar::start(wire, &[&[ca.as_str(), name.as_str()], more].concat()).await
    }

    async fn open(&self, ingester: &Ingester, own: Option<&Pair>) -> Result<Connection> {
        connect(ingester.http, &self.authority.pem(), own).await
    }

    async fn get(
        &self,
        ingester: &Ingester,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        self.open(ingester, None).await?.send(Method::GET, path, headers, "").await
    }

    async fn metrics(&self, ingester: &Ingester) -> Result<Metrics> {
        let page = self.get(ingester, "/metrics", &[]).await?.text();
        Metrics::parse(&page).map_err(|line| anyhow::anyhow!("not a metric: {line}"))
    }

    async fn metric(&self, of: &Ingester, name: &str, labels: &[(&str, &str)]) -> Result<f64> {
        let name = format!("tributary_ingester_{name}");
        Ok(self.metrics(of).await?.sum(&name, labels).unwrap_or_default())
    }
}

/// Hands a span of a trace of its own to a sidecar.
async fn send(sidecar: &Sidecar, seed: u64) -> Result<()> {
    let body = sample::plain(seed).encode_to_vec();
    let answer = http::post(sidecar.http, "/v1/traces", "application/x-protobuf", body).await?;
    ensure!(answer.status == StatusCode::OK, "{}", answer.text());
    Ok(())
}

/// The path of such a trace.
fn trace(seed: u64) -> String {
    let id: String = sample::trace_id(seed).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("/api/v2/traces/{id}")
}

/// Whether an answer has the one span of such a trace.
fn has_span(answer: &Answer) -> bool {
    answer.status == StatusCode::OK && answer.text().contains("plain")
}

fn folder(files: &Files) -> &Path {
    files.folder.path()
}
