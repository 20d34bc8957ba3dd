//! What `/ready` remarks beside the answer.

use crate::block::StillReading;
use crate::engine::Engine;
use tokio::time::Instant;

/// Looks for what there is to remark.
pub(super) fn remarks(engine: &Engine) -> Box<dyn Fn() -> Vec<String> + Send + Sync> {
    let (blocks, membership) = (engine.blocks.clone(), engine.membership.clone());
    let (disk, refusing) = (engine.disk.clone(), engine.refusing.clone());
    Box::new(move || {
        let waiting = disk
            .shortage()
            .map(|shortage| format!("new spans wait: {shortage} (disk_reserve); make room on it"));
        let reading = still_reading(blocks.still_reading(), membership.left());
        let refused = refusing.remark(Instant::now());
        waiting.into_iter().chain(refused).chain(reading).collect()
    })
}

/// What of the bucket is still being read beside the serving: how far the first look-up of the
/// blocks is, and how many epochs of other processes are left to adopt, if heartbeats tell.
fn still_reading(blocks: Option<StillReading>, epochs: Option<usize>) -> Option<String> {
    let blocks = blocks.map(|StillReading { listed, tried }| {
        let (tried, listed) = (thousands(tried), thousands(listed));
        format!("blocks ({tried} of {listed} metas)")
    });
    let epochs = match epochs {
        None => Some("heartbeats".to_owned()),
        Some(0) => None,
        Some(1) => Some("1 epoch of an earlier process".to_owned()),
        Some(n) => Some(format!("{n} epochs of earlier processes")),
    };
    let parts: Vec<String> = blocks.into_iter().chain(epochs).collect();
    (!parts.is_empty()).then(|| format!("still reading: {}", parts.join(", ")))
}

/// A number as people read it.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_being_read_is_told() {
        let metas = |tried, listed| Some(StillReading { tried, listed });
        let table = [
            (None, Some(0), ""),
            (metas(0, 0), None, "still reading: blocks (0 of 0 metas), heartbeats"),
            (metas(1200, 10_000), Some(0), "still reading: blocks (1,200 of 10,000 metas)"),
            (
                metas(999, 1_234_567),
                Some(3),
                "still reading: blocks (999 of 1,234,567 metas), 3 epochs of earlier processes",
            ),
            (None, Some(1), "still reading: 1 epoch of an earlier process"),
        ];
        for (blocks, epochs, told) in table {
            assert_eq!(still_reading(blocks, epochs).unwrap_or_default(), told);
        }
    }
}
