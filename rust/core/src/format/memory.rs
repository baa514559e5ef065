//! What was worked out once and is likely to be asked for again.

/// How many answers are remembered.
const SLOTS: usize = 256;

/// Remembers the last answer for each of some places.
#[derive(Clone, Debug)]
pub(super) struct Memory<K, V>(Box<[Option<(K, V)>; SLOTS]>);

impl<K: PartialEq, V> Memory<K, V> {
    pub(super) fn new() -> Self {
        Self(Box::new([const { None }; SLOTS]))
    }

    /// The answer for `key`, made now if another one stands in its place. Of `place` the lowest eight bits count.
    #[inline(always)]
    pub(super) fn get(&mut self, place: u64, key: K, make: impl FnOnce() -> V) -> &V {
        let slot = &mut self.0[place as usize % SLOTS];
        if slot.as_ref().is_none_or(|(known, _)| *known != key) {
            *slot = Some((key, make()));
        }
        match slot {
            Some((_, answer)) => answer,
            None => unreachable!("just filled"),
        }
    }
}
