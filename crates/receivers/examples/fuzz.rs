//! Fuzzes every decoder: recorded requests, mutated. `cargo xtask fuzz-receivers [SECONDS]`, for each target.
//!
//! Every execution must end without a panic, and must not have allocated more than its limit allows:
//! the allocator counts. What is translated must be a request that the next decoder takes.
#![expect(clippy::print_stdout, reason = "a tool that speaks to a person")]

use anyhow::{Context, Result, bail};
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tributary_receivers::format::{Format as Form, inflate};
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_testkit::data::records;
use tributary_testkit::{data_dir, recordings};

/// Bytes that a decoder may hold, as it is told.
const LIMIT: usize = 1 << 20;
/// Bytes that it may allocate beyond: names, buffers of one text, a decompressor's window.
const SLACK: usize = 1 << 20;
/// A decompressor's own tables, which do not depend on the body: zstd's window of at most 8 MiB.
const WINDOW: usize = 9 << 20;
/// Longest input.
const LONGEST: usize = 64 << 10;

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[expect(unsafe_code, reason = "an allocator can only be wrapped like this")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(HELD.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What is fuzzed.
#[derive(Debug, Clone, Copy)]
enum Target {
    Form(Form),
    Inflate(&'static str),
}

impl Target {
    fn name(self) -> String {
        match self {
            Target::Form(form) => form.name().to_owned(),
            Target::Inflate(coding) => format!("inflate {coding}"),
        }
    }

    /// One execution; whether the input was taken.
    fn run(self, input: &[u8]) -> bool {
        match self {
            Target::Inflate(coding) => {
                inflate(coding, input, LIMIT).is_ok_and(|out| out.len() <= LIMIT)
            }
            Target::Form(form) => {
                let Ok(request) = form.translate(input, LIMIT) else { return false };
                let taken = append_all(&mut Builder::new(), &request, &Limits::default());
                assert!(
                    taken.is_ok() || form == Form::OtlpProtobuf,
                    "what was written is no request: {taken:?}"
                );
                taken.is_ok()
            }
        }
    }
}

fn seeds(target: Target) -> Result<Vec<Vec<u8>>> {
    let legacy = data_dir()?.join("legacy");
    let read = |prefix: &str| -> Result<Vec<Vec<u8>>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&legacy)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(prefix) && name.ends_with(".bin.zst") {
                found.extend(records(&path)?);
            }
        }
        Ok(found)
    };
    let otlp = || -> Result<Vec<Vec<u8>>> {
        Ok(recordings()?.into_iter().flat_map(|r| r.records).collect())
    };
    let mut seeds = match target {
        Target::Form(Form::OtlpProtobuf) => otlp()?,
        Target::Form(Form::OtlpJson) => vec![OTLP_JSON.as_bytes().to_vec()],
        Target::Form(Form::JaegerDatagram) => {
            [read("jaeger-compact-udp")?, read("jaeger-binary-udp")?].concat()
        }
        Target::Form(Form::JaegerHttp) => read("jaeger-binary-http")?,
        Target::Form(Form::JaegerGrpc) => read("jaeger-grpc")?,
        Target::Form(Form::ZipkinV1Json) => read("zipkin-v1-json")?,
        Target::Form(Form::ZipkinV1Thrift) => read("zipkin-v1-thrift")?,
        Target::Form(Form::ZipkinV2Json) => read("zipkin-v2-json")?,
        Target::Form(Form::ZipkinV2Protobuf) => read("zipkin-v2-proto")?,
        Target::Inflate(coding) => {
            let plain = otlp()?.into_iter().take(20);
            plain.map(|body| deflated(coding, &body)).collect::<Result<_>>()?
        }
    };
    // Small inputs are tried more often a second, and every form has some.
    seeds.sort_by_key(Vec::len);
    seeds.truncate(200);
    seeds.retain(|seed| seed.len() <= LONGEST);
    seeds.push(Vec::new());
    Ok(seeds)
}

const OTLP_JSON: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"größe"}}]},"scopeSpans":[{"scope":{"name":"x","version":"1"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","name":"I \u00fc","startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,"kind":2,"attributes":[{"key":"a","value":{"intValue":"7"}},{"key":"b","value":{"arrayValue":{"values":[{"doubleValue":1.5},{"boolValue":true},{"kvlistValue":{"values":[{"key":"k","value":{"bytesValue":"AQID"}}]}}]}}}],"events":[{"timeUnixNano":"1","name":"e"}],"links":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}],"status":{"code":2,"message":"m"}}]}]}]}"#;

fn deflated(coding: &str, body: &[u8]) -> Result<Vec<u8>> {
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    let level = Compression::default();
    Ok(match coding {
        "gzip" => {
            let mut out = GzEncoder::new(Vec::new(), level);
            out.write_all(body)?;
            out.finish()?
        }
        "deflate" => {
            let mut out = ZlibEncoder::new(Vec::new(), level);
            out.write_all(body)?;
            out.finish()?
        }
        _ => zstd::encode_all(body, 3)?,
    })
}

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % (n.max(1) as u64)).unwrap_or(0)
    }
}

/// Bytes that mean something to one of the formats.
const TOKENS: [&[u8]; 20] = [
    b"\x00",
    b"\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\xff\xff\xff\xff\x0f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\u",
    b"\\ud83d",
    b"null",
    b"1e999",
    b"-1",
    b":",
    b",",
    b"\x0c\x00\x01",
    b"\x1c",
];

fn mutate(random: &mut Random, seeds: &[Vec<u8>], input: &mut Vec<u8>) {
    input.clear();
    if let Some(seed) = seeds.get(random.below(seeds.len())) {
        input.extend_from_slice(seed);
    }
    for _ in 0..=random.below(6) {
        let at = random.below(input.len() + 1);
        match random.below(8) {
            0 | 1 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            2 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = random.next() as u8;
                }
            }
            3 => input.truncate(at),
            4 => {
                let end = (at + random.below(32)).min(input.len());
                input.drain(at..end);
            }
            5 => {
                let token = TOKENS.get(random.below(TOKENS.len())).copied().unwrap_or_default();
                input.splice(at..at, token.iter().copied());
            }
            6 => {
                let end = (at + random.below(64)).min(input.len());
                let copy = input.get(at..end).unwrap_or_default().to_vec();
                let to = random.below(input.len() + 1);
                let times = 1 + random.below(20);
                input.splice(to..to, copy.repeat(times));
            }
            _ => {
                if let Some(other) = seeds.get(random.below(seeds.len())) {
                    let start = random.below(other.len() + 1);
                    let part = other.get(start..).unwrap_or_default();
                    input.truncate(at);
                    input.extend_from_slice(part);
                }
            }
        }
    }
    input.truncate(LONGEST);
}

fn fuzz(target: Target, time: Duration) -> Result<()> {
    let seeds = seeds(target)?;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut input = Vec::with_capacity(2 * LONGEST);
    let (mut executions, mut taken, mut most) = (0u64, 0u64, 0);
    let allowed = match target {
        Target::Inflate("zstd") => LIMIT + SLACK + WINDOW,
        // Columns of what was taken are not the decoder's, but are counted with it.
        Target::Form(_) => 8 * LIMIT + SLACK,
        Target::Inflate(_) => 2 * LIMIT + SLACK,
    };
    let start = Instant::now();
    while start.elapsed() < time {
        mutate(&mut random, &seeds, &mut input);
        let before = HELD.load(Relaxed);
        MOST.store(before, Relaxed);
        let ran = catch_unwind(|| target.run(&input));
        let used = MOST.load(Relaxed).saturating_sub(before);
        most = most.max(used);
        executions += 1;
        match ran {
            Ok(was_taken) if used <= allowed => taken += u64::from(was_taken),
            ran => {
                let file = format!("fuzz-{}.bin", target.name().replace(' ', "-"));
                std::fs::write(&file, &input).context(file.clone())?;
                bail!("{}: {ran:?}, {used} bytes allocated; input in {file}", target.name());
            }
        }
    }
    println!(
        "{:<20} {executions:>10} executions, {taken:>9} taken, {} KiB allocated at most",
        target.name(),
        most >> 10
    );
    Ok(())
}

fn main() -> Result<()> {
    let seconds = std::env::args().nth(1).map_or(Ok(10), |text| text.parse());
    let time = Duration::from_secs(seconds.context("usage: fuzz [SECONDS]")?);
    let forms = Form::ALL.map(Target::Form);
    let codings = ["gzip", "deflate", "zstd"].map(Target::Inflate);
    forms.into_iter().chain(codings).try_for_each(|target| fuzz(target, time))
}
