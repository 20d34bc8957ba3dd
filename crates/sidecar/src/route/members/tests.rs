use super::*;
use std::time::Duration;

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn targets(plan: &Plan) -> Vec<&str> {
    let mut targets: Vec<_> = (0..plan.groups()).filter_map(|g| plan.target(g, 0)).collect();
    targets.sort_unstable();
    targets
}

#[test]
fn the_two_sources() {
    let table: [(&[&str], &[&str], &[&str]); 6] = [
        (&[], &[], &[]),
        (&["a:1", "b:1"], &[], &["a:1", "b:1"]),
        // One address in front of all of them.
        (&["vip:1"], &["a:1", "b:1"], &["a:1", "b:1"]),
        // Each knows one that the other does not know.
        (&["a:1", "b:1"], &["b:1", "c:1"], &["a:1", "b:1", "c:1"]),
        (&["a:1"], &["a:1", "0.0.0.0:1"], &["a:1"]),
        (&["a:1"], &["a:1", "b"], &["a:1"]),
    ];
    for (resolved, told, expected) in table {
        let mut directory = Directory::new(1);
        directory.resolved(list(resolved));
        directory.told(list(told));
        assert_eq!(targets(&directory.plan(Instant::now())), expected, "{resolved:?} {told:?}");
    }
}

#[test]
fn nothing_new_takes_nothing_away() {
    let mut directory = Directory::new(1);
    directory.resolved(list(&["vip:1"]));
    directory.told(list(&["a:1"]));
    directory.resolved(vec![]);
    directory.told(vec![]);
    assert_eq!(targets(&directory.plan(Instant::now())), ["a:1"]);
    directory.forget_told();
    assert_eq!(targets(&directory.plan(Instant::now())), ["vip:1"]);
}

#[test]
fn who_is_away_keeps_its_group_and_who_leaves_does_not() {
    let now = Instant::now();
    let later = now + Duration::from_secs(10);
    let mut directory = Directory::new(1);
    directory.resolved(list(&["a:1", "b:1", "c:1"]));
    assert_eq!(directory.next_change(), None);

    directory.away("a:1", later);
    let plan = directory.plan(now);
    assert_eq!(plan.groups(), 3);
    assert!(!targets(&plan).contains(&"a:1"));
    assert_eq!(directory.next_change(), Some(later));

    directory.here("a:1");
    assert_eq!(targets(&directory.plan(now)), ["a:1", "b:1", "c:1"]);

    directory.leaving("b:1", later);
    directory.away("b:1", now + Duration::from_secs(1));
    directory.here("b:1");
    let plan = directory.plan(now + Duration::from_secs(5));
    assert_eq!((plan.groups(), targets(&plan)), (2, vec!["a:1", "c:1"]));

    assert_eq!(targets(&directory.plan(later)), ["a:1", "b:1", "c:1"], "marks end");
    assert_eq!(directory.next_change(), None);
}

#[test]
fn the_last_one_to_leave_is_used_until_it_has_gone() {
    let now = Instant::now();
    let mut directory = Directory::new(1);
    directory.resolved(list(&["a:1"]));
    directory.leaving("a:1", now + Duration::from_secs(10));
    assert_eq!(targets(&directory.plan(now)), ["a:1"]);
}

#[test]
fn only_different_plans_are_published() {
    let members = Members::new(1);
    let mut plan = members.plan();
    members.learn(|d| d.resolved(list(&["a:1", "b:1"])));
    assert!(plan.has_changed().unwrap());
    assert_eq!(plan.borrow_and_update().groups(), 2);
    members.learn(|d| d.resolved(list(&["b:1", "a:1"])));
    assert!(!plan.has_changed().unwrap());
}
