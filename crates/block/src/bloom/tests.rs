use super::*;
use proptest::prelude::*;

const VECTOR: TraceId = TraceId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

#[test]
fn locations_are_those_of_the_library() {
    let found: Vec<u64> = locations(&VECTOR, 7, u64::MAX).collect();
    let expected = [
        4_920_504_430_128_807_728,
        12_437_716_817_018_698_979,
        5_070_955_464_876_550_252,
        15_904_856_383_350_911_386,
        9_643_657_875_070_252_620,
        12_738_618_886_514_184_027,
        5_371_857_534_372_035_300,
    ];
    assert_eq!(found, expected);
    let found: Vec<u64> = locations(&VECTOR, 7, MAX_BITS).collect();
    assert_eq!(found, [474_928, 638_179, 518_252, 536_986, 95_820, 724_827, 604_900]);
}

#[test]
fn shards_are_those_of_tempo() {
    assert_eq!(shard_of(&VECTOR, u32::MAX), 853_668_421);
    assert_eq!((shard_of(&VECTOR, 3), shard_of(&VECTOR, 10), shard_of(&VECTOR, 0)), (1, 1, 0));
}

fn ids(count: u64) -> Vec<TraceId> {
    let id = |n: u64| u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) | 1;
    (0..count).map(|n| TraceId(id(n).to_be_bytes())).collect()
}

#[test]
fn what_is_in_is_found_and_little_else() {
    for (count, shards) in [(0, 1), (1, 1), (1000, 1), (81_920, 1), (81_921, 2), (400_000, 5)] {
        let all = ids(count + 10_000);
        let (inside, outside) = all.split_at(usize::try_from(count).unwrap());
        let objects = write(inside);
        assert_eq!(objects.len(), shards);
        let blooms: Vec<Bloom> = objects.into_iter().map(|o| Bloom::parse(o).unwrap()).collect();
        let may = |id: &TraceId| {
            blooms[shard_of(id, u32::try_from(shards).unwrap()) as usize].may_contain(id)
        };
        assert!(inside.iter().all(may));
        let wrong = outside.iter().filter(|id| may(id)).count();
        assert!(wrong < 200, "{wrong} of 10000 wrongly in a filter for {count}");
    }
}

#[test]
fn a_filter_of_three_is_small() {
    assert_eq!(write(&ids(3))[0].len(), HEADER + 8);
}

#[test]
fn a_cut_or_lengthened_object_is_an_error() {
    let whole = write(&ids(100)).remove(0);
    for end in 0..whole.len() {
        assert!(Bloom::parse(whole.slice(..end)).is_err(), "cut at {end}");
    }
    let mut longer = whole.to_vec();
    longer.push(0);
    assert!(Bloom::parse(longer.into()).is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), m in 0..400u64, k in 0..9u64) {
        let mut framed = Vec::new();
        [m, k, m].iter().for_each(|n| framed.extend_from_slice(&n.to_be_bytes()));
        framed.extend_from_slice(&bytes);
        for object in [bytes, framed] {
            if let Ok(bloom) = Bloom::parse(object.into()) {
                bloom.may_contain(&VECTOR);
            }
        }
    }
}
