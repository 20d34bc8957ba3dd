use super::*;
use http_body_util::{BodyExt, StreamBody};
use std::convert::Infallible;
use tributary_testkit::wait::SOON;

const KIB: usize = 1024;

fn message(len: usize) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend_from_slice(&u32::try_from(len).unwrap().to_be_bytes());
    bytes.extend((0..len).map(|n| n as u8));
    bytes
}

#[test]
fn messages_are_told_apart_wherever_the_body_is_cut() {
    let lens = [3, 0, 700, 1];
    let whole: Vec<u8> = lens.iter().flat_map(|&len| message(len)).collect();
    for step in [1, 2, 4, 5, 6, 9, 100, whole.len()] {
        let (mut cutter, mut heads, mut content) = (Cutter::default(), Vec::new(), Vec::new());
        for chunk in whole.chunks(step) {
            let mut data = Bytes::copy_from_slice(chunk);
            while data.has_remaining() {
                match cutter.cut(&mut data) {
                    Piece::Head(head) => {
                        content.extend_from_slice(&head.bytes);
                        heads.push(head.len);
                    }
                    Piece::Content(bytes) => content.extend_from_slice(&bytes),
                    Piece::Unknown => assert!(data.is_empty()),
                }
            }
        }
        assert_eq!((heads.as_slice(), &content), (&lens[..], &whole), "by {step}");
    }
}

/// A body of these messages, one in a frame, and what its stream holds.
fn stream(
    budget: &MemoryBudget,
    lens: &[usize],
) -> (AdmittedBody<impl Body<Data = Bytes, Error = Status> + Unpin>, Arc<MessageRoom>) {
    let frames: Vec<_> = lens
        .iter()
        .map(|&len| Ok::<_, Infallible>(Frame::data(Bytes::from(message(len)))))
        .collect();
    let body = StreamBody::new(futures_util::stream::iter(frames)).map_err(|never| match never {});
    let room = Arc::new(MessageRoom::new(budget.clone(), Arc::default()));
    (AdmittedBody::new(body, room.clone()), room)
}

async fn read(body: &mut (impl Body<Data = Bytes, Error = Status> + Unpin), bytes: usize) {
    let mut read = 0;
    while read < bytes {
        let frame = tokio::time::timeout(SOON, body.frame()).await.expect("it may be read");
        read += frame.unwrap().unwrap().into_data().unwrap().len();
    }
    assert_eq!(read, bytes);
}

/// Whether the body gives nothing at the moment.
async fn waits(body: &mut (impl Body<Data = Bytes, Error = Status> + Unpin)) -> bool {
    let frame = std::pin::pin!(body.frame());
    futures_util::poll!(frame).is_pending()
}

#[tokio::test]
async fn a_message_is_read_when_its_bytes_are_free_and_holds_them_until_it_is_taken_over() {
    let budget = MemoryBudget::new(100 * KIB);
    let (mut loud, of_loud) = stream(&budget, &[100, 35 * KIB, 35 * KIB, 35 * KIB]);
    let (mut quiet, of_quiet) = stream(&budget, &[100, 60 * KIB]);
    read(&mut loud, HEAD + 100).await;
    read(&mut quiet, HEAD + 100).await;
    assert_eq!(budget.used(), 0, "a hello is small");
    of_loud.belongs_to(&"loud".into());
    of_quiet.belongs_to(&"quiet".into());

    read(&mut loud, 2 * (HEAD + 35 * KIB)).await;
    assert!(waits(&mut loud).await && waits(&mut quiet).await);
    assert_eq!(of_quiet.metrics.times_limited(Limit::MessageRoom), 1);
    drop(of_loud.take_over());
    // The one that holds least is next, though it came later.
    read(&mut quiet, HEAD + 60 * KIB).await;
    assert_eq!(budget.used(), 95 * KIB);
    assert!(waits(&mut loud).await);
    // A stream that ends gives back what it holds.
    drop((quiet, of_quiet));
    read(&mut loud, HEAD + 35 * KIB).await;
    assert!(loud.frame().await.is_none());
    drop((loud, of_loud));
    assert_eq!(budget.used(), 0);
}

#[tokio::test]
async fn a_message_that_is_larger_than_all_room_passes_alone() {
    let budget = MemoryBudget::new(100 * KIB);
    let (mut body, room) = stream(&budget, &[1, 300 * KIB]);
    read(&mut body, HEAD + 1).await;
    room.belongs_to(&"t".into());
    read(&mut body, HEAD + 300 * KIB).await;
    assert_eq!(budget.used(), 100 * KIB);
}

#[tokio::test]
async fn a_first_message_that_is_no_hello_is_not_read() {
    let budget = MemoryBudget::new(100 * KIB);
    let (mut body, _) = stream(&budget, &[LONGEST_HELLO + 1]);
    let status = body.frame().await.unwrap().unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
}
