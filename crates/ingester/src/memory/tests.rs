use super::*;
use futures_util::FutureExt;

fn tenant(name: &str) -> Arc<str> {
    name.into()
}

fn now(asked: Admission) -> Option<Permit> {
    match asked {
        Admission::Granted(permit) => Some(permit),
        Admission::Queued(queued) => queued.granted().now_or_never(),
    }
}

fn later(asked: Admission) -> Queued {
    match asked {
        Admission::Granted(permit) => panic!("{permit:?}"),
        Admission::Queued(queued) => queued,
    }
}

#[test]
fn permits_are_counted_and_come_back() {
    let (memory, t) = (MemoryBudget::new(100 * UNIT), tenant("t"));
    let mut a = now(memory.admit(&t, 50 * UNIT)).unwrap();
    assert_eq!(memory.used(), 50 * UNIT);
    memory.adjust(&mut a, 20 * UNIT);
    assert_eq!(memory.used(), 20 * UNIT);
    memory.adjust(&mut a, 30 * UNIT);
    assert_eq!(memory.used(), 30 * UNIT);
    let all = later(memory.admit(&t, usize::MAX));
    drop(a);
    let all = all.granted().now_or_never().unwrap();
    assert_eq!(memory.used(), memory.limit());
    drop(all);
    assert_eq!(memory.used(), 0);
}

#[test]
fn a_loud_tenant_leaves_room_for_a_quiet_one() {
    let (memory, loud, quiet) = (MemoryBudget::new(100 * UNIT), tenant("loud"), tenant("quiet"));
    let mut held = Vec::new();
    // A crowd of streams asks at once: most of them wait.
    let mut crowd = Vec::new();
    for _ in 0..40 {
        match memory.admit(&loud, 10 * UNIT) {
            Admission::Granted(permit) => held.push(permit),
            Admission::Queued(queued) => crowd.push(queued),
        }
    }
    assert_eq!((held.len(), crowd.len()), (9, 31));
    // The quiet one stands behind none of them.
    let first = now(memory.admit(&quiet, 9 * UNIT));
    assert!(first.is_some(), "the quiet one is served");
    assert!(memory.is_over_share("loud") && !memory.is_over_share("quiet"));
    // And the loud ones again, as soon as something comes back.
    held.truncate(4);
    let served = crowd.into_iter().filter_map(|queued| queued.granted().now_or_never());
    assert_eq!(served.count(), 31, "one after the other");
}

#[test]
fn a_frame_that_leaves_the_line_holds_up_no_other() {
    let (memory, a, b) = (MemoryBudget::new(100 * UNIT), tenant("a"), tenant("b"));
    let held = now(memory.admit(&a, 60 * UNIT)).unwrap();
    let large = later(memory.admit(&b, 80 * UNIT));
    let small = later(memory.admit(&a, 10 * UNIT));
    drop(large);
    assert!(small.granted().now_or_never().is_some());
    // Nor does one that leaves with what it was just given.
    let next = later(memory.admit(&b, 90 * UNIT));
    drop(held);
    assert_eq!(memory.used(), 90 * UNIT);
    drop(next);
    assert_eq!(memory.used(), 0);
}
