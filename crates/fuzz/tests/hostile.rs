//! What every decoder must survive, whatever the bytes: an answer without a panic, and within the
//! memory that its target states.

use proptest::prelude::*;
use std::sync::LazyLock;
use tributary_fuzz::engine::Engine;
use tributary_fuzz::{TARGETS, Target, memory, mutate};
use tributary_testkit::Random;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

type Corpus = Vec<Vec<u8>>;

/// Each target with its inputs, made once.
static CORPORA: LazyLock<Vec<(&Target, Corpus)>> =
    LazyLock::new(|| TARGETS.iter().map(|target| (target, (target.corpus)())).collect());

fn of_each_target(attack: impl Fn(&Target, &[u8])) {
    for (target, corpus) in &*CORPORA {
        corpus.iter().for_each(|input| attack(target, input));
    }
}

/// All places of a short input; of a long one as many, spread out.
fn places(end: usize) -> impl Iterator<Item = usize> {
    const MOST: usize = 4000;
    (0..end).step_by(end.div_ceil(MOST).max(1))
}

/// As they are, and with checksums that hold.
fn both(target: &Target, input: &[u8]) {
    target.attack(input);
    let mut repaired = input.to_vec();
    (target.repair)(&mut repaired);
    if repaired != input {
        target.attack(&repaired);
    }
}

#[test]
fn what_the_encoders_made_is_accepted_and_repairing_changes_nothing() {
    of_each_target(|target, input| {
        let ended = target.attack(input);
        let refused = ["damaged", "wrong", "malformed", "not", "expected", "larger"];
        assert!(!refused.iter().any(|word| ended.contains(word)), "{}: {ended}", target.name);
        let mut repaired = input.to_vec();
        (target.repair)(&mut repaired);
        assert_eq!(repaired, input, "{}", target.name);
    });
    assert!(CORPORA.iter().all(|(_, corpus)| !corpus.is_empty()));
}

#[test]
fn a_decoder_that_takes_too_much_is_caught() {
    let greedy = |_: &[u8]| format!("{}", vec![0u8; 1 << 20].len());
    let target = Target::new("greedy", || vec![vec![]], greedy);
    let caught = std::panic::catch_unwind(|| target.attack(b"1234")).unwrap_err();
    let text = caught.downcast::<String>().unwrap();
    assert!(text.contains("greedy: 4 bytes of input made it hold 1048"), "{text}");
    assert_eq!(target.holding(2 << 20, 0).attack(b"1234"), "1048576");
}

#[test]
fn cut_off_at_each_byte() {
    of_each_target(|target, input| {
        for end in places(input.len()) {
            both(target, &input[..end]);
            both(target, &input[end..]);
        }
    });
}

#[test]
fn each_bit_flipped() {
    of_each_target(|target, input| {
        let mut input = input.to_vec();
        for bit in places(input.len() * 8) {
            input[bit / 8] ^= 1 << (bit % 8);
            both(target, &input);
            input[bit / 8] ^= 1 << (bit % 8);
        }
    });
}

/// Lengths that claim everything, in every width and at every place.
#[test]
fn lengths_that_lie() {
    let lies: [&[u8]; 9] = [
        &[0xff],
        &[0xff; 2],
        &[0xff; 4],
        &[0xff; 8],
        b"\xff\xff\xff\x7f",
        b"\x7f\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
    ];
    of_each_target(|target, input| {
        for at in places(input.len()).step_by(input.len().div_ceil(400)) {
            for lie in lies {
                let mut lying = input.to_vec();
                lying.splice(at..(at + lie.len()).min(input.len()), lie.iter().copied());
                both(target, &lying);
                lying = input.to_vec();
                lying.splice(at..=at, lie.iter().copied());
                both(target, &lying);
            }
        }
    });
}

#[test]
fn the_engine_finds_new_ways() {
    for target in TARGETS {
        let mut engine = Engine::new(*target, 1);
        let begun = engine.ways();
        for _ in 0..2000 {
            let input = engine.next_input();
            engine.execute(&input);
        }
        assert!(engine.ways() > begun, "{}: every input ended alike", target.name);
    }
}

proptest! {
    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        for target in TARGETS {
            both(target, &bytes);
        }
    }

    #[test]
    fn random_bytes_behind_a_true_beginning(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        whole: prop::sample::Index,
        at: prop::sample::Index,
    ) {
        for (target, corpus) in &*CORPORA {
            let input = &corpus[whole.index(corpus.len())];
            let mut input = input[..at.index(input.len() + 1)].to_vec();
            input.extend_from_slice(&bytes);
            both(target, &input);
        }
    }

    #[test]
    fn many_small_changes(seed: u64, whole: prop::sample::Index, other: prop::sample::Index) {
        for (target, corpus) in &*CORPORA {
            let mut input = corpus[whole.index(corpus.len())].clone();
            mutate(&mut input, &corpus[other.index(corpus.len())], &mut Random::new(seed));
            both(target, &input);
        }
    }
}
