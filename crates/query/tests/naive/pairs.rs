//! Pairs of a query and traces, made of bytes by lot.

use crate::asked::{count, search};
use crate::choices::Choices;
use crate::condition::Maker;
use crate::data::{self, MS, TIME};
use crate::metrics::Times;
use crate::places::Places;
use crate::world::World;
use proptest::prelude::*;
use tributary_query::search::Window;

/// Queries for each set of traces.
const QUERIES: usize = 10;

fn ask(world: &World, places: &Places, bytes: &[u8]) -> Result<(), String> {
    let mut c = Choices::new(bytes);
    let is_search = c.below(3) > 0;
    let mut maker = Maker::new(&mut c);
    let text = if is_search { maker.search() } else { maker.metrics() };
    let query = tributary_traceql::parse(&text).map_err(|error| format!("{text}\n{error}"))?;
    let asked = if is_search {
        let window = match c.below(4) {
            3 => {
                let start = TIME + c.below(12) as u64 * 250 * MS;
                Window { start, end: start + c.below(4) as u64 * 250 * MS }
            }
            _ => Window::ALL,
        };
        search(world, places, query, window).map_err(|why| format!("{window:?} {why}"))
    } else {
        let start = TIME - 500 * MS + c.below(8) as u64 * 250 * MS;
        let step = c.pick(&[250 * MS, 1000 * MS, 700 * MS]);
        let times = Times { start, end: start + c.below(8) as u64 * 500 * MS + 1, step };
        count(world, places, query, times).map_err(|why| format!("{times:?} {why}"))
    };
    asked.map_err(|why| format!("{text}\n{why}"))
}

fn pairs() -> u32 {
    let chosen = std::env::var("TRIBUTARY_QUERY_PAIRS").ok();
    chosen.map_or(2000, |text| text.parse().unwrap())
}

fn config() -> ProptestConfig {
    let cases = pairs() / QUERIES as u32;
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn columns_answer_as_spans_do(
        data in prop::collection::vec(any::<u8>(), 0..1200),
        queries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..160), QUERIES),
    ) {
        let mut c = Choices::new(&data);
        let spans = data::spans(&mut c);
        let half = c.below(spans.len() + 1);
        // Some arrive in both batches.
        let again = half.saturating_sub(c.below(3));
        let places = Places::new([&spans[..half], &spans[again..]]);
        let world = World::new(spans.clone());
        for bytes in &queries {
            if let Err(why) = ask(&world, &places, bytes) {
                return Err(TestCaseError::fail(format!("{why}\n{spans:#?}")));
            }
        }
    }
}
