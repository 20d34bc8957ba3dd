//! Tempo's streaming service `tempopb.StreamingQuerier`, on the port of the HTTP API.
//!
//! Its questions are those of the HTTP API, and are answered by the same calls; their messages are
//! read and written by hand ([`messages`]). Grafana asks this way when streaming is switched on.
//!
//! The answer to a question is a stream of messages that add up. A search tells at once how much
//! there is to look at, and then its traces, in as many messages as they need; everything else is
//! told when it is whole. A client that hangs up drops the stream, and with it the work.

mod method;
mod raw;
mod status;

use super::http::{HttpState, refusal};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http::{HeaderMap, StatusCode, Version, header};
use method::{Method, SERVICE};
pub(crate) use raw::Raw;
use status::refused;
use std::future::ready;
use std::sync::Arc;
use std::time::SystemTime;
use tonic::Status;
use tonic::metadata::MetadataValue;
use tonic::server::Grpc;
use tower::service_fn;
use tributary_query::api::{self, Call, MetricsForm, SearchCall, messages};
use tributary_query::{Cost, SearchAnswer};

/// Where the service's methods are.
pub(super) const PATH: &str = "/tempopb.StreamingQuerier/{method}";

/// The longest question, bytes; a query may take an eighth of it.
const LONGEST: usize = 1 << 20;

type Messages = BoxStream<'static, Result<Bytes, Status>>;

/// Serves one call.
pub(super) async fn handle(State(state): State<Arc<HttpState>>, request: Request) -> Response {
    if request.version() != Version::HTTP_2 || !is_grpc(request.headers()) {
        let why = "this route speaks gRPC, application/grpc over HTTP/2";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, why).into_response();
    }
    let name = request.uri().path().strip_prefix(SERVICE).unwrap_or_default();
    let Some(method) = Method::named(name) else {
        return Status::unimplemented(format!("no such method: {name}")).into_http();
    };
    let service = service_fn(move |request: tonic::Request<Bytes>| {
        ready(state.clone().stream(method, &request).map(tonic::Response::new))
    });
    let mut grpc = Grpc::new(Raw).max_decoding_message_size(LONGEST);
    grpc.server_streaming(service, request).await.map(Body::new)
}

/// Whether a request is one of gRPC.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes());
    matches!(content_type, Some(b"application/grpc" | b"application/grpc+proto"))
}

impl HttpState {
    /// The answer to a question that can be understood.
    fn stream(
        self: Arc<Self>,
        method: Method,
        request: &tonic::Request<Bytes>,
    ) -> Result<Messages, Status> {
        let tenant = request
            .metadata()
            .get(tributary_span::tenant::HEADER)
            .map(MetadataValue::as_encoded_bytes);
        let tenants = api::tenants(self.settings.tenancy, tenant).map_err(refused)?;
        let call = method.read(request.get_ref(), tenants, SystemTime::now()).map_err(refused)?;
        let first = match &call {
            Call::Search(call) => self.size_of(call),
            _ => None,
        };
        let rest = async move {
            match self.messages(&call).await {
                Ok(messages) => messages.into_iter().map(|m| Ok(Bytes::from(m))).collect(),
                Err(status) => vec![Err(status)],
            }
        };
        let first = stream::iter(first.map(|message| Ok(Bytes::from(message))));
        Ok(first.chain(stream::once(rest).flat_map(stream::iter)).boxed())
    }

    /// The first message of a search: how many blocks there are of its time, as far as is known.
    fn size_of(&self, call: &SearchCall) -> Option<Vec<u8>> {
        let (time, mut cost) = (call.time?, Cost::default());
        for meta in call.tenants.iter().flat_map(|t| self.traces.blocks.candidates(t, time)) {
            cost.blocks += 1;
            cost.block_bytes += meta.size;
        }
        messages::search_messages(&SearchAnswer { cost, ..SearchAnswer::default() }).pop()
    }

    /// The messages of an answer.
    async fn messages(&self, call: &Call) -> Result<Vec<Vec<u8>>, Status> {
        let not_answered = |why| refused(refusal(why));
        Ok(match call {
            Call::Search(call) => {
                let found = self.asker.search(call).await.map_err(not_answered)?;
                messages::search_messages(&found)
            }
            Call::Metrics(call) => {
                let found = self.asker.metrics(call).await.map_err(not_answered)?;
                match call.form {
                    MetricsForm::Range => messages::range_messages(&found),
                    MetricsForm::Instant => messages::instant_messages(&found),
                }
            }
            Call::Tags(call) => {
                let found = self.asker.names(call).await.map_err(not_answered)?;
                vec![call.answer(&found).body.into()]
            }
            Call::Values(call) => {
                let found = self.asker.values(call).await.map_err(not_answered)?;
                vec![call.answer(&found).body.into()]
            }
            Call::Ready(answer) => vec![answer.body.clone().into()],
            Call::Trace(_) => return Err(Status::unimplemented("traces are not streamed")),
        })
    }
}
