//! The producer's side of the dictionary: each text is entered once, before the first record that names it.

use std::collections::HashMap;

use crate::dictionary::Entry;
use crate::record::INLINE;
use crate::ringfile::RingMemory;

/// Bytes of the dictionary that only sinks, routes and levels may use.
const RESERVE: usize = 4096;

/// What has been entered into the dictionary of one ring.
#[derive(Debug, Default)]
pub struct Interner {
    ids: HashMap<Box<[u8]>, u32>,
    next: u32,
}

impl Interner {
    /// For a ring whose dictionary is empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of an entry, entered now if it is new; `None` if the dictionary is full.
    ///
    /// # Safety
    /// As [`RingMemory::append_to_dictionary`]: one producer at a time, and always this interner for this ring.
    pub unsafe fn intern(&mut self, memory: &RingMemory, entry: &Entry) -> Option<u32> {
        let bytes = entry.encode();
        if let Some(id) = self.ids.get(&*bytes) {
            return Some(*id);
        }
        let reserve = if matches!(entry, Entry::Name(_) | Entry::Shape(_) | Entry::Fields(_)) { RESERVE } else { 0 };
        // SAFETY: the caller's promise.
        if self.next == INLINE || !unsafe { memory.append_to_dictionary(entry, reserve) } {
            return None;
        }
        let id = self.next;
        self.next += 1;
        // A level may be renamed and renamed back: each time it is a new entry, the latest one counts. And routes to the
        // same sinks may have to be counted apart.
        if !matches!(entry, Entry::Level { .. } | Entry::Route(_)) {
            self.ids.insert(bytes.into(), id);
        }
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::Dictionary;
    use crate::ringfile::{Owner, Sizes};
    use std::path::Path;

    #[test]
    fn a_full_dictionary_still_takes_sinks_and_routes() {
        let owner =
            Owner { pid: 1, uid: 1, process_start: 0, created: 0, boot: [0; 16], log_directory: Path::new("/") };
        let memory = RingMemory::on_heap(Sizes::of(1 << 16), &owner).unwrap();
        let mut interner = Interner::new();
        let mut names = 0u32;
        let mut intern = |entry: &Entry| {
            // SAFETY: one thread, one interner.
            unsafe { interner.intern(&memory, entry) }
        };
        while let Some(id) = intern(&Entry::Name(format!("logger.{names}").into_bytes().into())) {
            assert_eq!(id, names);
            names += 1;
        }
        assert_eq!(intern(&Entry::Name((*b"logger.0").into())), Some(0));
        assert_eq!(intern(&Entry::Route([0].into())), Some(names));
        let mut dictionary = Dictionary::new();
        dictionary.extend(memory.dictionary(0)).unwrap();
        assert_eq!(dictionary.len() as u32, names + 1);
    }
}
