use super::*;

#[test]
fn go_s_durations() {
    let table = [
        ("0", Some(0)),
        ("10ns", Some(10)),
        ("1us", Some(1_000)),
        ("1\u{b5}s", Some(1_000)),
        ("1\u{3bc}s", Some(1_000)),
        ("300ms", Some(300 * MILLISECOND)),
        ("1.5s", Some(1_500 * MILLISECOND)),
        (".5s", Some(500 * MILLISECOND)),
        ("1.s", Some(SECOND)),
        ("+2m", Some(2 * MINUTE)),
        ("1h30m", Some(90 * MINUTE)),
        ("0.0000000001s", Some(0)),
        ("10", None),
        ("", None),
        ("+", None),
        (".", None),
        (".s", None),
        ("s", None),
        ("-1s", None),
        ("1d", None),
        ("1 s", None),
        ("1S", None),
        ("1s2", None),
        ("ten", None),
        ("1.5.5s", None),
        ("9999999999h", None),
        ("99999999999999999999999s", None),
    ];
    for (text, expected) in table {
        assert_eq!(go(text), expected, "{text}");
    }
}

#[test]
fn prometheus_durations_and_seconds() {
    let table =
        [("1d", Some(DAY)), ("1w2d", Some(9 * DAY)), ("1y", Some(365 * DAY)), ("1us", None)];
    for (text, expected) in table {
        assert_eq!(prometheus(text), expected, "{text}");
    }
    let table = [
        ("20", Some(20 * SECOND)),
        ("0.25", Some(250 * MILLISECOND)),
        ("0", Some(0)),
        ("x", None),
        ("1s", None),
        ("-1", None),
    ];
    for (text, expected) in table {
        assert_eq!(seconds(text), expected, "{text}");
    }
}

#[test]
fn durations_are_written_as_go_writes_them() {
    let table = [
        (0, "0s"),
        (5, "5ns"),
        (1_500, "1.5\u{b5}s"),
        (60 * MILLISECOND, "60ms"),
        (1_500 * MILLISECOND, "1.5s"),
        (90 * SECOND, "1m30s"),
        (24 * HOUR, "24h0m0s"),
        (168 * HOUR, "168h0m0s"),
        (HOUR + 1, "1h0m0.000000001s"),
    ];
    for (nanoseconds, expected) in table {
        assert_eq!(text(nanoseconds), expected);
        assert_eq!(go(expected), Some(nanoseconds), "{expected}");
    }
}
