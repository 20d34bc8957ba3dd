//! Bodies of requests: how large, how long, and how many bytes of them at once.

use crate::metrics::Unanswered;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::{Body, Bytes, Incoming};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The largest body. A pod is 1.5 MiB at the most, what etcd takes, and a review says it twice at most.
const LARGEST: usize = 4 << 20;
/// All bodies together. Parsed, one takes some times its bytes.
const TOGETHER: usize = 16 << 20;
/// How long one may take, its wait for room included: less than the three seconds that the API server
/// waits.
const WITHIN: Duration = Duration::from_secs(2);

/// The room for bodies.
pub(super) struct Bodies(Arc<Semaphore>);

impl Default for Bodies {
    fn default() -> Self {
        Bodies(Arc::new(Semaphore::new(TOGETHER)))
    }
}

/// A body, and the room that it takes.
pub(super) struct Read {
    pub(super) bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// Why there is none.
pub(super) struct Refused {
    pub(super) why: Unanswered,
    pub(super) status: StatusCode,
    pub(super) text: &'static str,
}

const LARGE: Refused = Refused {
    why: Unanswered::Large,
    status: StatusCode::PAYLOAD_TOO_LARGE,
    text: "the body is larger than 4 MiB\n",
};
const LATE: Refused = Refused {
    why: Unanswered::Late,
    status: StatusCode::REQUEST_TIMEOUT,
    text: "the body did not come within 2 s\n",
};
const BUSY: Refused = Refused {
    why: Unanswered::Busy,
    status: StatusCode::SERVICE_UNAVAILABLE,
    text: "too many requests at once\n",
};
const BROKEN: Refused = Refused {
    why: Unanswered::Malformed,
    status: StatusCode::BAD_REQUEST,
    text: "the body breaks off\n",
};

impl Bodies {
    /// Reads one. A body that does not say how large it is takes the room of the largest.
    pub(super) async fn read(&self, body: Incoming) -> Result<Read, Refused> {
        let most = body.size_hint().upper().unwrap_or(LARGEST as u64);
        let most = usize::try_from(most).ok().filter(|most| *most <= LARGEST).ok_or(LARGE)?;
        let most = u32::try_from(most).map_err(|_| LARGE)?;
        let room = timeout(WITHIN, Arc::clone(&self.0).acquire_many_owned(most)).await;
        let room = room.ok().and_then(Result::ok).ok_or(BUSY)?;
        let read =
            timeout(WITHIN, Limited::new(body, LARGEST).collect()).await.map_err(|_| LATE)?;
        match read {
            Ok(body) => Ok(Read { bytes: body.to_bytes(), _room: room }),
            Err(error) if error.is::<LengthLimitError>() => Err(LARGE),
            Err(_) => Err(BROKEN),
        }
    }
}
