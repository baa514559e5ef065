//! One file of a ring: how far it got, and what keeps it from getting on.

use std::io;
use std::path::Path;

use crate::batch::Batch;
use crate::ledger::Entry;
use crate::ringfile::Account;
use crate::rotation::Rotation;
use crate::sink::FileSink;

/// Nanoseconds until a sink in trouble is tried again, at first and at most.
const RETRY: (u64, u64) = (20_000_000, 1_000_000_000);

/// Why a sink does not get on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What the system said.
    pub error: String,
    /// How many tries have failed in a row.
    pub tries: u32,
    retry_at: u64,
}

impl Trouble {
    /// Somebody else holds the log's lock. Tried again at once.
    pub(super) fn busy() -> Self {
        Self { error: "another process holds the log's lock".into(), tries: 0, retry_at: 0 }
    }

    /// Whether the time of the next try has not come. One that is further away than any pause shows a clock that went
    /// back.
    pub(super) fn waits(&self, now: u64) -> bool {
        (1..=RETRY.1).contains(&self.retry_at.saturating_sub(now))
    }
}

/// One file of the ring.
#[derive(Debug)]
pub struct Outlet {
    pub(super) id: u32,
    pub(super) file: FileSink,
    /// Everything before this position is settled for this file.
    pub(super) cursor: u64,
    /// Whether the lock file has been asked for the cursor.
    pub(super) known: bool,
    pub(super) written: u64,
    pub(super) failed: u64,
    pub(super) torn: u64,
    account: Account,
    pub(super) trouble: Option<Trouble>,
    /// Whether an error, or worse, may have been written since a round asked.
    pub(super) severe: bool,
    pub(super) rotation: Rotation,
    /// Whether it may have been put aside since somebody asked.
    pub(super) rotated: bool,
    /// What is wrong although everything is written.
    pub(super) complaint: Option<String>,
}

impl Outlet {
    /// A file of which nothing is written yet.
    pub(super) fn new(id: u32, file: FileSink, cursor: u64, rotation: Rotation, account: Account) -> Self {
        let outlet = Self {
            id,
            file,
            cursor,
            known: false,
            written: 0,
            failed: 0,
            torn: 0,
            account,
            trouble: None,
            severe: false,
            rotation,
            rotated: true,
            complaint: None,
        };
        outlet.enter();
        outlet
    }

    /// Its number in the dictionary.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// What it has done.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// What is wrong with it: why nothing is written; or that the log could not be put aside, or the disk not asked.
    pub fn error(&self) -> Option<&str> {
        self.trouble.as_ref().map(|trouble| &*trouble.error).or(self.complaint.as_deref())
    }

    /// What keeps it from getting on.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// Torn lines that were found and closed.
    pub fn torn(&self) -> u64 {
        self.torn
    }

    pub(super) fn settle_to(&mut self, position: u64, batch: &Batch) {
        self.cursor = position;
        self.written += batch.records;
        self.failed += batch.failed;
        self.severe |= batch.severe;
        self.enter();
    }

    pub(super) fn stumble(&mut self, error: &io::Error, now: u64) {
        let tries = self.trouble.as_ref().map_or(0, |trouble| trouble.tries) + 1;
        let pause = RETRY.0.saturating_mul(1 << (tries - 1).min(6)).min(RETRY.1);
        self.trouble = Some(Trouble { error: error.to_string(), tries, retry_at: now + pause });
        if let Some(lent) = self.file.lent() {
            lent.sticks(Some(error));
        }
    }

    /// It gets on again.
    pub(super) fn recover(&mut self) {
        if self.trouble.take().is_some()
            && let Some(lent) = self.file.lent()
        {
            lent.sticks(None);
        }
    }

    /// A batch whose file is no more.
    pub(super) fn lose(&mut self, batch: &Batch, error: &io::Error) {
        self.complaint = Some(error.to_string());
        self.settle_to(batch.to, &Batch { records: 0, failed: batch.failed + batch.records, ..*batch });
    }

    fn enter(&self) {
        self.account.enter(Entry { cursor: self.cursor, kept: self.written, lost: self.failed });
    }
}
