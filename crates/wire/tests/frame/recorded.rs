//! Recorded traffic comes out of frames as it went in.

use crate::{Stream, columns, spans};
use tributary_wire::frame::Decoder;

#[test]
fn every_recorded_request_survives() -> anyhow::Result<()> {
    let mut total = 0;
    for recording in tributary_testkit::recordings()? {
        let mut stream = Stream::new();
        for request in &recording.records {
            let columns = columns(request);
            let (frame, decoded) = stream.send(&columns);
            let decoded = decoded?;
            assert_eq!(frame.spans as usize, columns.len());
            assert_eq!(decoded.columns.check(), Ok(()));
            assert!(spans(&decoded.columns) == spans(&columns), "{}: spans differ", recording.pod);
            assert!(decoded.referenced.last().is_none_or(|&last| last < frame.needs));
            total += columns.len();
        }
    }
    assert_eq!(total, tributary_testkit::data::totals()?.spans as usize);
    Ok(())
}

#[test]
fn exported_definitions_are_enough_for_their_frames() -> anyhow::Result<()> {
    for prefix in ["order-api", "notifier"] {
        let mut stream = Stream::new();
        for request in tributary_testkit::recording(prefix)?.records {
            let (frame, decoded) = stream.send(&columns(&request));
            let decoded = decoded?;
            let exported = stream.decoder.export(&decoded.referenced)?;
            let mut fresh = Decoder::new(Default::default());
            fresh.define(frame.dict, &exported)?;
            let again = fresh.decode(frame.dict, &frame.payload)?;
            assert_eq!(again.columns, decoded.columns);
            assert_eq!(again.referenced, decoded.referenced);
        }
    }
    Ok(())
}
