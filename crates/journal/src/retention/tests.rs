use super::*;

const H: u64 = 3600;

fn at(hours: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(hours * H)
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * H)
}

#[test]
fn a_window_is_over_when_its_last_second_is_old_enough() {
    let second = Duration::from_secs(1);
    let table = [
        (at(100), None),
        (at(107) - second, None),
        (at(107), Some(Duration::ZERO)),
        (at(109), Some(hours(2))),
        (SystemTime::UNIX_EPOCH, None),
    ];
    for (now, expected) in table {
        assert_eq!(over_since(100, hours(6), now), expected, "{now:?}");
    }
    assert_eq!(over_since(u32::MAX, hours(6), at(7)), None);
    assert_eq!(over_since(0, Duration::MAX, at(7)), None);
}

/// So many windows, the newest of which has just begun, with ten blocks each.
fn windows(count: u32, now: u32) -> Vec<InWindow> {
    (0..count).map(|n| InWindow { hour: now - n, blocks: 10, begun: false }).collect()
}

#[test]
fn hour_by_hour_goes_what_is_due_and_a_backlog_stops() {
    let days = |n: u64| hours(24 * n);
    // Windows there are, retention; blocks due, backlog; may it go?
    let table = [
        // At rest: an hour has passed since the last one went.
        (9, hours(6), 20, 0, true),
        (338, days(14), 10, 0, true),
        // Nothing is that old.
        (5, days(14), 0, 0, true),
        // Ingesters stood still for a day.
        (362, days(14), 250, 230, true),
        (31, hours(6), 240, 220, false),
        // A retention that is set for the first time on weeks of blocks.
        (1000, days(14), 6630, 6610, false),
    ];
    for (count, retention, blocks, backlog, goes) in table {
        let due = due(windows(count, 5000), 0, retention, at(5000));
        let shown = format!("{count} windows, {retention:?}: {} {}", due.blocks, due.backlog);
        assert_eq!((due.blocks, due.backlog), (blocks, backlog), "{shown}");
        assert_eq!(due.hours.len() * 10, due.blocks, "{shown}");
        assert_eq!((due.may_go(false), due.may_go(true)), (goes, true), "{shown}");
    }
}

#[test]
fn what_joins_an_expired_window_late_is_no_backlog() {
    let late = InWindow { hour: 10, blocks: 3, begun: true };
    let judged = due([late], 0, hours(6), at(500));
    assert_eq!((judged.blocks, judged.backlog, judged.may_go(false)), (3, 0, true));
    let unknown = InWindow { begun: false, ..late };
    assert!(!due([unknown], 0, hours(6), at(500)).may_go(false));
    // Blocks of another program count among all.
    assert!(due([unknown], 27, hours(6), at(500)).may_go(false));
    assert_eq!(due([InWindow { blocks: 0, ..late }], 0, hours(6), at(500)), Due::default());
}

#[test]
fn a_setting_is_new_for_an_hour() {
    let mut recorded = Recorded::default();
    assert!(!recorded.has("t", hours(6)) && !recorded.is_new("t", at(10)));
    recorded.record("t", hours(6), at(10));
    let mut recorded = Recorded::decode(&recorded.encode());
    assert!(recorded.has("t", hours(6)) && !recorded.has("t", hours(7)));
    assert!(!recorded.has("u", hours(6)));
    let minute = Duration::from_secs(60);
    assert!(recorded.is_new("t", at(10)) && recorded.is_new("t", at(11) - minute));
    assert!(!recorded.is_new("t", at(11)));
    recorded.retain(|tenant| tenant != "t");
    assert_eq!(recorded, Recorded::default());
}

#[test]
fn an_object_that_is_wrong_says_nothing_and_a_newer_one_keeps_the_breaker_whole() {
    let example =
        include_str!("../retention.rs").lines().skip_while(|l| *l != "//! ```json").nth(1);
    let example = example.unwrap().trim_start_matches("//! ");
    let read = Recorded::decode(example.as_bytes());
    assert!(read.has("single-tenant", hours(14 * 24)));
    assert_eq!(read.encode(), example.as_bytes());
    for bytes in ["", "{}", "{\"format\":1,\"tenants\":7}", "nothing"] {
        assert!(!Recorded::decode(bytes.as_bytes()).is_new("t", at(10)), "{bytes}");
    }
    let newer = Recorded::decode(b"{\"format\":2,\"tenants\":[]}");
    assert!(newer.is_foreign() && newer.has("t", hours(1)) && !newer.is_new("t", at(10)));
}
