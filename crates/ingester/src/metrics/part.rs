//! A gauge between 0 and 1.

use super::Metric;
use std::sync::atomic::{AtomicU64, Ordering};
use tributary_telemetry::{Text, Type};

/// A part of a whole, published in thousandths.
#[derive(Debug, Default)]
pub struct Part(AtomicU64);

impl Part {
    /// Sets it; what is not between 0 and 1 is the nearer of the two.
    pub fn set(&self, part: f64) {
        self.0.store(part.clamp(0.0, 1.0).to_bits(), Ordering::Relaxed);
    }

    /// What it is.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

impl Metric for Part {
    const TYPE: Type = Type::Gauge;

    fn render(&self, name: &str, text: &mut Text) {
        text.sample(name, &[], format_args!("{:.3}", self.get()));
    }
}
