use super::*;
use crate::sink::{OfferError, Refused};
use bytes::BytesMut;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http_body_util::StreamBody;
use proptest::prelude::*;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tributary_span::otlp::Outcome;
use tributary_span::tenant::Header;

/// A sink that has so much room.
#[derive(Default)]
struct Room {
    room: usize,
    used: Arc<AtomicUsize>,
    most: AtomicUsize,
}

struct Permit(usize, Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.1.fetch_sub(self.0, SeqCst);
    }
}

impl Room {
    fn of(room: usize) -> Self {
        Room { room, ..Room::default() }
    }
}

impl Sink for Room {
    type Permit = Permit;

    fn admit(&self, bytes: usize) -> Result<Permit, Refused> {
        let used = self.used.fetch_add(bytes, SeqCst) + bytes;
        let permit = Permit(bytes, Arc::clone(&self.used));
        if used > self.room {
            return Err(Refused { retry_after: Duration::from_secs(1), why: "full" });
        }
        self.most.fetch_max(used, SeqCst);
        Ok(permit)
    }

    async fn tenants(&self) -> Header {
        Header::Ignored
    }

    async fn offer(&self, _: Option<&str>, _: Bytes) -> Result<Outcome, OfferError> {
        Ok(Outcome::default())
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut out = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

type Compress = fn(&[u8]) -> Vec<u8>;
const CODINGS: [(Encoding, Compress); 3] =
    [(Encoding::Gzip, gzip), (Encoding::Deflate, deflate), (Encoding::Zstd, zstd)];

fn inflate(encoding: Encoding, bytes: &[u8], limit: usize, room: &Room) -> Result<Vec<u8>, Fault> {
    let held = Intake::new(room, usize::MAX).hold(Bytes::copy_from_slice(bytes));
    encoding.inflate(held, limit, room).map(|held| held.bytes.to_vec())
}

/// Text that compresses, but not to nothing.
fn sample(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * i / 7) as u8).collect()
}

#[test]
fn what_was_compressed_comes_back() {
    for (encoding, compress) in CODINGS {
        for len in [0, 1, 1000, STEP, 3 * STEP + 1] {
            let room = Room::of(usize::MAX);
            let text = sample(len);
            let back = inflate(encoding, &compress(&text), 1 << 20, &room).unwrap();
            assert!(back == text, "{encoding:?} {len}");
            assert_eq!(room.used.load(SeqCst), 0, "permits are given back");
        }
    }
}

#[test]
fn gzip_and_zstd_may_have_several_members() {
    for (encoding, compress) in [CODINGS[0], CODINGS[2]] {
        let two = [compress(b"one "), compress(b"two")].concat();
        assert_eq!(inflate(encoding, &two, 100, &Room::of(1 << 20)).unwrap(), b"one two");
    }
}

#[test]
fn what_is_cut_off_is_an_error() {
    for (encoding, compress) in CODINGS {
        let whole = compress(&sample(2000));
        for cut in 1..whole.len() {
            let got = inflate(encoding, &whole[..cut], 1 << 20, &Room::of(1 << 20));
            assert!(matches!(got, Err(Fault::Malformed(_))), "{encoding:?} cut at {cut}: {got:?}");
        }
    }
}

#[test]
fn what_is_behind_the_end_is_an_error() {
    for (encoding, compress) in CODINGS {
        let longer = [compress(b"text"), b"more".to_vec()].concat();
        let got = inflate(encoding, &longer, 1 << 20, &Room::of(1 << 20));
        assert!(matches!(got, Err(Fault::Malformed(_))), "{encoding:?}: {got:?}");
    }
}

#[test]
fn the_limit_is_exact() {
    for (encoding, compress) in CODINGS {
        for limit in [1, 10, 1 << 10, STEP, 100_000] {
            let room = Room::of(usize::MAX);
            let fits = inflate(encoding, &compress(&sample(limit)), limit, &room);
            assert_eq!(fits.map(|b| b.len()), Ok(limit), "{encoding:?}");
            let over = inflate(encoding, &compress(&sample(limit + 1)), limit, &room);
            assert_eq!(over, Err(Fault::TooLarge(limit)), "{encoding:?}");
        }
    }
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let limit = 1 << 20;
    for (encoding, compress) in CODINGS {
        let bomb = compress(&vec![0; 100 << 20]);
        assert!(bomb.len() < 200 << 10, "{encoding:?}");
        let room = Room::of(usize::MAX);
        assert_eq!(inflate(encoding, &bomb, limit, &room), Err(Fault::TooLarge(limit)));
        assert!(room.most.load(SeqCst) <= limit, "{encoding:?}: {}", room.most.load(SeqCst));
    }
}

#[test]
fn inflating_needs_room() {
    for (encoding, compress) in CODINGS {
        let room = Room::of(STEP);
        let got = inflate(encoding, &compress(&vec![0; 4 * STEP]), 1 << 30, &room);
        assert!(matches!(got, Err(Fault::Refused(_))), "{encoding:?}: {got:?}");
        assert_eq!(room.used.load(SeqCst), 0);
    }
}

/// A frame may claim a window of gigabytes, which a decoder would allocate.
#[test]
fn a_wide_zstd_window_is_an_error() {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00];
    frame.push((31 - 10) << 3); // a window of 2 GiB
    frame.extend_from_slice(&[0x01, 0x00, 0x00]); // one last, raw, empty block
    let got = inflate(Encoding::Zstd, &frame, 1 << 20, &Room::of(1 << 20));
    assert!(matches!(got, Err(Fault::Malformed(_))), "{got:?}");
}

#[test]
fn codings_have_names() {
    let table: [(&[u8], _); 9] = [
        (b"", Some(Encoding::Identity)),
        (b"identity", Some(Encoding::Identity)),
        (b"gzip", Some(Encoding::Gzip)),
        (b" GZip ", Some(Encoding::Gzip)),
        (b"x-gzip", Some(Encoding::Gzip)),
        (b"deflate", Some(Encoding::Deflate)),
        (b"zstd", Some(Encoding::Zstd)),
        (b"snappy", None),
        (b"gzip, gzip", None),
    ];
    for (name, encoding) in table {
        assert_eq!(Encoding::named(name), encoding);
    }
}

/// A body of such pieces whose length its sender did not announce.
fn pieces(pieces: &[usize]) -> impl Body<Data = Bytes, Error = std::convert::Infallible> + Unpin {
    let pieces: Vec<_> = pieces
        .iter()
        .map(|&len| Ok(http_body::Frame::data(BytesMut::zeroed(len).freeze())))
        .collect();
    StreamBody::new(futures_iter(pieces))
}

fn futures_iter<T: Unpin>(items: Vec<T>) -> impl futures_util::Stream<Item = T> + Unpin {
    futures_util::stream::iter(items)
}

async fn read(lens: &[usize], limit: usize, room: &Room) -> Result<Held<Permit>, Fault> {
    let counters = Counters::default();
    let held = Reading::begin(pieces(lens), limit, room, &counters)?.all().await?;
    assert_eq!(counters.bytes.get(), held.bytes.len() as u64);
    Ok(held)
}

#[tokio::test]
async fn bodies_are_counted_as_they_come() {
    let room = Room::of(usize::MAX);
    for lens in [&[][..], &[0], &[7], &[7, 0, 9], &[STEP; 5], &[1, 100_000, 1]] {
        let total: usize = lens.iter().sum();
        assert_eq!(read(lens, total, &room).await.unwrap().bytes.len(), total, "{lens:?}");
        assert_eq!(room.used.load(SeqCst), 0);
        if total > 0 {
            let over = read(lens, total - 1, &room).await.map(|_| ());
            assert_eq!(over, Err(Fault::TooLarge(total - 1)), "{lens:?}");
        }
    }
}

#[tokio::test]
async fn no_room_stops_a_body_in_the_middle() {
    let room = Room::of(4 * STEP);
    let got = read(&[STEP; 100], 1 << 30, &room).await.map(|_| ());
    assert!(matches!(got, Err(Fault::Refused(_))), "{got:?}");
    assert_eq!(room.used.load(SeqCst), 0);
    assert!(room.most.load(SeqCst) <= 4 * STEP);
}

#[tokio::test]
async fn an_announced_length_is_admitted_first() {
    let counters = Counters::default();
    let body = || http_body_util::Full::new(Bytes::from(vec![0; 1000]));
    let room = Room::of(999);
    let refused = Reading::begin(body(), 10_000, &room, &counters).map(|_| ());
    assert!(matches!(refused, Err(Fault::Refused(_))));
    let large = Reading::begin(body(), 999, &Room::of(usize::MAX), &counters).map(|_| ());
    assert_eq!(large, Err(Fault::TooLarge(999)));
    assert_eq!(counters.bytes.get(), 0, "nothing was read");
    let room = Room::of(1000);
    let held = Reading::begin(body(), 10_000, &room, &counters).unwrap().all().await.unwrap();
    assert_eq!((held.bytes.len(), room.most.load(SeqCst)), (1000, 1000));
}

proptest! {
    #[test]
    fn no_bytes_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        coding in 0usize..3,
        head in any::<bool>(),
        flip in 0usize..40,
    ) {
        let (encoding, compress) = CODINGS[coding];
        let mut all = bytes.clone();
        if head {
            // A real head makes it past the first checks.
            all = compress(&bytes);
            let len = all.len();
            all[flip % len] ^= 0x55;
        }
        let limit = 1 << 16;
        if let Ok(out) = inflate(encoding, &all, limit, &Room::of(1 << 20)) {
            prop_assert!(out.len() <= limit);
        }
    }
}
