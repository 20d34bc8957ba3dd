//! Size and CPU of frames, on the recorded traffic: `cargo bench -p tributary-wire`.
//!
//! One request is one frame; each pod has an encoder and a decoder of its own, and the bytes of the
//! definitions that go with the frames are counted. Times are CPU time of the one thread that
//! works, the best of several rounds.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use anyhow::Result;
use bytes::Bytes;
use std::time::Duration;
use tributary_span::columns::{Builder, Columns};
use tributary_span::otlp::{Limits, decode, encode};
use tributary_wire::frame::{DecodeLimits, Decoder, EncodedFrame, Encoder};

const ROUNDS: usize = 5;

/// Bytes of requests that are measured at a time.
const CHUNK: usize = 100 << 10;

fn main() -> Result<()> {
    let pods: Vec<_> = tributary_testkit::recordings()?.into_iter().map(|r| r.records).collect();
    println!("{:>22} {:>8} {:>8} {:>8}", "bytes a span", "whole", "100", "10");
    let cuts: Vec<Vec<Vec<Vec<u8>>>> = [usize::MAX, 100, 10].map(|n| cut(&pods, n)).into();
    let mut rows: Vec<(&str, Vec<f64>)> = Vec::new();
    let mut put = |name: &'static str, value: f64| match rows.iter_mut().find(|(n, _)| *n == name) {
        Some((_, values)) => values.push(value),
        None => rows.push((name, vec![value])),
    };
    for pods in &cuts {
        let report = measure(pods)?;
        let spans = report.spans as f64;
        put("frames", report.payloads as f64 / spans);
        put("definitions", report.definitions as f64 / spans);
        put("frames + definitions", (report.payloads + report.definitions) as f64 / spans);
        put("OTLP", report.otlp as f64 / spans);
        put("OTLP zstd-3", report.zstd as f64 / spans);
        let us = |time: Duration| time.as_secs_f64() * 1e6 / spans;
        put("us: OTLP to columns", us(report.walk));
        put("us: columns to frame", us(report.encode));
        put("us: OTLP to frame", us(report.walk + report.encode));
        put("us: frame to columns", us(report.decode));
        put("us: OTLP zstd-3", us(report.zstd_time));
    }
    for (name, values) in rows {
        print!("{name:>22}");
        values.iter().for_each(|value| print!(" {value:>8.3}"));
        println!();
    }
    Ok(())
}

/// Requests with at most `spans` spans each.
fn cut(pods: &[Vec<Vec<u8>>], spans: usize) -> Vec<Vec<Vec<u8>>> {
    if spans == usize::MAX {
        return pods.to_vec();
    }
    let pieces = |request: &Vec<u8>| -> Vec<Vec<u8>> {
        let mut builder = Builder::new();
        decode::append_all(&mut builder, request, &Limits::default()).unwrap_or_default();
        let columns = builder.take();
        let rows: Vec<u32> = (0..columns.len() as u32).collect();
        let encode = |rows: &[u32]| {
            let mut out = Vec::new();
            encode::resource_spans(&mut out, &columns, rows);
            out
        };
        rows.chunks(spans).map(encode).collect()
    };
    pods.iter().map(|requests| requests.iter().flat_map(pieces).collect()).collect()
}

#[derive(Default)]
struct Report {
    spans: usize,
    payloads: usize,
    definitions: usize,
    otlp: usize,
    zstd: usize,
    walk: Duration,
    encode: Duration,
    decode: Duration,
    zstd_time: Duration,
}

fn measure(pods: &[Vec<Vec<u8>>]) -> Result<Report> {
    let mut best = Report::default();
    for round in 0..ROUNDS {
        let report = once(pods)?;
        if round == 0 {
            best = report;
            continue;
        }
        best.walk = best.walk.min(report.walk);
        best.encode = best.encode.min(report.encode);
        best.decode = best.decode.min(report.decode);
        best.zstd_time = best.zstd_time.min(report.zstd_time);
    }
    Ok(best)
}

fn once(pods: &[Vec<Vec<u8>>]) -> Result<Report> {
    let mut report = Report::default();
    let mut zstd = zstd::bulk::Compressor::new(3)?;
    let (mut builder, mut hot) = (Builder::new(), Vec::new());
    for requests in pods {
        let mut encoder = Encoder::new();
        let mut decoder = Decoder::new(DecodeLimits::default());
        let mut sent = (0, 0);
        // Some requests at a time, so that reading the clock does not count; copied beforehand, so
        // that they lie in the cache as they do when they have just been received.
        for chunk in requests.chunk_by({
            let mut bytes = 0;
            move |request, _| {
                bytes = if bytes > CHUNK { 0 } else { bytes + request.len() };
                bytes <= CHUNK
            }
        }) {
            hot.clear();
            hot.extend(chunk.iter().cloned());
            let (time, size) = timed(|| -> Result<usize> {
                hot.iter().try_fold(0, |sum, request| Ok(sum + zstd.compress(request)?.len()))
            });
            report.otlp += hot.iter().map(Vec::len).sum::<usize>();
            report.zstd += size?;
            report.zstd_time += time;

            let (time, walked) = timed(|| -> Result<usize> {
                hot.iter().try_fold(0, |sum, request| {
                    builder.clear();
                    decode::append_all(&mut builder, request, &Limits::default())?;
                    Ok(sum + builder.len())
                })
            });
            report.walk += time;
            let spans = walked?;
            report.spans += spans;
            let columns: Vec<Columns> =
                hot.iter().map(|request| columns(request)).collect::<Result<_>>()?;

            let (time, frames) = timed(|| -> Vec<(EncodedFrame, Bytes)> {
                let send = |columns| with_definitions(&mut encoder, columns, &mut sent);
                columns.iter().map(send).collect()
            });
            report.encode += time;
            report.payloads += frames.iter().map(|(frame, _)| frame.payload.len()).sum::<usize>();
            report.definitions += frames.iter().map(|(_, defined)| defined.len()).sum::<usize>();

            let (time, decoded) = timed(|| -> Result<usize> {
                frames.iter().try_fold(0, |sum, (frame, definitions)| {
                    decoder.define(frame.dict, definitions)?;
                    Ok(sum + decoder.decode(frame.dict, &frame.payload)?.columns.len())
                })
            });
            report.decode += time;
            anyhow::ensure!(decoded? == spans, "lost spans");
        }
    }
    Ok(report)
}

fn with_definitions(
    encoder: &mut Encoder,
    columns: &Columns,
    sent: &mut (u32, u32),
) -> (EncodedFrame, Bytes) {
    let frame = encoder.encode(columns);
    if sent.0 != frame.dict {
        *sent = (frame.dict, 0);
    }
    let fresh = sent.1..frame.needs.max(sent.1);
    sent.1 = fresh.end;
    let definitions = encoder.definitions(frame.dict, fresh).unwrap_or_default();
    (frame, definitions)
}

fn columns(request: &[u8]) -> Result<Columns> {
    let mut builder = Builder::new();
    decode::append_all(&mut builder, request, &Limits::default())?;
    Ok(builder.take())
}

/// What `work` gives and the CPU time it takes this thread.
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let cpu = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    };
    let before = cpu();
    let done = work();
    (cpu().saturating_sub(before), done)
}
