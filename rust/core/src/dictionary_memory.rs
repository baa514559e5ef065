//! Where the dictionary of a ring lies: entries one behind the other, and from the end downwards the accounts.
//!
//! An entry is published by the length that covers it, after its bytes and after its account, so that a drainer, which
//! reads at the same time, finds both. The records that name it are published later still.

use std::sync::Arc;

use crate::ledger::Ledger;
use crate::region::{Lent, Region};
use crate::sync::Ordering;

/// Offset of the dictionary's length. Written by the producer, after the entries.
pub const DICTIONARY: usize = 0x200;
/// Offset of the number of accounts. Written by the producer, before the entries that they belong to.
pub const ACCOUNTS: usize = 0x208;
/// Bytes of an account.
pub const ACCOUNT: usize = size_of::<Ledger>();

/// The memory of a dictionary, which one producer extends while anybody reads.
#[derive(Clone, Debug)]
pub struct DictionaryMemory {
    region: Arc<Region>,
    begin: usize,
    capacity: usize,
}

impl DictionaryMemory {
    /// The `capacity` bytes at offset `begin` of a region.
    pub fn new(region: Arc<Region>, begin: usize, capacity: usize) -> Self {
        Self { region, begin, capacity }
    }

    /// The bytes of the entries from `read` on.
    pub fn entries(&self, read: usize) -> Lent<'_> {
        // ORDERING: Acquire pairs with the Release in `append`: the entries are seen, and the number of accounts.
        let length = (self.region.atomic(DICTIONARY).load(Ordering::Acquire) as usize).min(self.capacity);
        let read = read.min(length);
        // SAFETY: entries before the published length are never written again.
        unsafe { self.region.bytes(self.begin + read, length - read) }
    }

    /// How many accounts there are: at least those of the entries that were read.
    pub fn accounts(&self) -> usize {
        self.region.atomic(ACCOUNTS).load(Ordering::Relaxed) as usize
    }

    /// The offset of the n-th account, from 0.
    pub fn account(&self, n: usize) -> Option<usize> {
        let used = self.region.atomic(DICTIONARY).load(Ordering::Relaxed) as usize;
        let at = (self.begin + self.capacity).checked_sub(n.checked_add(1)?.checked_mul(ACCOUNT)?)?;
        // Of a damaged ring anything can be expected.
        let is_sound = n < self.accounts() && at.is_multiple_of(8) && self.begin.checked_add(used)? <= at;
        is_sound.then_some(at)
    }

    /// Appends an entry, with an account of zeros if it has one; `false` if it does not fit into what `reserve` bytes
    /// leave.
    ///
    /// # Safety
    /// Only the producer calls this, one thread at a time.
    pub unsafe fn append(&self, entry: &[u8], has_account: bool, reserve: usize) -> bool {
        let length = self.region.atomic(DICTIONARY).load(Ordering::Relaxed) as usize;
        let accounts = self.accounts() + usize::from(has_account);
        if length + entry.len() + reserve + accounts * ACCOUNT > self.capacity {
            return false;
        }
        self.region.atomic(ACCOUNTS).store(accounts as u64, Ordering::Relaxed);
        // SAFETY: behind the published length, where readers do not look; we are the only writer.
        unsafe { self.region.write(self.begin + length, entry) };
        // ORDERING: Release pairs with the Acquire in `entries`: who sees the length sees the entry and its account.
        self.region.atomic(DICTIONARY).store((length + entry.len()) as u64, Ordering::Release);
        true
    }
}
