//! What has become of the records, in the ring's file, for who looks from outside.
//!
//! Each route and each sink of the dictionary has an account, the n-th of them the n-th from the dictionary's end: how
//! many records the route has taken, how many the sink has settled, and up to which position. Rings of earlier versions
//! have none.

use std::ops::Deref;
use std::sync::Arc;

use super::RingMemory;
use crate::dictionary_memory::ACCOUNT;
use crate::ledger::Ledger;
use crate::region::Region;

/// A ledger in the memory of a ring.
#[derive(Clone, Debug)]
pub struct Account {
    region: Arc<Region>,
    at: usize,
}

impl Account {
    /// One that nobody else can see.
    pub fn apart() -> Self {
        Self { region: Arc::new(Region::heap(ACCOUNT)), at: 0 }
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
        self.dictionary.accounts()
    }

    /// The account of a route or a sink: that of the n-th of them in the dictionary, from 0.
    pub fn account(&self, n: usize) -> Option<Account> {
        self.dictionary.account(n).map(|at| Account { region: Arc::clone(&self.region), at })
    }
}
