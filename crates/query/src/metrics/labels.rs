//! Labels as keys of maps.

use crate::answer::Label;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// Values of labels, in the order of their names. Doubles are equal when their bits are.
#[derive(Debug, Clone)]
pub(crate) struct Key(pub(crate) Vec<Label>);

fn order(a: &Label, b: &Label) -> Ordering {
    let rank = |label: &Label| match label {
        Label::Nil => 0,
        Label::Str(_) => 1,
        Label::Int(_) => 2,
        Label::Float(_) => 3,
        Label::Bool(_) => 4,
        Label::List(_) => 5,
    };
    match (a, b) {
        (Label::Str(a), Label::Str(b)) => a.cmp(b),
        (Label::Int(a), Label::Int(b)) => a.cmp(b),
        (Label::Float(a), Label::Float(b)) => a.total_cmp(b),
        (Label::Bool(a), Label::Bool(b)) => a.cmp(b),
        (Label::List(a), Label::List(b)) => {
            let pairs = a.iter().zip(b).map(|(a, b)| order(a, b));
            pairs.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = self.0.iter().zip(&other.0).map(|(a, b)| order(a, b));
        pairs.fold(Ordering::Equal, Ordering::then).then(self.0.len().cmp(&other.0.len()))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        fn one<H: Hasher>(label: &Label, state: &mut H) {
            match label {
                Label::Nil => 0u8.hash(state),
                Label::Str(text) => text.hash(state),
                Label::Int(n) => n.hash(state),
                Label::Float(n) => n.to_bits().hash(state),
                Label::Bool(is) => is.hash(state),
                Label::List(all) => all.iter().for_each(|label| one(label, state)),
            }
        }
        self.0.iter().for_each(|label| one(label, state));
    }
}
