//! The files as they are sent: plain and as gzip, with the tag of each and the hash of all. Made at the
//! first request, once: some 20 ms.

use super::bare::bare;
use super::files::FILES;
use super::{BOOT, HASH};
use bytes::Bytes;
use std::hash::{BuildHasher, Hasher};
use std::io::Write;
use std::sync::LazyLock;

/// What a first visit does not load, by the beginnings of names.
const LATER: [&str; 5] =
    ["js/charts/", "js/map/", "js/status/view", "js/model/readers", "js/model/edges"];

/// A file as it is sent.
#[derive(Debug)]
pub(super) struct File {
    name: &'static str,
    pub(super) content_type: &'static str,
    pub(super) plain: Bytes,
    pub(super) gzip: Bytes,
    /// The value of `ETag`. Weak: it is the same for both forms.
    pub(super) tag: String,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Packed {
    /// Of all files: in two processes of one version it is the same.
    pub(super) hash: String,
    pub(super) document: File,
    files: Vec<File>,
}

impl Packed {
    /// A file by its name below `crates/ingester/page`.
    pub(super) fn file(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.name == name)
    }

    /// Bytes that a first visit gets.
    #[cfg(test)]
    pub(super) fn sent(&self) -> usize {
        let files = self.files.iter().chain([&self.document]);
        files.filter(|file| !is_later(file.name)).map(|file| file.gzip.len()).sum()
    }
}

/// All files.
pub(super) fn all() -> &'static Packed {
    static ALL: LazyLock<Packed> = LazyLock::new(pack);
    &ALL
}

fn pack() -> Packed {
    let mut all = hasher();
    for (name, bytes) in FILES {
        all.write(name.as_bytes());
        all.write(bytes);
    }
    let hash = format!("{:016x}", all.finish());
    let mut files: Vec<File> =
        FILES.iter().map(|&(name, bytes)| file(name, sent(name, bytes))).collect();
    let at = files.iter().position(|file| file.name == "index.html").unwrap_or_default();
    let template = files.swap_remove(at).plain;
    let preloads: String = FILES
        .iter()
        .filter(|(name, _)| name.ends_with(".js") && *name != BOOT && !is_later(name))
        .map(|(name, _)| format!("<link rel=\"modulepreload\" href=\"assets/{hash}/{name}\">\n"))
        .collect();
    let text = String::from_utf8_lossy(&template);
    let text = text.replace("<!-- modules -->\n", &preloads).replace(HASH, &hash);
    Packed { hash, document: file("index.html", text.into()), files }
}

fn is_later(name: &str) -> bool {
    LATER.iter().any(|begin| name.starts_with(begin))
}

fn sent(name: &str, bytes: &'static [u8]) -> Bytes {
    match std::str::from_utf8(bytes) {
        Ok(module) if name.ends_with(".js") => bare(module).into(),
        _ => Bytes::from_static(bytes),
    }
}

fn file(name: &'static str, plain: Bytes) -> File {
    let mut hasher = hasher();
    hasher.write(&plain);
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    let gzip = gzip(&plain);
    File { name, content_type: content_type(name), plain, gzip, tag }
}

/// Without a seed: equal files have equal hashes in every process.
fn hasher() -> impl Hasher {
    foldhash::quality::FixedState::default().build_hasher()
}

fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Writing to memory does not fail.
    let packed = encoder.write_all(plain).and_then(|()| encoder.finish());
    packed.unwrap_or_default().into()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
