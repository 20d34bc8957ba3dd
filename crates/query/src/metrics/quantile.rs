//! Powers of two: histograms that add up, and quantiles estimated from them.

use super::buckets::Buckets;

/// The power of two that a number is at most; none for numbers below 2, which are not counted.
pub(super) fn bucket(n: i64) -> Option<u8> {
    let n = u64::try_from(n).ok().filter(|n| *n >= 2)?;
    u8::try_from(64 - (n - 1).leading_zeros()).ok()
}

/// The upper end of a bucket.
pub(super) fn end(bucket: u8) -> f64 {
    f64::from(bucket).exp2()
}

/// The value below which a part `q` of the numbers lies, estimated: within a bucket values are
/// taken to rise exponentially from the end of the bucket before.
pub(super) fn quantile(q: f64, buckets: &Buckets) -> f64 {
    let total: u64 = buckets.iter().map(|(_, n)| n).sum();
    if total == 0 {
        return 0.0;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a part of a number of spans"
    )]
    let wanted = ((q * total as f64).ceil() as u64).max(1);
    let mut passed = 0;
    let mut before: Option<u8> = None;
    for (bucket, count) in buckets.iter() {
        if passed + count == wanted {
            return end(bucket);
        }
        if passed + count > wanted {
            #[expect(clippy::cast_precision_loss, reason = "numbers of spans")]
            let part = (wanted - passed) as f64 / count as f64;
            let low = before.map_or(f64::from(bucket) - 1.0, f64::from);
            return (low + (f64::from(bucket) - low) * part).exp2();
        }
        passed += count;
        before = Some(bucket);
    }
    before.map_or(0.0, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fall_into_powers_of_two() {
        let table = [
            (-1, None),
            (0, None),
            (1, None),
            (2, Some(1)),
            (3, Some(2)),
            (4, Some(2)),
            (5, Some(3)),
            (1 << 20, Some(20)),
            (i64::MAX, Some(63)),
        ];
        for (n, expected) in table {
            assert_eq!(bucket(n), expected, "{n}");
        }
    }

    #[test]
    fn quantiles_are_estimated_within_buckets() {
        let buckets = Buckets::from_iter([(10, 10), (11, 10)]);
        assert_eq!(quantile(0.5, &buckets), 1024.0);
        assert_eq!(quantile(1.0, &buckets), 2048.0);
        assert_eq!(quantile(0.75, &buckets), 10.5f64.exp2());
        assert_eq!(quantile(0.25, &buckets), 9.5f64.exp2());
        assert_eq!(quantile(0.5, &Buckets::default()), 0.0);
    }
}
