//! How many numbers each power of two has.

/// Numbers of spans by power of two, of whose value it is the upper end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Buckets(Vec<u64>);

impl Buckets {
    /// Adds one to a bucket.
    #[inline]
    pub(super) fn count(&mut self, bucket: u8) {
        self.add(bucket.into(), 1);
    }

    fn add(&mut self, bucket: usize, spans: u64) {
        if self.0.len() <= bucket {
            self.0.resize(bucket + 1, 0);
        }
        if let Some(n) = self.0.get_mut(bucket) {
            *n += spans;
        }
    }

    /// Adds what others counted.
    pub(super) fn merge(&mut self, other: &Buckets) {
        for (bucket, spans) in other.0.iter().enumerate().filter(|(_, n)| **n > 0) {
            self.add(bucket, *spans);
        }
    }

    /// What a bucket has.
    pub(super) fn get(&self, bucket: u8) -> u64 {
        self.0.get(usize::from(bucket)).copied().unwrap_or_default()
    }

    /// The buckets that have any, rising.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        (0u8..).zip(&self.0).filter(|(_, n)| **n > 0).map(|(bucket, n)| (bucket, *n))
    }
}

impl FromIterator<(u8, u64)> for Buckets {
    fn from_iter<I: IntoIterator<Item = (u8, u64)>>(all: I) -> Buckets {
        let mut buckets = Buckets::default();
        all.into_iter().for_each(|(bucket, spans)| buckets.add(bucket.into(), spans));
        buckets
    }
}
