//! One exchange: a fresh provider of `object_store`'s asks, and what it hears is listened to.

use super::end;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::{ClientOptions, CredentialProvider};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tributary_telemetry::ErrorChain;

/// What hands out credentials.
pub(crate) type Provider<C> = Arc<dyn CredentialProvider<Credential = C>>;

/// Makes a provider that has nothing yet and goes to the network by what it is given.
pub(crate) type Build<C> = Box<dyn Fn(Listening) -> Result<Provider<C>, String> + Send + Sync>;

/// What came of an exchange.
pub(super) enum Exchanged<C> {
    /// A credential, and how much of its life is left.
    Ends(Arc<C>, Duration),
    /// No end was told: the provider goes on by itself.
    Lasts(Provider<C>),
}

/// Asks once.
///
/// # Errors
/// What the provider says, with its causes.
pub(super) async fn exchange<C>(build: &Build<C>) -> Result<Exchanged<C>, String> {
    let listening = Listening::default();
    let provider = build(listening.clone())?;
    let credential =
        provider.get_credential().await.map_err(|error| ErrorChain(&error).to_string())?;
    Ok(match listening.left() {
        Some(left) => Exchanged::Ends(credential, left),
        None => Exchanged::Lasts(provider),
    })
}

/// Makes connections, and remembers the last end of a credential that was told on one. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listening(Arc<Mutex<Option<Duration>>>);

impl Listening {
    fn left(&self) -> Option<Duration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpConnector for Listening {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let network = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Connection { network, heard: self.clone() }))
    }
}

#[derive(Debug)]
struct Connection {
    network: HttpClient,
    heard: Listening,
}

#[async_trait::async_trait]
impl HttpService for Connection {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.network.execute(request).await?;
        if !response.status().is_success() {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        // The provider takes it in one piece as well.
        let body = body.bytes().await?;
        if let Some(left) = end::left(&body, SystemTime::now()) {
            *self.heard.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
        }
        Ok(HttpResponse::from_parts(head, body.into()))
    }
}
