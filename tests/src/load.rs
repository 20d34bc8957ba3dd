//! Load at a pace: requests through one OTLP/gRPC connection, their bytes as they are.

use crate::{Sidecar, Traffic};
use anyhow::{Context, Result, ensure};
use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Requests under way at once, as a few SDKs in one process would have.
const UNDER_WAY: usize = 4;

/// Messages that are encoded already.
#[derive(Debug, Clone, Copy, Default)]
pub struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// What a load run did.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// Spans that the sidecar took.
    pub spans: usize,
    /// Requests that it refused, to be sent again.
    pub refused: usize,
    /// How long it took.
    pub took: Duration,
}

/// A generator of load.
#[derive(Debug)]
pub struct Load {
    traffic: Arc<Traffic>,
    next: usize,
}

impl Load {
    /// Starts with the traffic's first request.
    pub fn new(traffic: Traffic) -> Load {
        Load { traffic: Arc::new(traffic), next: 0 }
    }

    /// Sends for `time`: `pace` spans a second, or as many as are taken. A refused request is sent
    /// again.
    ///
    /// # Errors
    /// When a request fails for good.
    pub async fn run(&mut self, to: &Sidecar, pace: Option<f64>, time: Duration) -> Result<Done> {
        let channel = Endpoint::from_shared(format!("http://{}", to.grpc))?.connect().await?;
        let room = Arc::new(Semaphore::new(UNDER_WAY));
        let (start, mut spans, mut refused) = (Instant::now(), 0, 0);
        let mut under_way = JoinSet::new();
        while start.elapsed() < time {
            let (bytes, count) = self.traffic.request(self.next);
            self.next += 1;
            spans += count;
            let permit = Arc::clone(&room).acquire_owned().await?;
            let channel = channel.clone();
            under_way.spawn(async move {
                let refused = send(channel, bytes.into()).await;
                drop(permit);
                refused
            });
            while let Some(ended) = under_way.try_join_next() {
                refused += ended??;
            }
            if let Some(pace) = pace {
                tokio::time::sleep_until(start + Duration::from_secs_f64(spans as f64 / pace))
                    .await;
            }
        }
        while let Some(ended) = under_way.join_next().await {
            refused += ended??;
        }
        Ok(Done { spans, refused, took: start.elapsed() })
    }
}

/// Sends one request until it is taken; gives how often it was refused.
async fn send(channel: Channel, bytes: Bytes) -> Result<usize> {
    let mut grpc = Grpc::new(channel);
    let mut refused = 0;
    loop {
        grpc.ready().await.context("connection")?;
        let path = PathAndQuery::from_static(EXPORT);
        match grpc.unary(Request::new(bytes.clone()), path, Raw).await {
            Ok(answer) => {
                ensure!(answer.get_ref().is_empty(), "refused in part");
                return Ok(refused);
            }
            Err(status) if status.code() == Code::Unavailable => {
                refused += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(status) => return Err(status.into()),
        }
    }
}
