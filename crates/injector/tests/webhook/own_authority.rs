//! An authority of the injectors' own, in a cluster whose API server keeps Secrets and webhook
//! configurations as the real one does: versions, conflicts, entries by their names.

use crate::injector::{Authority, NAME, connect};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tributary_testkit::process::Process;
use tributary_testkit::wait::{SOON, wait_for};

const SECRETS: &str = "/api/v1/namespaces/tracing/secrets";
const SECRET: &str = "/api/v1/namespaces/tracing/secrets/tributary-injector-ca";
const CONFIGURATION: &str = "/apis/admissionregistration.k8s.io/v1/\
                             mutatingwebhookconfigurations/injector.tributary.dev";

#[derive(Default)]
struct State {
    secret: Option<Value>,
    configuration: Option<Value>,
    minor: &'static str,
    created: usize,
    conflicts: usize,
    unauthorized: usize,
}

/// A cluster.
struct Cluster {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    /// What a pod has of its ServiceAccount.
    folder: TempDir,
}

impl Cluster {
    async fn start() -> Cluster {
        let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("ca.crt"), authority.pem()).unwrap();
        std::fs::write(folder.path().join("token"), "token-of-the-pod\n").unwrap();
        std::fs::write(folder.path().join("namespace"), "tracing").unwrap();
        let [cert, key] = authority.signs("127.0.0.1");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        let tls = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let entry = |name: &str| json!({"name": name, "clientConfig": {"service": {"path": "/x"}}});
        let configuration =
            json!({"webhooks": [entry("a.tributary.dev"), entry("b.tributary.dev")]});
        let state = State { configuration: Some(configuration), minor: "35", ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        // It ends with the runtime of the test that started it.
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, state) = (tls.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let Ok(stream) = tls.accept(stream).await else { return };
                    let service = service_fn(move |request| answer(Arc::clone(&state), request));
                    let server = hyper::server::conn::http1::Builder::new();
                    server.serve_connection(TokioIo::new(stream), service).await.ok();
                });
            }
        });
        Cluster { state, address, folder }
    }

    fn injector(&self) -> Process {
        let args = [
            "--listen=127.0.0.1:0".to_owned(),
            "--admin-listen=127.0.0.1:0".to_owned(),
            "--files-poll=20ms".to_owned(),
            "--linger=0s".to_owned(),
            format!("--service-account={}", self.folder.path().display()),
            "--api-host=127.0.0.1".to_owned(),
            format!("--api-port={}", self.address.port()),
        ];
        Process::spawn(env!("CARGO_BIN_EXE_tributary-injector"), args, &[]).unwrap()
    }

    /// The bundle of an entry, as authorities.
    fn bundle(&self, entry: usize) -> Option<RootCertStore> {
        let state = self.state.lock().unwrap();
        let entry = &state.configuration.as_ref()?["webhooks"][entry];
        let pem = BASE64_STANDARD.decode(entry["clientConfig"]["caBundle"].as_str()?).unwrap();
        let mut roots = RootCertStore::empty();
        for cert in CertificateDer::pem_slice_iter(&pem) {
            roots.add(cert.unwrap()).unwrap();
        }
        Some(roots)
    }
}

fn reply(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(Bytes::from(body.to_string())));
    *reply.status_mut() = status;
    reply
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let mut state = state.lock().unwrap();
    if head.headers.get("authorization").is_none_or(|says| says != "Bearer token-of-the-pod") {
        state.unauthorized += 1;
        return Ok(reply(StatusCode::UNAUTHORIZED, &json!({"message": "Unauthorized"})));
    }
    let status = |code, message: &str| reply(code, &json!({"kind": "Status", "message": message}));
    let missing = || status(StatusCode::NOT_FOUND, "not found");
    Ok(match (head.method, head.uri.path()) {
        (Method::GET, "/version") => {
            reply(StatusCode::OK, &json!({"major": "1", "minor": state.minor}))
        }
        (Method::GET, SECRET) => match &state.secret {
            Some(secret) => reply(StatusCode::OK, secret),
            None => missing(),
        },
        (Method::POST, SECRETS) if state.secret.is_some() => {
            state.conflicts += 1;
            status(StatusCode::CONFLICT, "already exists")
        }
        (Method::POST, SECRETS) => {
            let mut secret = body;
            secret["metadata"]["resourceVersion"] = json!("1");
            state.created += 1;
            state.secret = Some(secret.clone());
            reply(StatusCode::CREATED, &secret)
        }
        (Method::GET, CONFIGURATION) => match &state.configuration {
            Some(configuration) => reply(StatusCode::OK, configuration),
            None => missing(),
        },
        (Method::PATCH, CONFIGURATION) => {
            assert_eq!(head.headers["content-type"], "application/apply-patch+yaml");
            assert_eq!(head.uri.query(), Some("fieldManager=tributary-injector&force=true"));
            let configuration = state.configuration.as_mut().unwrap();
            for applied in body["webhooks"].as_array().unwrap() {
                let entries = configuration["webhooks"].as_array_mut().unwrap();
                let entry = entries.iter_mut().find(|entry| entry["name"] == applied["name"]);
                json_patch::merge(entry.unwrap(), applied);
            }
            reply(StatusCode::OK, configuration)
        }
        _ => missing(),
    })
}

/// Three that begin at once: one authority, the same bundle in both entries, beside what is in them, and
/// each of the three is believed by it.
#[tokio::test]
async fn replicas_share_one_authority() {
    let cluster = Cluster::start().await;
    let mut injectors: Vec<Process> = (0..3).map(|_| cluster.injector()).collect();
    for injector in &mut injectors {
        let address = injector.listening("admission", SOON).await.unwrap();
        wait_for("a certificate that the bundle knows", SOON, || async {
            let roots = cluster.bundle(1).ok_or_else(|| format!("{:?}", injector.output()))?;
            let connected = connect(address, roots, &["h2"]).await;
            connected.map(drop).map_err(|error| format!("{error}: {:?}", injector.output()))
        })
        .await
        .unwrap();
    }
    {
        let state = cluster.state.lock().unwrap();
        assert_eq!(state.created, 1);
        assert!(state.secret.as_ref().unwrap()["data"]["ca.key"].is_string());
        let entries = &state.configuration.as_ref().unwrap()["webhooks"];
        assert_eq!(entries[0]["clientConfig"]["service"]["path"], "/x");
        assert_eq!(entries[0]["clientConfig"]["caBundle"], entries[1]["clientConfig"]["caBundle"]);
    }
    // One that comes later goes by the Secret that is there.
    let mut late = cluster.injector();
    let address = late.listening("admission", SOON).await.unwrap();
    wait_for("the same authority", SOON, || async {
        let roots = cluster.bundle(0).unwrap();
        connect(address, roots, &["h2"]).await.map(drop).map_err(|error| error.to_string())
    })
    .await
    .unwrap();
    assert_eq!(cluster.state.lock().unwrap().created, 1);
}

#[tokio::test]
async fn it_is_not_ready_before_it_is_believed() {
    let cluster = Cluster::start().await;
    let configuration = cluster.state.lock().unwrap().configuration.take();
    let mut injector = cluster.injector();
    let admin = injector.listening("admin", SOON).await.unwrap();
    let ready =
        || async { tributary_testkit::http::get(admin, "/ready").await.unwrap().status.as_u16() };
    injector
        .line("the missing configuration", SOON, |line| line.contains("404").then_some(()))
        .await
        .unwrap();
    assert_eq!(ready().await, 503);
    cluster.state.lock().unwrap().configuration = configuration;
    wait_for("to be ready", SOON, || async {
        let status = ready().await;
        if status == 200 { Ok(()) } else { Err(status.to_string()) }
    })
    .await
    .unwrap();
    assert_eq!(NAME, "tributary-injector.tracing.svc", "what its certificate is made out to");
}

#[tokio::test]
async fn a_cluster_that_would_hold_pods_for_ever_and_a_start_without_anything() {
    let cluster = Cluster::start().await;
    cluster.state.lock().unwrap().minor = "28+";
    let mut injector = cluster.injector();
    assert_eq!(injector.wait(SOON).await.unwrap().code(), Some(1));
    assert!(injector.output().iter().any(|line| line.contains("1.28")), "{:?}", injector.output());

    let program = env!("CARGO_BIN_EXE_tributary-injector");
    let mut alone = Process::spawn(program, ["--listen=127.0.0.1:0"], &[]).unwrap();
    assert_eq!(alone.wait(SOON).await.unwrap().code(), Some(1));
    assert!(alone.output().iter().any(|line| line.contains("--tls-cert")), "{:?}", alone.output());
    for wrong in [&["--set=bufer=1MiB"][..], &["--listen=nowhere"], &["--tls-cert=a"]] {
        let mut injector = Process::spawn(program, wrong, &[]).unwrap();
        assert_eq!(injector.wait(SOON).await.unwrap().code(), Some(64), "{wrong:?}");
    }
}
