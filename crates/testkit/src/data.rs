//! The recorded spans: requests as SDKs sent them, and answers that other decoders gave.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// No file of the recordings inflates to more than this, bytes.
const INFLATED: u64 = 256 << 20;

/// The folder of recorded data: `TRIBUTARY_DATA`, or `shared/data` beside the workspace.
///
/// # Errors
/// When it is not there: the message says what is expected and how to point to it.
pub fn data_dir() -> Result<PathBuf> {
    let dir = match std::env::var_os("TRIBUTARY_DATA") {
        Some(dir) => PathBuf::from(dir),
        None => super::workspace_root().join("../shared/data"),
    };
    if !dir.join("otlp-manifest.json").is_file() {
        bail!(
            "no recorded spans in {}: a folder with otlp/, legacy/, tempo-blocks/ and \
             otlp-manifest.json is expected at ../shared/data beside the workspace; set \
             TRIBUTARY_DATA when it lies elsewhere",
            dir.display()
        );
    }
    Ok(dir)
}

/// What one pod sent: bodies of `POST /v1/traces`, uncompressed, in order of arrival.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Name of the pod.
    pub pod: String,
    /// Encoded `ExportTraceServiceRequest`s.
    pub records: Vec<Vec<u8>>,
}

/// All pods' recordings in OTLP's protobuf, sorted by pod. 56 MB in all.
///
/// # Errors
/// When the data is missing or damaged.
pub fn recordings() -> Result<Vec<Recording>> {
    of_folder("otlp", "", ".otlp-proto.rec.zst")
}

/// The recording of the one pod whose name starts with `prefix` and sorts first.
///
/// # Errors
/// When the data is missing or damaged, or no pod has such a name.
pub fn recording(prefix: &str) -> Result<Recording> {
    let all = recordings()?;
    all.into_iter()
        .find(|r| r.pod.starts_with(prefix))
        .with_context(|| format!("no pod's name starts with {prefix}"))
}

/// The recordings of legacy clients whose name starts with `prefix` (a format, such as
/// `zipkin-v1-json`), sorted by name. In place of a pod each names the format and the client.
///
/// # Errors
/// When the data is missing or damaged.
pub fn legacy(prefix: &str) -> Result<Vec<Recording>> {
    of_folder("legacy", prefix, ".bin.zst")
}

fn of_folder(folder: &str, prefix: &str, suffix: &str) -> Result<Vec<Recording>> {
    let dir = data_dir()?.join(folder);
    let mut found = Vec::new();
    for entry in fs::read_dir(&dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(pod) = name.strip_suffix(suffix).filter(|pod| pod.starts_with(prefix)) {
            found.push(Recording { pod: pod.to_owned(), records: records(&path)? });
        }
    }
    found.sort_by(|a, b| a.pod.cmp(&b.pod));
    Ok(found)
}

/// Reads a `.rec.zst` or `.bin.zst` file: a row of records, each behind its `u32` little-endian
/// length.
///
/// # Errors
/// When the file is missing or damaged.
pub fn records(path: &Path) -> Result<Vec<Vec<u8>>> {
    let bytes = inflate(path)?;
    let mut rest = bytes.as_slice();
    let mut records = Vec::new();
    while !rest.is_empty() {
        let cut = |rest: &[u8]| -> Option<(Vec<u8>, usize)> {
            let (len, body) = rest.split_first_chunk::<4>()?;
            let len = u32::from_le_bytes(*len) as usize;
            Some((body.get(..len)?.to_vec(), 4 + len))
        };
        let (record, used) = cut(rest).with_context(|| format!("{}: cut short", path.display()))?;
        records.push(record);
        rest = rest.get(used..).unwrap_or_default();
    }
    Ok(records)
}

/// One line of `otlp-traces.jsonl.zst`: a trace as another decoder counted it.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub struct Trace {
    /// 32 hex digits.
    pub trace_id: String,
    /// Spans; repeats count each time.
    pub spans: usize,
    /// Distinct span ids.
    pub distinct_span_ids: usize,
    /// Names of the services, sorted.
    pub services: Vec<String>,
    /// Spans without a parent.
    pub roots: usize,
    /// Spans whose status is an error.
    pub errors: usize,
    /// Earliest start, nanoseconds since the epoch.
    pub start_ns: u64,
    /// Latest end, nanoseconds since the epoch.
    pub end_ns: u64,
}

/// All traces of the OTLP recordings, sorted by id.
///
/// # Errors
/// When the data is missing or damaged.
pub fn traces() -> Result<Vec<Trace>> {
    json_lines(&data_dir()?.join("otlp-traces.jsonl.zst"))
}

/// Totals of `otlp-manifest.json`.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq)]
pub struct Totals {
    /// Requests.
    pub requests: usize,
    /// Spans.
    pub spans: usize,
    /// Events.
    pub events: usize,
    /// Links.
    pub links: usize,
    /// Spans whose status is an error.
    pub errors: usize,
    /// Bytes of all requests.
    pub raw_bytes: usize,
    /// Traces.
    pub traces: usize,
}

/// The manifest's totals.
///
/// # Errors
/// When the data is missing or damaged.
pub fn totals() -> Result<Totals> {
    #[derive(Deserialize)]
    struct Manifest {
        total: Totals,
    }
    let path = data_dir()?.join("otlp-manifest.json");
    let text = fs::read(&path).with_context(|| path.display().to_string())?;
    let manifest: Manifest = serde_json::from_slice(&text)?;
    Ok(manifest.total)
}

/// Reads a `.jsonl.zst` file.
///
/// # Errors
/// When the file is missing or damaged.
fn json_lines<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = inflate(path)?;
    text.split(|&b| b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).with_context(|| path.display().to_string()))
        .collect()
}

/// Inflates a zstd file, up to a cap.
///
/// # Errors
/// When the file is missing, damaged or larger than any of the recordings.
pub fn inflate(path: &Path) -> Result<Vec<u8>> {
    let name = || path.display().to_string();
    let file = fs::File::open(path).with_context(name)?;
    let mut bytes = Vec::new();
    let mut reader = zstd::Decoder::new(file).with_context(name)?.take(INFLATED + 1);
    reader.read_to_end(&mut bytes).with_context(name)?;
    if bytes.len() as u64 > INFLATED {
        bail!("{}: more than {INFLATED} bytes", path.display());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_are_what_the_manifest_says() {
        let (all, totals) = (recordings().unwrap(), totals().unwrap());
        assert_eq!(all.len(), 28);
        let records = || all.iter().flat_map(|r| &r.records);
        assert_eq!(records().count(), totals.requests);
        assert_eq!(records().map(Vec::len).sum::<usize>(), totals.raw_bytes);
        assert_eq!(traces().unwrap().len(), totals.traces);
    }
}
