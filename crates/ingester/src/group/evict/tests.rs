use super::*;
use EvictionStep::{Evict, Freeze};

fn decide(
    used: usize,
    wanted: usize,
    live: usize,
    waiting: &[bool],
    active: usize,
) -> Option<EvictionStep> {
    let candidates: Vec<_> = waiting.iter().map(|&lost| Candidate { lost }).collect();
    next_step(MemoryUsage { limit: 160, used, wanted }, live, &candidates, active)
}

#[test]
fn the_newest_that_waits_goes_first() {
    let (a, b) = (false, false);
    let table = [
        // used, wanted, live, waiting, active
        ((100, 0, 100, vec![a, b], 10), None, "there is room"),
        ((121, 0, 100, vec![a, b], 10), Some(Evict(1)), "the newest"),
        ((121, 0, 100, vec![a], 10), Some(Evict(0)), "the only one"),
        ((90, 31, 90, vec![a], 10), Some(Evict(0)), "a frame waits for more than is left"),
        ((90, 1000, 70, vec![], 30), None, "spans on their way in are the cause"),
        ((30, 1000, 90, vec![a], 10), None, "the frames that wait are served before long"),
        ((121, 0, 100, vec![], 10), Some(Freeze), "nothing waits, but something grows"),
        ((121, 0, 100, vec![], 9), None, "a crumb"),
        ((121, 0, 100, vec![a, true, b], 10), Some(Evict(1)), "what is adopted anyway"),
    ];
    for ((used, wanted, live, waiting, active), expected, why) in table {
        assert_eq!(decide(used, wanted, live, &waiting, active), expected, "{why}");
    }
}
