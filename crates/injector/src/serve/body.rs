//! Bodies of requests: how large, how long, and how many bytes of them at once.

use crate::metrics::Unanswered;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The largest body. A pod is 1.5 MiB at the most, what etcd takes, and a review says it twice at most.
const LARGEST: usize = 4 << 20;
/// All bodies together. Parsed, one takes some times its bytes.
const TOGETHER: usize = 16 << 20;
/// How long one may take, its waits for room included: less than the three seconds that the API server
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
    _room: Option<OwnedSemaphorePermit>,
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
    /// Reads one. Room is taken as bytes come, not as they are announced: a client that announces much
    /// and sends little takes none from the others.
    pub(super) async fn read(&self, mut body: Incoming) -> Result<Read, Refused> {
        if body.size_hint().lower() > LARGEST as u64 {
            return Err(LARGE);
        }
        let (mut bytes, mut room, mut is_waiting) = (BytesMut::new(), None, false);
        let read = async {
            while let Some(frame) = body.frame().await {
                let Ok(data) = frame.map_err(|_| BROKEN)?.into_data() else { continue };
                if bytes.len() + data.len() > LARGEST {
                    return Err(LARGE);
                }
                is_waiting = true;
                self.take(&mut room, data.len()).await?;
                is_waiting = false;
                bytes.extend_from_slice(&data);
            }
            Ok(())
        };
        let read = timeout(WITHIN, read).await;
        match read {
            Ok(Ok(())) => Ok(Read { bytes: bytes.freeze(), _room: room }),
            Ok(Err(refused)) => Err(refused),
            Err(_) if is_waiting => Err(BUSY),
            Err(_) => Err(LATE),
        }
    }

    /// Waits for so many more bytes of room.
    async fn take(
        &self,
        room: &mut Option<OwnedSemaphorePermit>,
        bytes: usize,
    ) -> Result<(), Refused> {
        let bytes = u32::try_from(bytes).map_err(|_| LARGE)?;
        let more = Arc::clone(&self.0).acquire_many_owned(bytes).await.map_err(|_| BUSY)?;
        match room {
            Some(room) => room.merge(more),
            None => *room = Some(more),
        }
        Ok(())
    }
}
