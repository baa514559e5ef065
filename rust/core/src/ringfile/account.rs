//! What has become of the records, in the ring's file, for who looks from outside.
//!
//! Each route and each sink of the dictionary has an account, the n-th of them the n-th from the dictionary's end: how
//! many records the route has taken, how many the sink has settled, and up to which position. Rings of earlier versions
//! have none.

use std::ops::Deref;
use std::sync::Arc;

use super::{DICTIONARY, RingMemory};
use crate::ledger::Ledger;
use crate::region::Region;
use crate::sync::Ordering;

/// Offset of the number of accounts. Written by the producer, before the entries that they belong to.
pub(super) const ACCOUNTS: usize = 0x208;

/// A ledger in the memory of a ring.
#[derive(Clone, Debug)]
pub struct Account {
    region: Arc<Region>,
    at: usize,
}

impl Account {
    /// Bytes of one.
    pub const SIZE: usize = size_of::<Ledger>();

    /// One that nobody else can see.
    pub fn apart() -> Self {
        Self { region: Arc::new(Region::heap(Self::SIZE)), at: 0 }
    }
}

impl Deref for Account {
    type Target = Ledger;

    fn deref(&self) -> &Ledger {
        self.region.ledger(self.at)
    }
}

impl RingMemory {
    /// How many accounts there are.
    pub fn accounts(&self) -> usize {
        // ORDERING: Acquire pairs with the Release in `open_accounts`; the words themselves are atomics.
        self.region.atomic(ACCOUNTS).load(Ordering::Acquire) as usize
    }

    /// The account of a route or a sink: that of the n-th of them in the dictionary, from 0.
    pub fn account(&self, n: usize) -> Option<Account> {
        let (begin, length) = self.header.dictionary;
        let used = self.region.atomic(DICTIONARY).load(Ordering::Relaxed) as usize;
        let at = (begin + length).checked_sub(n.checked_add(1)?.checked_mul(Account::SIZE)?)?;
        // Of a damaged ring anything can be expected.
        let is_sound = n < self.accounts() && at.is_multiple_of(8) && begin.checked_add(used)? <= at;
        is_sound.then(|| Account { region: Arc::clone(&self.region), at })
    }

    /// So many are there from now on; the new ones hold zeros.
    pub(super) fn open_accounts(&self, count: usize) {
        // ORDERING: Release pairs with the Acquire in `accounts`.
        self.region.atomic(ACCOUNTS).store(count as u64, Ordering::Release);
    }
}
