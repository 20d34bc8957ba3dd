//! Shows one trace, in bounded memory.
//!
//! What a look-up brings is held as columns, and becomes text a few thousand spans at a time when its
//! reader takes it: a trace of 400,000 spans is 60 MB of the one and 170 of the other. Few look-ups go
//! on at a time, and what they found takes its room before it is joined; a trace for which there is
//! not enough of it, were it alone, is cut, and says so. All but small ones are joined and written on
//! the threads of the questions.

pub(super) mod paced;

use super::cut::cut;
use super::encoding::{Encoding, Packer};
use super::http::{HttpState, respond};
use super::told::told;
use crate::conditional::IfNoneMatch;
use crate::limits::Limit;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use std::io;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tributary_query::api::{Answer, Shown, TraceAnswer, TraceBody, TraceCall};

/// What is smaller is answered at once, bytes of columns.
const SMALL: usize = 1 << 20;
/// What was found and what it is joined to are there at the same time.
const COPIES: usize = 2;
const BUSY: &str = "too many traces are looked up at the moment: come again";

/// How many spans, of `spans` that take `bytes` as columns, may be shown in `room` bytes; none when all.
fn fits(spans: usize, bytes: usize, room: usize) -> Option<usize> {
    let all = bytes.saturating_mul(COPIES);
    let most = spans as u128 * room as u128 / all.max(1) as u128;
    (all > room).then(|| usize::try_from(most).unwrap_or(usize::MAX))
}

/// A body that is being sent, with the room that it takes.
struct Sending {
    body: Box<TraceBody>,
    packer: Packer,
    _room: OwnedSemaphorePermit,
}

impl Sending {
    /// The next bytes; none at the end.
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        for portion in self.body.by_ref() {
            let packed = self.packer.add(&portion)?;
            if !packed.is_empty() {
                return Ok(Some(packed));
            }
        }
        self.packer.end()
    }
}

impl HttpState {
    /// Answers a call for a trace.
    pub(super) async fn show(
        self: Arc<Self>,
        call: TraceCall,
        known: IfNoneMatch,
        encoding: Option<Encoding>,
    ) -> Response {
        self.metrics.queries.inc();
        let room = &self.trace_room;
        let Some(look) = room.look(&self.metrics).await else {
            return respond(Answer::error(StatusCode::TOO_MANY_REQUESTS, BUSY), encoding);
        };
        let mut found = self.find(&call, &look.reading).await;
        if !found.missing.is_empty() {
            self.metrics.queries_partial.inc();
        }
        let bytes: usize = found.parts.iter().map(|part| part.bytes()).sum();
        if bytes <= SMALL {
            self.cut(&call, &mut found);
            let told = told(call.shown(found), &known, |shown| shown.whole());
            return told.respond(|answer| respond(answer, encoding));
        }
        let spans = found.parts.iter().map(|part| part.len()).sum();
        let need = bytes.saturating_mul(COPIES) as u64;
        let Some(columns) = room.take(need, &self.metrics).await else {
            return respond(Answer::error(StatusCode::TOO_MANY_REQUESTS, BUSY), encoding);
        };
        let most = fits(spans, bytes, usize::try_from(room.bytes()).unwrap_or(usize::MAX));
        let state = self.clone();
        let answer = move |_: &_| {
            if let Some(most) = most {
                let why = "the memory for traces that are shown (a quarter of `memory`)";
                if cut(&mut found, most, why) {
                    state.metrics.limited(Limit::TraceRoom);
                }
            }
            state.cut(&call, &mut found);
            told(call.shown(found), &known, Shown::in_portions)
        };
        let told = self.asker.pool.run(answer).await;
        drop(look);
        match told {
            Ok(told) => told.respond(|answer| match answer {
                TraceAnswer::Whole(answer) => respond(answer, encoding),
                TraceAnswer::InPortions { content_type, body } => {
                    self.send(content_type, body, columns, encoding)
                }
            }),
            Err(gone) => respond(Answer::error(StatusCode::INTERNAL_SERVER_ERROR, gone), encoding),
        }
    }

    fn send(
        self: Arc<Self>,
        content_type: &'static str,
        body: Box<TraceBody>,
        room: OwnedSemaphorePermit,
        encoding: Option<Encoding>,
    ) -> Response {
        let packer = match Packer::new(encoding) {
            Ok(packer) => packer,
            Err(why) => {
                return respond(Answer::error(StatusCode::INTERNAL_SERVER_ERROR, why), None);
            }
        };
        let sending = Sending { body, packer, _room: room };
        // Each portion is made when the one before is on its way: a slow reader holds no thread.
        let portions = stream::try_unfold(sending, move |mut sending| {
            let state = self.clone();
            async move {
                let made = state.asker.pool.run(move |_| (sending.next(), sending)).await;
                let (portion, sending) = made.map_err(io::Error::other)?;
                Ok::<_, io::Error>(portion?.map(|portion| (Bytes::from(portion), sending)))
            }
        });
        let head = Answer { status: StatusCode::OK, content_type, body: Bytes::new() };
        let mut response = respond(head, encoding);
        Encoding::say(encoding, response.headers_mut());
        *response.body_mut() = Body::from_stream(paced::paced(portions));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_cut_to_what_there_is_room_for_and_no_other() {
        let table = [
            (0, 0, 10, None),
            (100, 1000, 2000, None),
            (100, 1001, 2000, Some(99)),
            (400_000, 60_000_000, 48 << 20, Some(167_772)),
            (3, 1 << 40, 1 << 20, Some(0)),
        ];
        for (spans, bytes, room, most) in table {
            assert_eq!(fits(spans, bytes, room), most, "{spans} spans, {bytes} bytes, {room}");
        }
    }
}
