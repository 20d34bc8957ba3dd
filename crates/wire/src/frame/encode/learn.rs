//! Learning which attributes of a shape hardly change.

use hashbrown::HashMap;

/// Shapes with more attributes have no templates: their masks have 64 bits.
pub(super) const MAX_SLOTS: usize = 64;

/// Spans of a shape after which the decision stands.
const LESSONS: u32 = 64;

/// More distinct values than that, and an attribute is not fixed.
const MAX_DISTINCT: usize = 12;

/// More templates of one shape than that, and its most varied attribute is fixed no longer.
const MAX_TEMPLATES: u32 = 32;

/// What is known of the shapes of one dictionary.
#[derive(Debug, Default)]
pub(super) struct Learned {
    places: HashMap<u32, usize>,
    shapes: Vec<LearnedShape>,
}

/// What is known of one shape's values.
#[derive(Debug)]
pub(super) struct LearnedShape {
    /// Slots that templates fix.
    pub(super) fixed: u64,
    seen: u32,
    /// Whether values were seen since the last decision.
    undecided: bool,
    templates: u32,
    /// Fingerprints of each slot's values, up to one more than [`MAX_DISTINCT`].
    distinct: Vec<Vec<u32>>,
}

impl Learned {
    /// Place of the shape with this number, which has so many slots.
    pub(super) fn of_shape(&mut self, number: u32, slots: usize) -> usize {
        *self.places.entry(number).or_insert_with(|| {
            let distinct = vec![Vec::new(); slots];
            self.shapes.push(LearnedShape {
                fixed: 0,
                seen: 0,
                undecided: false,
                templates: 0,
                distinct,
            });
            self.shapes.len() - 1
        })
    }

    pub(super) fn get(&self, place: usize) -> Option<&LearnedShape> {
        self.shapes.get(place)
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut LearnedShape> {
        self.shapes.get_mut(place)
    }

    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.shapes.clear();
    }
}

impl LearnedShape {
    pub(super) fn is_learning(&self) -> bool {
        self.seen < LESSONS
    }

    /// One span's values, as fingerprints.
    pub(super) fn see(&mut self, values: impl Iterator<Item = u64>) {
        self.seen += 1;
        self.undecided = true;
        for (slot, value) in self.distinct.iter_mut().zip(values) {
            note(slot, value);
        }
    }

    /// Decides by what has been seen so far.
    pub(super) fn decide(&mut self) -> u64 {
        if self.seen < 2 || !std::mem::take(&mut self.undecided) {
            return self.fixed;
        }
        let allowed = (1 + self.seen as usize / 4).min(MAX_DISTINCT);
        self.fixed = 0;
        for (slot, distinct) in self.distinct.iter().enumerate() {
            if distinct.len() <= allowed {
                self.fixed |= 1 << slot;
            }
        }
        self.fixed
    }

    /// A template has been defined, with these values of the fixed slots.
    pub(super) fn defined(&mut self, values: impl Iterator<Item = u64>) {
        let fixed = self.fixed;
        let slots = self.distinct.iter_mut().enumerate();
        slots
            .filter(|(slot, _)| fixed & 1 << slot != 0)
            .zip(values)
            .for_each(|((_, distinct), value)| note(distinct, value));
        self.templates += 1;
        if self.templates > MAX_TEMPLATES {
            self.templates = 0;
            let fixed_slots =
                self.distinct.iter().enumerate().filter(|(slot, _)| fixed & 1 << slot != 0);
            if let Some((worst, _)) = fixed_slots.max_by_key(|(_, distinct)| distinct.len()) {
                self.fixed &= !(1 << worst);
            }
        }
    }
}

fn note(distinct: &mut Vec<u32>, value: u64) {
    let value = (value >> 32) as u32 ^ value as u32;
    if distinct.len() <= 3 * MAX_DISTINCT && !distinct.contains(&value) {
        distinct.push(value);
    }
}
