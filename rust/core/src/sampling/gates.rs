//! The places whose records are held back now and then: a table of fixed size, in which those that have not been seen for
//! longest make room.

use std::collections::BTreeMap;

use super::{Rule, State};

/// How many places are remembered.
pub const SLOTS: usize = 4096;
/// How many of them share a part of the table.
const WAYS: usize = 4;

/// What a state belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// A number for the rule.
    pub rule: u64,
    /// Which instruction of what, or what is to be told apart otherwise.
    pub place: (u64, u32),
    /// A number for the logger.
    pub subject: u32,
}

impl Key {
    const NONE: Self = Self { rule: 0, place: (0, 0), subject: 0 };

    fn hash(&self) -> usize {
        let (place, at) = self.place;
        let numbers = self.rule ^ place.rotate_left(17) ^ u64::from(at) << 32 ^ u64::from(self.subject);
        (numbers.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    key: Key,
    state: State,
    /// When it was last asked for, as a count of questions; 0 for a slot that holds nothing.
    asked: u64,
    /// Records held back that nobody has been told of.
    held: u64,
    /// The level of the last of them.
    level: u8,
}

const EMPTY: Slot = Slot { key: Key::NONE, state: State { mark: f64::NAN, seen: 0 }, asked: 0, held: 0, level: 0 };

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How many were held back since the last that was let through, if this one is.
    pub through: Option<u64>,
    /// Whether the key was not in the table before.
    pub is_new: bool,
    /// The key that made room for it.
    pub evicted: Option<Key>,
}

/// The places, and the counts of what was held back.
#[derive(Debug, Default)]
pub struct Gates {
    /// None before the first question.
    slots: Vec<Slot>,
    questions: u64,
    /// By logger: held back and told.
    told: BTreeMap<u32, u64>,
    /// By logger and level: held back at places that are not remembered any more, and not told.
    untold: BTreeMap<(u32, u8), u64>,
}

impl Gates {
    /// With room for nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: Vec::new(), questions: 0, told: BTreeMap::new(), untold: BTreeMap::new() }
    }

    /// Whether a record is let through. The time may be any, the level is for the count.
    ///
    /// Cost: about 5 ns for a place that is known.
    pub fn ask(&mut self, key: Key, rule: &Rule, level: u8, now: f64) -> Answer {
        if self.slots.is_empty() {
            self.slots = vec![EMPTY; SLOTS];
        }
        self.questions += 1;
        let set = key.hash() % (SLOTS / WAYS) * WAYS;
        let slots = &mut self.slots[set..set + WAYS];
        let mut answer = Answer { through: None, is_new: false, evicted: None };
        let at = match slots.iter().position(|slot| slot.asked > 0 && slot.key == key) {
            Some(known) => known,
            None => {
                let oldest = (0..WAYS).min_by_key(|at| slots[*at].asked).unwrap_or(0);
                let slot = std::mem::replace(&mut slots[oldest], Slot { key, ..EMPTY });
                answer.is_new = true;
                answer.evicted = (slot.asked > 0).then_some(slot.key);
                if slot.held > 0 {
                    *self.untold.entry((slot.key.subject, slot.level)).or_default() += slot.held;
                }
                oldest
            }
        };
        let slot = &mut slots[at];
        slot.asked = self.questions;
        if rule.lets_through(&mut slot.state, now) {
            let held = std::mem::take(&mut slot.held);
            if held > 0 {
                *self.told.entry(key.subject).or_default() += held;
            }
            answer.through = Some(held);
        } else {
            slot.held += 1;
            slot.level = level;
        }
        answer
    }

    /// What was held back and not told yet, by logger and level of the last; it counts as told from now on.
    pub fn tell(&mut self) -> BTreeMap<(u32, u8), u64> {
        let mut untold = std::mem::take(&mut self.untold);
        for slot in self.slots.iter_mut().filter(|slot| slot.held > 0) {
            *untold.entry((slot.key.subject, slot.level)).or_default() += std::mem::take(&mut slot.held);
        }
        for ((subject, _), count) in &untold {
            *self.told.entry(*subject).or_default() += count;
        }
        untold
    }

    /// How many records were held back in all, by logger.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<u32, u64> {
        let mut counts = self.told.clone();
        let remembered = self.slots.iter().map(|slot| (slot.key.subject, slot.held));
        for (subject, held) in remembered.chain(self.untold.iter().map(|((subject, _), held)| (*subject, *held))) {
            if held > 0 {
                *counts.entry(subject).or_default() += held;
            }
        }
        counts
    }

    /// Forgets all counts, not the places: what a forked child's parent held back is the parent's to tell.
    pub fn forget_counts(&mut self) {
        self.told.clear();
        self.untold.clear();
        self.slots.iter_mut().for_each(|slot| slot.held = 0);
    }
}
