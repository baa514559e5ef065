//! Where records go, and how many went there.

use undergird_core::ledger::Entry;
use undergird_core::ringfile::Account;

/// The sinks that a record goes to, and how many went there.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its number in the dictionary.
    pub id: u32,
    /// The numbers of its sinks.
    pub sinks: Vec<u32>,
    /// Whether a call waits for its line.
    pub sync: bool,
    /// Records that were logged, accepted or not.
    pub emitted: u64,
    /// Records that were refused.
    pub dropped: u64,
    /// Where others can read of both.
    account: Account,
}

impl Route {
    /// One that has taken nothing, at this position of the ring.
    pub fn new(id: u32, sinks: &[u32], sync: bool, account: Account, cursor: u64) -> Self {
        let route = Self { id, sinks: sinks.into(), sync, emitted: 0, dropped: 0, account };
        route.note(cursor);
        route
    }

    /// Notes down for others what it has taken before a position.
    pub fn note(&self, cursor: u64) {
        let kept = self.emitted - self.dropped;
        self.account.enter(Entry { cursor, kept, lost: self.dropped });
    }
}
