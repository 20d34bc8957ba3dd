use super::*;
use Relief::{Evict as Let, Freeze, None as Nothing};

fn decide(
    used: usize,
    wanted: usize,
    live: usize,
    waiting: &[(usize, bool)],
    active: usize,
) -> Relief {
    let waiting: Vec<_> = waiting
        .iter()
        .enumerate()
        .map(|(at, &(bytes, lost))| Waiting { bytes, lost, place: Place::Frozen(0, at) })
        .collect();
    relief(Account { limit: 160, used, wanted }, live, &waiting, active)
}

#[test]
fn the_newest_that_waits_goes_first() {
    let (a, b) = ((40, false), (30, false));
    let table = [
        // used, wanted, live, waiting, active
        ((100, 0, 100, vec![a, b], 10), Nothing, "there is room"),
        ((121, 0, 100, vec![a, b], 10), Let(1), "the newest"),
        ((121, 0, 100, vec![a], 10), Let(0), "the only one"),
        ((90, 31, 90, vec![a], 10), Let(0), "somebody waits for more than is left"),
        ((90, 1000, 70, vec![], 30), Nothing, "spans on their way in are the cause"),
        ((30, 1000, 90, vec![a], 10), Nothing, "whoever waits is served before long"),
        ((121, 0, 100, vec![], 10), Freeze, "nothing waits, but something grows"),
        ((121, 0, 100, vec![], 9), Nothing, "a crumb"),
        ((121, 0, 100, vec![a, (5, true), b], 10), Let(1), "what is adopted anyway"),
    ];
    for ((used, wanted, live, waiting, active), expected, why) in table {
        assert_eq!(decide(used, wanted, live, &waiting, active), expected, "{why}");
    }
}
