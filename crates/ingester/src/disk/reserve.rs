//! How much of a disk is kept free, and whether it is: decisions, no I/O.

use tributary_settings::value::size;
use tributary_store::DiskSpace;

/// What `auto` keeps at most.
const MOST: u64 = 1 << 30;
/// And in percent of the disk.
const PERCENT: u64 = 5;
/// A whole disk cannot be kept free.
const MOST_PERCENT: u64 = 90;

/// How much of the store's disk is kept free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserve {
    /// Five percent, a gibibyte at most.
    Auto,
    /// A share of the disk.
    Percent(u64),
    /// So many bytes, or nothing.
    Bytes(u64),
}

impl Reserve {
    /// Reads `auto`, `5%`, `2GiB`, or `0` for nothing.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub(crate) fn read(text: &str) -> Result<Reserve, String> {
        if text == "auto" {
            return Ok(Reserve::Auto);
        }
        if let Some(number) = text.strip_suffix('%') {
            let percent = number.trim_end().parse().ok().filter(|percent| *percent <= MOST_PERCENT);
            return percent.map(Reserve::Percent).ok_or_else(|| {
                format!("`{text}` is no whole number of percent between 0% and {MOST_PERCENT}%")
            });
        }
        let bytes =
            size(text).map_err(|why| match text.starts_with(|c: char| c.is_ascii_digit()) {
                true => why,
                false => format!("{why}, nor a share such as `5%`, nor `auto`"),
            })?;
        Ok(Reserve::Bytes(bytes as u64))
    }

    /// Bytes of a disk that has `total` of them.
    pub(crate) fn bytes(self, total: u64) -> u64 {
        let percent = |percent: u64| total / 100 * percent;
        match self {
            Reserve::Auto => percent(PERCENT).min(MOST),
            Reserve::Percent(share) => percent(share),
            Reserve::Bytes(bytes) => bytes,
        }
    }

    /// Whether there is too little room on a disk, which had or had not too little at the last look.
    /// There is enough again when an eighth more than the reserve is free, or half of what the disk
    /// has beside it if that is less, so that a disk at its edge does not come and go.
    pub(crate) fn is_short(self, space: DiskSpace, was_short: bool) -> bool {
        let reserve = self.bytes(space.total);
        let beside = space.total.saturating_sub(reserve);
        let more = if was_short { (reserve / 8).min(beside / 2) } else { 0 };
        // Some file systems do not know how large they are.
        space.total > 0 && space.free < reserve.saturating_add(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    #[test]
    fn reserves_are_read() {
        let table = [
            ("auto", Some(Reserve::Auto)),
            ("0", Some(Reserve::Bytes(0))),
            ("2GiB", Some(Reserve::Bytes(2 * GIB))),
            ("512Mi", Some(Reserve::Bytes(512 * MIB))),
            ("5%", Some(Reserve::Percent(5))),
            ("0 %", Some(Reserve::Percent(0))),
            ("90%", Some(Reserve::Percent(90))),
            ("91%", None),
            ("2.5%", None),
            ("-1%", None),
            ("%", None),
            ("much", None),
            ("2gib", None),
        ];
        for (text, expected) in table {
            assert_eq!(Reserve::read(text).ok(), expected, "{text}");
        }
        let table = [
            ("95%", "`95%` is no whole number of percent between 0% and 90%"),
            (
                "much",
                "`much` is no size such as `65536`, `16MiB` or `1.5GiB`, nor a share such as `5%`, nor `auto`",
            ),
        ];
        for (text, why) in table {
            assert_eq!(Reserve::read(text).unwrap_err(), why);
        }
        assert!(Reserve::read("2gib").unwrap_err().ends_with("did you mean `GiB`?"));
    }

    #[test]
    fn the_lesser_of_a_share_and_a_gibibyte_is_kept() {
        let table = [
            (Reserve::Auto, 100 * MIB, 5 * MIB),
            (Reserve::Auto, 20 * GIB, GIB),
            (Reserve::Auto, 1000 * GIB, GIB),
            (Reserve::Auto, 0, 0),
            (Reserve::Percent(10), 1000 * GIB, 100 * GIB),
            (Reserve::Percent(90), u64::MAX, u64::MAX / 100 * 90),
            (Reserve::Bytes(2 * GIB), 100 * MIB, 2 * GIB),
        ];
        for (reserve, total, expected) in table {
            // A share is rounded down, to a hundredth of what is left over.
            let kept = reserve.bytes(total);
            assert!(kept <= expected && expected - kept < 100, "{reserve:?} of {total}: {kept}");
        }
    }

    #[test]
    fn a_disk_is_short_below_its_reserve_and_has_enough_a_little_above_it() {
        let reserve = Reserve::Bytes(80 * MIB);
        let table = [
            // free, total, was short, is short
            (80 * MIB, GIB, false, false),
            (80 * MIB - 1, GIB, false, true),
            (80 * MIB, GIB, true, true),
            (90 * MIB - 1, GIB, true, true),
            (90 * MIB, GIB, true, false),
            (0, GIB, false, true),
            // Nearly all of the disk is the reserve: it can be met all the same.
            (81 * MIB, 84 * MIB, true, true),
            (82 * MIB, 84 * MIB, true, false),
            // A disk that is smaller than its reserve never has enough.
            (79 * MIB, 79 * MIB, false, true),
            (79 * MIB, 79 * MIB, true, true),
            // Nothing is known of it.
            (0, 0, false, false),
            (0, 0, true, false),
        ];
        for (free, total, was, is) in table {
            let short = reserve.is_short(DiskSpace { free, total }, was);
            assert_eq!(short, is, "{free} of {total}, was short: {was}");
        }
        for none in [Reserve::Bytes(0), Reserve::Percent(0)] {
            for was in [true, false] {
                assert!(!none.is_short(DiskSpace { free: 0, total: GIB }, was));
            }
        }
    }
}
