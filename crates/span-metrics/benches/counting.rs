//! What it costs to count a span: `cargo bench -p tributary-span-metrics`. Prints a table; needs the
//! recorded spans.
//!
//! One thread that does nothing else; of several runs the fastest counts. The goal is 0.25 µs a span
//! with the labels that are counted by where nothing else is said.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tributary_span::Columns;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_span_metrics::{Dimensions, Format, Now, Page, Settings, Store};

const RUNS: usize = 7;

fn frames() -> Vec<Columns> {
    let recordings = tributary_testkit::recordings().expect("the recorded spans are there");
    let requests = recordings.into_iter().flat_map(|recording| recording.records);
    let frame = |request: Vec<u8>| {
        let mut builder = Builder::new();
        append_all(&mut builder, &request, &Limits::default())
            .expect("recorded requests are valid");
        builder.take()
    };
    requests.map(frame).collect()
}

fn counted(frames: &[Columns], settings: &Settings) -> (Duration, Store) {
    let (tenant, mut best) = (Arc::from("t"), None::<(Duration, Store)>);
    for _ in 0..RUNS {
        let mut store = Store::new(settings.clone());
        let begun = Instant::now();
        for (ms, frame) in (0..).zip(frames) {
            store.count(&tenant, frame, Now { ms, unix_ms: ms });
            if ms % 100 == 0 {
                store.expire(Now { ms, unix_ms: ms });
            }
        }
        let took = begun.elapsed();
        if best.as_ref().is_none_or(|(least, _)| took < *least) {
            best = Some((took, store));
        }
    }
    best.expect("there is a run")
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn main() {
    let frames = frames();
    let spans: usize = frames.iter().map(Columns::len).sum();
    let plain = Settings::default();
    let of = |names| Dimensions::read(names).expect("they are good");
    let table = [
        ("default labels", plain.clone()),
        ("and resources", Settings { target_info: true, ..plain.clone() }),
        (
            "and an attribute",
            Settings {
                dimensions: of("service,span_name,span_kind,status_code,http.request.method"),
                ..plain.clone()
            },
        ),
        ("ten series", Settings { series: 10, ..plain }),
    ];
    for (name, settings) in table {
        let (took, store) = counted(&frames, &settings);
        let each = took.as_secs_f64() * 1e6 / spans as f64;
        let stats = store.stats();
        let begun = Instant::now();
        let mut page = Page::new(Format::OpenMetrics, vec!["t".to_owned()]);
        let mut text = Vec::new();
        while page.next(&store, &mut text) {}
        let wrote = begun.elapsed().as_secs_f64() * 1e3;
        println!(
            "{name:18} {each:6.3} µs/span, {:5} series, {:7} B; page {:7} B in {wrote:.1} ms",
            stats.series,
            stats.bytes,
            black_box(text).len(),
        );
    }
}
