use super::*;

#[test]
fn those_above_their_share_wait_when_little_is_left() {
    let (budget, share) = (Some(WaitReason::Budget), Some(WaitReason::Share));
    // used, held, tenants, wanted
    let table = [
        ((0, 0, 1, 100), None),
        ((80, 80, 1, 0), None),
        ((80, 80, 1, 11), share),
        ((91, 91, 1, 0), share),
        ((81, 70, 2, 0), share),
        ((81, 11, 2, 0), None),
        ((60, 60, 2, 20), None),
        ((88, 34, 3, 0), share),
        ((95, 5, 2, 5), None),
        ((95, 5, 2, 6), budget),
        ((100, 0, 2, 1), budget),
    ];
    for ((used, held, tenants, wanted), expected) in table {
        let usage = TenantUsage { limit: 100, used, held, tenants, part: None };
        assert_eq!(usage.wait_reason(wanted), expected, "{usage:?} {wanted}");
    }
}

#[test]
fn a_tenants_limits_say_its_share() {
    let share = Some(WaitReason::Share);
    // used, held, tenants, the tenant's part in percent
    let table = [
        ((81, 30, 2, 25), share),
        ((81, 25, 2, 25), None),
        // It may borrow as long as there is room.
        ((80, 80, 2, 25), None),
        // More than the others have.
        ((85, 70, 10, 75), None),
        ((85, 76, 10, 75), share),
        // The last tenth stays for those that hold little.
        ((91, 70, 2, 100), share),
    ];
    for ((used, held, tenants, percent), expected) in table {
        let part = Some(f64::from(percent) / 100.0);
        let usage = TenantUsage { limit: 100, used, held, tenants, part };
        assert_eq!(usage.wait_reason(0), expected, "{usage:?}");
    }
    let mut shares = FairShare::<()>::new(100);
    let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
    let limits = Limits::read("tenants: {a: {memory: 20%}}").unwrap();
    shares.set_limits(Arc::new(limits));
    assert_eq!((shares.take(&a, 30), shares.take(&b, 51)), (Ok(()), Ok(())));
    assert_eq!((shares.wait_reason("a"), shares.wait_reason("c")), (share, None));
    shares.set_limits(Arc::default());
    assert_eq!(
        (shares.wait_reason("a"), shares.wait_reason("b")),
        (None, share),
        "as without them"
    );
}

fn served(shares: &mut FairShare<u32>) -> Vec<u32> {
    std::iter::from_fn(|| shares.next()).map(|(_, _, waiter)| waiter).collect()
}

#[test]
fn the_tenant_that_holds_least_is_next_and_nothing_overtakes_it() {
    let (loud, quiet): (Arc<str>, Arc<str>) = ("loud".into(), "quiet".into());
    let mut shares = FairShare::new(100);
    // One tenant's many streams have everything they can have, and more of them wait.
    while shares.take(&loud, 10).is_ok() {}
    assert_eq!(shares.used(), 90);
    (0..50).for_each(|n| shares.wait(&loud, 10, n));
    assert!(served(&mut shares).is_empty());
    // The other one comes last and is first.
    assert_eq!(shares.take(&quiet, 10), Err(WaitReason::Budget), "there is a line");
    shares.wait(&quiet, 10, 100);
    shares.wait(&quiet, 30, 101);
    assert_eq!(served(&mut shares), [100], "the last tenth is for it");
    // What is given back is kept together for its large frame.
    shares.release("loud", 20);
    assert!(served(&mut shares).is_empty());
    shares.release("loud", 10);
    assert_eq!(served(&mut shares), [101]);
    // Then the loud one has its turn again, in order, up to its share.
    shares.release("loud", 30);
    assert_eq!(served(&mut shares), [0, 1]);
    assert_eq!(shares.used(), 90);
}

#[test]
fn a_tenant_that_neither_holds_nor_waits_is_forgotten() {
    let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
    let mut shares = FairShare::new(10);
    shares.take(&a, 10).unwrap();
    shares.wait(&b, 5, 1);
    shares.wait(&a, 5, 2);
    shares.retain(|&waiter| waiter != 1);
    assert_eq!(shares.tenants.len(), 1);
    shares.release("a", 10);
    assert_eq!(served(&mut shares), [2]);
    shares.release("a", 5);
    assert!(shares.tenants.is_empty() && shares.waiting == 0 && shares.used() == 0);
}
