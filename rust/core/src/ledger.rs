//! What a sink has done, or a route has taken, as one consistent picture: a sequence lock with one writer.
//!
//! (The scheme is the one of H. Boehm, "Can Seqlocks Get Along With Programming Language Memory Models?", 2012.)

use crate::sync::{AtomicU64, Ordering, fence};

/// One moment of a sink, or of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Everything before this position of the ring is counted here.
    pub cursor: u64,
    /// Records that a sink has written; that a route has taken.
    pub kept: u64,
    /// Records that a sink could not write, for good; that were refused.
    pub lost: u64,
}

/// The ledger of one sink, whose writer is whoever drains the ring, or of one route, whose writer is the producer.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Ledger {
    sequence: AtomicU64,
    cursor: AtomicU64,
    kept: AtomicU64,
    lost: AtomicU64,
}

impl Ledger {
    /// Enters a new state. One thread at a time.
    pub fn enter(&self, entry: Entry) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence + 1, Ordering::Relaxed);
        // ORDERING: this fence pairs with the Acquire fence in `read`: who sees one of the new values also sees
        // the odd sequence.
        fence(Ordering::Release);
        self.cursor.store(entry.cursor, Ordering::Relaxed);
        self.kept.store(entry.kept, Ordering::Relaxed);
        self.lost.store(entry.lost, Ordering::Relaxed);
        // ORDERING: Release pairs with the first Acquire in `read`: the even sequence comes with its values.
        self.sequence.store(sequence + 2, Ordering::Release);
    }

    /// The present state, or `None` if it changed while it was being read: try again.
    pub fn read(&self) -> Option<Entry> {
        // ORDERING: Acquire pairs with the Release at the end of `enter`.
        let before = self.sequence.load(Ordering::Acquire);
        let entry = Entry {
            cursor: self.cursor.load(Ordering::Relaxed),
            kept: self.kept.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
        };
        // ORDERING: this fence pairs with the Release fence in `enter`.
        fence(Ordering::Acquire);
        let after = self.sequence.load(Ordering::Relaxed);
        (before == after && before.is_multiple_of(2)).then_some(entry)
    }

    /// How far the sink is. May be read at any time.
    pub fn cursor(&self) -> u64 {
        // ORDERING: Acquire pairs with the Release at the end of `enter` only as far as the value goes: a cursor
        // is a promise about the file, which the kernel keeps.
        self.cursor.load(Ordering::Acquire)
    }
}
