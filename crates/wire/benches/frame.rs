//! Size and CPU of frames, on the recorded traffic: `cargo bench -p tributary-wire`.
//!
//! One request is one frame; each pod has an encoder and a decoder of its own, and the bytes of the
//! definitions that go with the frames are counted. Times are CPU time of the one thread that
//! works, the best of several rounds.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use anyhow::{Context, Result};
use bytes::Bytes;
use std::time::Duration;
use tributary_span::columns::{Builder, Columns};
use tributary_span::otlp::{Limits, decode, encode};
use tributary_wire::frame::{DecodeLimits, Decoder, EncodedFrame, Encoder};

const ROUNDS: usize = 5;

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
    let mut builder = Builder::new();
    for requests in pods {
        report.otlp += requests.iter().map(Vec::len).sum::<usize>();
        let (time, size) = timed(|| -> Result<usize> {
            requests.iter().try_fold(0, |sum, request| Ok(sum + zstd.compress(request)?.len()))
        })?;
        report.zstd += size?;
        report.zstd_time += time;

        let (time, walked) = timed(|| -> Result<usize> {
            requests.iter().try_fold(0, |sum, request| {
                builder.clear();
                decode::append_all(&mut builder, request, &Limits::default())?;
                Ok(sum + builder.len())
            })
        })?;
        report.walk += time;
        report.spans += walked?;

        let columns: Vec<Columns> = requests.iter().map(|r| columns(r)).collect::<Result<_>>()?;
        let mut encoder = Encoder::new();
        let (time, frames) = timed(|| -> Vec<(EncodedFrame, Bytes)> {
            let mut sent = (0, 0);
            columns.iter().map(|columns| with_definitions(&mut encoder, columns, &mut sent)).collect()
        })?;
        report.encode += time;
        report.payloads += frames.iter().map(|(frame, _)| frame.payload.len()).sum::<usize>();
        report.definitions += frames.iter().map(|(_, definitions)| definitions.len()).sum::<usize>();

        let mut decoder = Decoder::new(DecodeLimits::default());
        let (time, decoded) = timed(|| -> Result<usize> {
            frames.iter().try_fold(0, |sum, (frame, definitions)| {
                decoder.define(frame.dict, definitions)?;
                Ok(sum + decoder.decode(frame.dict, &frame.payload)?.columns.len())
            })
        })?;
        report.decode += time;
        anyhow::ensure!(decoded? == columns.iter().map(Columns::len).sum::<usize>(), "lost spans");
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

/// Columns as a sidecar has them: built, not copied.
fn columns(request: &[u8]) -> Result<Columns> {
    let mut builder = Builder::new();
    decode::append_all(&mut builder, request, &Limits::default())?;
    Ok(builder.take())
}

/// What `work` gives and the CPU time it takes.
fn timed<T>(work: impl FnOnce() -> T) -> Result<(Duration, T)> {
    let before = cpu()?;
    let done = work();
    Ok((cpu()?.saturating_sub(before), done))
}

/// CPU time of this thread so far (Linux).
fn cpu() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let ns = stat.split(' ').next().context("schedstat has fields")?;
    Ok(Duration::from_nanos(ns.parse()?))
}
