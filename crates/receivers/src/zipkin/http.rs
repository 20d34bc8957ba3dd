//! `POST /api/v2/spans` and `/api/v1/spans`, answered with 202 and nothing.
//!
//! As with other receivers, a path before these is ignored. A body is what its first byte says, where
//! that can only be one: clients call a body of one version or encoding another's, and browsers send
//! JSON as text.

use super::{json_v1, json_v2, proto, thrift};
use crate::fault::Fault;
use crate::header::{Media, ends_with, last_segment, media};
use crate::http::{Translate, refuse, take};
use crate::reply::Reply;
use crate::server::Server;
use crate::sink::Sink;
use crate::translate::Room;
use ::http::{Method, Request, Response};
use hyper::body::Incoming;

/// Serves one request.
pub(crate) async fn answer<S: Sink>(
    server: &Server<S>,
    request: Request<Incoming>,
) -> Response<Reply> {
    let path = request.uri().path();
    let v1 = ends_with(path, "/api/v1/spans");
    if last_segment(path) != "spans" {
        let fault = Fault::Path("Zipkin is POST /api/v2/spans and /api/v1/spans");
        return refuse(server, request, fault, None).await;
    }
    if *request.method() != Method::POST {
        return refuse(server, request, Fault::Method, None).await;
    }
    let translate: Translate = match media(request.headers()) {
        Media::Protobuf => |body, room| read(body, room, proto::body, json_v2),
        Media::Thrift => |body, room| read(body, room, thrift::body, json_v1),
        _ if v1 => |body, room| read(body, room, json_v1, json_v1),
        _ => |body, room| read(body, room, json_v2, json_v2),
    };
    take(server, request, translate).await
}

/// A list of structs in Thrift, as the binary protocol begins one.
const THRIFT: &[u8] = &[12, 0];

/// A body that is `said` to be something, or else `json`: a bracket, behind blanks too, begins no list of
/// spans in another encoding.
fn read(
    body: &[u8],
    room: &mut dyn Room,
    said: Translate,
    json: Translate,
) -> Result<Vec<u8>, Fault> {
    match body.first() {
        _ if body.trim_ascii_start().first() == Some(&b'[') => json(body, room),
        Some(0x0a) => proto::body(body, room),
        _ if body.starts_with(THRIFT) => thrift::body(body, room),
        _ => said(body, room),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translate::Endless;
    use tributary_span::otlp::decode::count_spans;

    #[test]
    fn a_body_is_what_it_begins_with() {
        // A span without anything in each encoding.
        let table: [(&[u8], u64); 6] = [
            (b"[{}]", 1),
            (b" [{}]", 1),
            (b"\n\t [{}]", 1),
            (&[0x0a, 0], 1),
            (&[12, 0, 0, 0, 1, 0], 1),
            (&[0x0a, 0, 0x0a, 0], 2),
        ];
        let all: [Translate; 4] = [json_v1, json_v2, proto::body, thrift::body];
        for said in all {
            for (body, spans) in table {
                let request = read(body, &mut Endless, said, json_v2).unwrap();
                assert_eq!(count_spans(&request), Ok(spans), "{body:?}");
            }
            assert!(read(b"{}", &mut Endless, said, json_v2).is_err());
        }
    }
}
