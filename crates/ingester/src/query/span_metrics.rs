//! `/metrics/spans`: metrics from spans for Prometheus. `/metrics/spans/calls`: who calls whom, for the
//! page.
//!
//! Both are about the tenants that the caller may read, as every question is. The first is what this
//! ingester has counted, since each is scraped; the second is what all of them have.

use super::encoding::{Encoding, Packer};
use super::http::{HttpState, respond};
use super::peers::CALLS_PATH;
use super::shown::paced::paced;
use super::span_calls::Calls;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::io;
use tributary_query::api::{self, Answer};
use tributary_span::tenant;
use tributary_span_metrics::{Format, Page};

const OFF: &str = "no metrics are made of spans here: the setting span-metrics is off";

impl HttpState {
    fn tenants_of(&self, headers: &HeaderMap) -> Result<Vec<String>, Answer> {
        let named = headers.get(tenant::HEADER).map(HeaderValue::as_bytes);
        api::tenants(self.settings.tenancy, named)
    }

    /// The page for Prometheus: in portions, so that it takes no memory to speak of.
    pub(super) fn span_metrics_page(&self, headers: &HeaderMap) -> Response {
        let encoding = Encoding::taken(headers);
        let Some(counted) = &self.span_metrics else {
            return respond(Answer::error(StatusCode::NOT_FOUND, OFF), encoding);
        };
        let tenants = match self.tenants_of(headers) {
            Ok(tenants) => tenants,
            Err(answer) => return respond(answer, encoding),
        };
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let format = Format::preferred(accept.unwrap_or_default());
        let packer = match Packer::new(encoding) {
            Ok(packer) => packer,
            Err(why) => {
                return respond(Answer::error(StatusCode::INTERNAL_SERVER_ERROR, why), None);
            }
        };
        let writing = Some((Page::new(format, tenants), packer, counted.store.clone()));
        let portions = stream::try_unfold(writing, async |writing| {
            let Some((mut page, mut packer, store)) = writing else { return Ok(None) };
            loop {
                let mut portion = Vec::new();
                let is_more = page.next(&*store.lock().await, &mut portion);
                let mut packed = packer.add(&portion)?;
                if !is_more {
                    packed.extend(packer.end()?.unwrap_or_default());
                    return Ok::<_, io::Error>(Some((Bytes::from(packed), None)));
                }
                if !packed.is_empty() {
                    return Ok(Some((Bytes::from(packed), Some((page, packer, store)))));
                }
            }
        });
        let content_type = format.content_type();
        let head = Answer { status: StatusCode::OK, content_type, body: Bytes::new() };
        let mut response = respond(head, encoding);
        Encoding::say(encoding, response.headers_mut());
        *response.body_mut() = Body::from_stream(paced(portions));
        response
    }

    /// Who calls whom, as all ingesters have counted.
    pub(super) async fn span_calls(&self, headers: &HeaderMap) -> Answer {
        let tenants = match self.tenants_of(headers) {
            Ok(tenants) => tenants,
            Err(answer) => return answer,
        };
        let Some(own) = self.own_calls(&tenants).await else {
            return Answer::error(StatusCode::NOT_FOUND, OFF);
        };
        let others = self.membership.others();
        let told = self.peers.calls(&others.living, &tenants).await;
        told.into_iter().fold(own, Calls::add).answer()
    }

    /// The same of this one, for another ingester.
    pub(super) async fn answer_calls(&self, path: &str) -> Answer {
        let named = path.strip_prefix(CALLS_PATH).unwrap_or_default();
        let tenants: Vec<String> = named.split(',').map(str::to_owned).collect();
        match self.own_calls(&tenants).await {
            Some(calls) => calls.answer(),
            None => Answer::error(StatusCode::NOT_FOUND, OFF),
        }
    }

    async fn own_calls(&self, tenants: &[String]) -> Option<Calls> {
        let counted = self.span_metrics.as_ref()?;
        Some(Calls::of(&*counted.store.lock().await, tenants, counted.since / 1000))
    }
}
