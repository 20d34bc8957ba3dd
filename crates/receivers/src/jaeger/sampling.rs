//! What Jaeger's clients ask their agent every minute. Old ones that never get an answer sample
//! one trace in a thousand, so they get one, and always the same.
//!
//! Formats: `sampling.thrift` as JSON (`GET /sampling?service=…` on 5778, `/` in the oldest
//! clients, `/api/sampling` on a collector), `sampling.proto` over gRPC on 14250.

use crate::fault::Fault;
use crate::header::is_path;
use crate::http::refuse;
use crate::reply::Reply;
use crate::server::Server;
use crate::sink::Sink;
use ::http::header::{CONTENT_TYPE, HeaderValue};
use ::http::{Method, Request, Response};
use hyper::body::Incoming;
use tributary_span::protobuf::put;

/// The gRPC method that asks for the strategy.
pub(crate) const GET_STRATEGY: &str = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy";

/// What clients are told to sample: the part of traces, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strategy {
    rate: f64,
}

impl Default for Strategy {
    /// Everything: what a client need not send it should not make.
    fn default() -> Self {
        Strategy { rate: 1.0 }
    }
}

impl Strategy {
    /// That part of all traces; `None` when it is not between 0 and 1.
    pub fn new(rate: f64) -> Option<Strategy> {
        (0.0..=1.0).contains(&rate).then_some(Strategy { rate })
    }

    fn json(self) -> String {
        format!(
            "{{\"strategyType\":\"PROBABILISTIC\",\"probabilisticSampling\":{{\"samplingRate\":{}}}}}",
            self.rate
        )
    }

    /// `SamplingStrategyResponse { strategyType = 1: PROBABILISTIC (0), probabilisticSampling = 2
    /// { samplingRate = 1 } }`.
    pub(crate) fn protobuf(self) -> Vec<u8> {
        let mut out = Vec::new();
        put::message(&mut out, 2, |out| put::fixed64(out, 1, self.rate.to_bits()));
        out
    }
}

/// Serves one request.
pub(crate) async fn answer<S: Sink>(
    server: &Server<S>,
    request: Request<Incoming>,
    strategy: Strategy,
) -> Response<Reply> {
    let path = request.uri().path();
    let is = |known: &[&str]| known.iter().any(|known| is_path(path, known));
    let body = match request.method() {
        &Method::GET | &Method::HEAD if is(&["/", "/sampling", "/api/sampling"]) => {
            Ok(strategy.json())
        }
        // None: clients keep what they were configured with.
        &Method::GET | &Method::HEAD
            if is(&["/baggageRestrictions", "/api/baggageRestrictions"]) =>
        {
            Ok("[]".to_owned())
        }
        _ => Err(Fault::Path("there are GET /sampling and GET /baggageRestrictions")),
    };
    match body {
        Ok(body) => {
            server.counters.requests_answered.add(1);
            let mut response = Response::new(Reply::new(body));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
        Err(fault) => refuse(server, request, fault, None).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        for (rate, json) in [(1.0, "1"), (0.0, "0"), (0.25, "0.25"), (1e-9, "0.000000001")] {
            let json = format!(
                r#"{{"strategyType":"PROBABILISTIC","probabilisticSampling":{{"samplingRate":{json}}}}}"#
            );
            assert_eq!(Strategy::new(rate).unwrap().json(), json);
        }
        for rate in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Strategy::new(rate), None, "{rate}");
        }
    }
}
