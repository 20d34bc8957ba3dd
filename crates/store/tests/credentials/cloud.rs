//! A cloud on loopback: a bucket, and the places that give pods credentials.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, ETAG};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// How long a credential lives here.
pub(crate) const LIFE: Duration = Duration::from_secs(4);

/// What a place that gives credentials does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Gives,
    Refuses,
    Hangs,
}

/// What has happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Credentials that were given.
    pub(crate) given: usize,
    /// Times that one was asked for and not given.
    pub(crate) withheld: usize,
    /// Writes with a credential that lived.
    pub(crate) written: usize,
    /// Writes with one that did not.
    pub(crate) denied: usize,
}

struct State {
    mood: Mood,
    ends: HashMap<String, Instant>,
    seen: Seen,
}

/// One cloud, its folder with the pod's token and the certificate of its own authority.
pub(crate) struct Cloud {
    state: Arc<Mutex<State>>,
    folder: TempDir,
    /// In the clear: the bucket, agents and metadata.
    pub(crate) plain: SocketAddr,
    /// By TLS: STS and Azure's login.
    pub(crate) secure: SocketAddr,
}

/// What the pod's token is, as the platform wrote it.
const POD_TOKEN: &str = "the-token-of-the-pod";

impl Cloud {
    pub(crate) async fn start() -> Cloud {
        let state = State { mood: Mood::Gives, ends: HashMap::new(), seen: Seen::default() };
        let state = Arc::new(Mutex::new(state));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), POD_TOKEN).unwrap();
        let (tls, authority) = tls();
        std::fs::write(folder.path().join("ca.crt"), authority).unwrap();
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let secure = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cloud = Cloud {
            state: Arc::clone(&state),
            folder,
            plain: plain.local_addr().unwrap(),
            secure: secure.local_addr().unwrap(),
        };
        // Both end with the runtime of the test that started them.
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = plain.accept().await {
                tokio::spawn(serve(Arc::clone(&shared), stream));
            }
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = secure.accept().await {
                let (tls, state) = (tls.clone(), Arc::clone(&state));
                tokio::spawn(async move {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(state, stream).await;
                    }
                });
            }
        });
        cloud
    }

    pub(crate) fn is_now(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    pub(crate) fn seen(&self) -> Seen {
        self.state.lock().unwrap().seen
    }

    pub(crate) fn token_file(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    pub(crate) fn authority_file(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }
}

/// A server's side for `localhost`, and the authority that signed it.
fn tls() -> (TlsAcceptor, String) {
    let mut own = CertificateParams::new(Vec::<String>::new()).unwrap();
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(own, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let cert = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority.pem())
}

async fn serve(
    state: Arc<Mutex<State>>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let service = service_fn(move |request| answer(Arc::clone(&state), request));
    let server = hyper::server::conn::http1::Builder::new();
    // A client may break off whenever it likes.
    server.serve_connection(TokioIo::new(stream), service).await.ok();
}

type Answer = Response<Full<Bytes>>;

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let (path, query) =
        (head.uri.path().to_owned(), head.uri.query().unwrap_or_default().to_owned());
    let says = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let says = says.unwrap_or_default().to_owned();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    let place = if path.contains("/bucket/") { None } else { place(&path, &query, &says, &body) };
    let Some(form) = place else {
        return Ok(if path.contains("/bucket/") {
            write(&state, &says)
        } else {
            status(404, path)
        });
    };
    let mood = state.lock().unwrap().mood;
    if mood != Mood::Gives {
        state.lock().unwrap().seen.withheld += 1;
    }
    match mood {
        Mood::Gives => Ok(give(&state, form)),
        Mood::Refuses => Ok(status(503, "be back later".to_owned())),
        Mood::Hangs => std::future::pending().await,
    }
}

/// How a credential is written.
#[derive(Clone, Copy)]
enum Form {
    Xml,
    Keys,
    Bearer,
}

/// Which place was asked, if it was asked as it should be.
fn place(path: &str, query: &str, says: &str, body: &str) -> Option<Form> {
    match path {
        "/" if query.contains("Action=AssumeRoleWithWebIdentity") => {
            query.contains(&format!("WebIdentityToken={POD_TOKEN}")).then_some(Form::Xml)
        }
        "/v1/credentials" => (says == POD_TOKEN).then_some(Form::Keys),
        "/computeMetadata/v1/instance/service-accounts/default/token" => Some(Form::Bearer),
        "/directory/oauth2/v2.0/token" => {
            body.contains(&format!("client_assertion={POD_TOKEN}")).then_some(Form::Bearer)
        }
        _ => None,
    }
}

fn give(state: &Mutex<State>, form: Form) -> Answer {
    let mut state = state.lock().unwrap();
    state.seen.given += 1;
    let name = format!("CREDENTIAL{}", state.seen.given);
    state.ends.insert(name.clone(), Instant::now() + LIFE);
    let ends = chrono::DateTime::<chrono::Utc>::from(SystemTime::now() + LIFE).to_rfc3339();
    let text = match form {
        Form::Xml => format!(
            "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
             <AccessKeyId>{name}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
             <SessionToken>session</SessionToken><Expiration>{ends}</Expiration>\
             </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        ),
        Form::Keys => format!(
            "{{\"AccessKeyId\":\"{name}\",\"SecretAccessKey\":\"secret\",\"Token\":\"session\",\
             \"Expiration\":\"{ends}\"}}"
        ),
        Form::Bearer => format!(
            "{{\"access_token\":\"{name}\",\"expires_in\":{},\"token_type\":\"Bearer\"}}",
            LIFE.as_secs()
        ),
    };
    status(200, text)
}

/// A write, by what it says of itself: AWS' `Credential=NAME/…`, or `Bearer NAME`.
fn write(state: &Mutex<State>, says: &str) -> Answer {
    let name = match says.strip_prefix("Bearer ") {
        Some(name) => name,
        None => {
            let (_, rest) = says.split_once("Credential=").unwrap_or_default();
            rest.split('/').next().unwrap_or_default()
        }
    };
    let mut state = state.lock().unwrap();
    let lives = state.ends.get(name).is_some_and(|end| Instant::now() < *end);
    if lives {
        state.seen.written += 1;
        return status(200, String::new());
    }
    state.seen.denied += 1;
    status(403, format!("{name} is over"))
}

fn status(code: u16, text: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = StatusCode::from_u16(code).unwrap();
    answer.headers_mut().insert(ETAG, "\"0\"".parse().unwrap());
    answer
}
