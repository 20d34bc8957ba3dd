//! Counters that differ by two labels, all of whose values are known.

use super::Metric;
use tributary_telemetry::{Counter, Text, Type};

/// A counter for each pair of values.
#[derive(Debug)]
pub struct Family {
    labels: [&'static str; 2],
    counters: Vec<([&'static str; 2], Counter)>,
}

impl Family {
    /// Labels by name, and all values of each.
    pub(super) fn new(
        labels: [&'static str; 2],
        first: &[&'static str],
        second: &[&'static str],
    ) -> Family {
        let pairs = first.iter().flat_map(|a| second.iter().map(|b| [*a, *b]));
        Family { labels, counters: pairs.map(|pair| (pair, Counter::default())).collect() }
    }

    /// It happened.
    pub fn inc(&self, first: &str, second: &str) {
        self.of(first, second).into_iter().for_each(Counter::inc);
    }

    /// How often it happened.
    pub fn get(&self, first: &str, second: &str) -> u64 {
        self.of(first, second).map_or(0, Counter::get)
    }

    fn of(&self, first: &str, second: &str) -> Option<&Counter> {
        self.counters.iter().find(|(pair, _)| *pair == [first, second]).map(|(_, counter)| counter)
    }
}

impl Metric for Family {
    const TYPE: Type = Type::Counter;

    fn render(&self, name: &str, text: &mut Text) {
        let [first, second] = self.labels;
        for ([a, b], counter) in &self.counters {
            text.sample(name, &[(first, a), (second, b)], counter.get());
        }
    }
}
