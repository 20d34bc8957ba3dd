//! Sums that lose no small addends beside large ones.

/// A compensated sum (Neumaier's form of Kahan's algorithm): sums of parts add up to the sum of the
/// whole to the last digits, in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sum {
    total: f64,
    lost: f64,
}

impl Sum {
    /// Adds a number.
    #[inline]
    pub(crate) fn add(&mut self, number: f64) {
        let next = self.total + number;
        if next.is_finite() {
            self.lost += if self.total.abs() >= number.abs() {
                (self.total - next) + number
            } else {
                (number - next) + self.total
            };
        }
        self.total = next;
    }

    /// Adds another sum.
    pub(crate) fn merge(&mut self, other: &Sum) {
        self.add(other.total);
        self.lost += other.lost;
    }

    /// What it comes to.
    pub(crate) fn value(&self) -> f64 {
        self.total + self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_addends_are_kept() {
        let mut sum = Sum::default();
        [1e16, 1.0, 1.0, -1e16].into_iter().for_each(|n| sum.add(n));
        assert_eq!(sum.value(), 2.0);
        let mut parts = Sum::default();
        for n in [1e16, 1.0, 1.0, -1e16] {
            let mut part = Sum::default();
            part.add(n);
            parts.merge(&part);
        }
        assert_eq!(parts.value(), 2.0);
    }
}
