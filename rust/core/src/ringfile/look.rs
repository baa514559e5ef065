//! A ring whose process lives, seen from outside as it was at one moment.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{RingHeader, RingMemory, open_stranger, snapshot};
use crate::dictionary_memory::{ACCOUNT, ACCOUNTS, DICTIONARY};
use crate::ledger::Entry;
use crate::ring::{HEAD, TAIL};
use crate::sync::{Ordering, fence};

/// A ring as it was, and what had become of its records.
#[derive(Debug)]
pub struct Look {
    /// The ring.
    pub memory: RingMemory,
    /// The accounts, in the order of the dictionary's routes and sinks; `None` in it for one that nobody has written to.
    /// None at all if the ring has none, or no look was of one moment.
    pub accounts: Option<Vec<Option<Entry>>>,
}

/// Looks at a ring until it sees it at one moment, or `again` says that it has been long enough.
///
/// Nothing keeps its process from going on meanwhile, and nothing is asked of it: no call counts anything for this.
/// An account says up to which position it counts. What came later is counted by walking the ring, so all accounts
/// are brought to one and the same position: the head that was read after them.
///
/// # Errors
/// If it cannot be read or is no ring (`InvalidData`).
pub fn look(path: &Path, again: &mut dyn FnMut() -> bool) -> io::Result<Look> {
    let memory = snapshot(path)?;
    if memory.accounts() == 0 {
        return Ok(Look { memory, accounts: None });
    }
    let mut copy = Copy::begin(open_stranger(path)?, memory.header().clone())?;
    loop {
        match copy.glance()? {
            Some(accounts) => {
                let memory = RingMemory::copy_of(&copy.bytes)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                return Ok(Look { memory, accounts: Some(accounts) });
            }
            None if again() => {}
            None => return Ok(Look { memory, accounts: None }),
        }
    }
}

/// The copy of a ring that is being made.
struct Copy {
    file: File,
    header: RingHeader,
    bytes: Vec<u8>,
    /// The positions whose data it holds: what was read before it was overwritten stays as it is.
    held: Range<u64>,
}

impl Copy {
    fn begin(file: File, header: RingHeader) -> io::Result<Self> {
        // Not as long as the file is now: that may have changed since the header was read.
        let mut bytes = vec![0; header.end()];
        read(&file, &mut bytes, 0)?;
        Ok(Self { file, header, bytes, held: 0..0 })
    }

    /// One look, which brings the copy up to date with what is needed; nothing, if something moved underneath.
    fn glance(&mut self) -> io::Result<Option<Vec<Option<Entry>>>> {
        let tail = word(&self.file, TAIL)?;
        let Some(accounts) = accounts(&self.file, &self.header)? else { return Ok(None) };
        // After them: whatever an account counts lies before it.
        let head = word(&self.file, HEAD)?;
        // A route has its account before its first record, so there is no record of a route that we do not know.
        if word(&self.file, ACCOUNTS)? != accounts.len() as u64 {
            return Ok(None);
        }
        let length = word(&self.file, DICTIONARY)?;
        let (at, size) = self.header.dictionary;
        read(&self.file, &mut self.bytes[at..][..size], at)?;
        let begin = accounts.iter().flatten().map(|entry| entry.cursor).fold(tail, u64::min);
        if !self.hold(begin, head)? {
            return Ok(None);
        }
        for (at, value) in [(HEAD, head), (TAIL, tail), (DICTIONARY, length), (ACCOUNTS, accounts.len() as u64)] {
            self.bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        Ok(Some(accounts))
    }

    /// Reads the data between two positions, as far as they are not held. Says no if some were overwritten meanwhile;
    /// what was not is held for the next time.
    fn hold(&mut self, begin: u64, head: u64) -> io::Result<bool> {
        let (data, capacity) = (self.header.data.0, self.header.data.1 as u64);
        if begin > head || head - begin > capacity {
            return Ok(false);
        }
        if !(self.held.start..=self.held.end).contains(&begin) || head < self.held.end {
            self.held = begin..begin;
        }
        let new = self.held.end..head;
        let from = new.start & (capacity - 1);
        let first = (capacity - from).min(new.end - new.start);
        for (from, count) in [(from, first), (0, new.end - new.start - first)] {
            let at = data + from as usize;
            read(&self.file, &mut self.bytes[at..][..count as usize], at)?;
        }
        // What nobody has released cannot have been overwritten; nor what is further from the head than a record goes,
        // which is an eighth of the ring, and as much for the pad before it.
        let (head_after, tail_after) = (word(&self.file, HEAD)?, word(&self.file, TAIL)?);
        let intact = tail_after.min(head_after.saturating_add(capacity / 4).saturating_sub(capacity));
        if new.is_empty() || intact <= new.start {
            self.held = self.held.start.max(head.saturating_sub(capacity))..head;
        } else {
            self.held = intact.min(head)..head;
        }
        Ok(self.held.start <= begin)
    }
}

/// All accounts as they were at one moment. Their words only grow, so what is the same twice has been there in between
/// (the double collect of Afek et al., "Atomic Snapshots of Shared Memory", 1993), and an odd sequence tells of one that
/// was being written then.
fn accounts(file: &File, header: &RingHeader) -> io::Result<Option<Vec<Option<Entry>>>> {
    let (begin, length) = header.dictionary;
    let count = word(file, ACCOUNTS)? as usize;
    let Some(size) = count.checked_mul(ACCOUNT).filter(|size| *size <= length) else { return Ok(None) };
    let (mut once, mut twice) = (vec![0; size], vec![0; size]);
    for bytes in [&mut once, &mut twice] {
        read(file, bytes, begin + length - size)?;
    }
    // The last in the file is the first.
    let words = |slot: &[u8]| -> [u64; 4] {
        std::array::from_fn(|at| u64::from_le_bytes(std::array::from_fn(|byte| slot[at * 8 + byte])))
    };
    let slots: Vec<_> = once.chunks_exact(ACCOUNT).rev().map(words).collect();
    let whole = once == twice && slots.iter().all(|[sequence, ..]| sequence.is_multiple_of(2));
    let entry = |[sequence, cursor, kept, lost]: [u64; 4]| (sequence > 0).then_some(Entry { cursor, kept, lost });
    Ok(whole.then(|| slots.into_iter().map(entry).collect()))
}

fn word(file: &File, at: usize) -> io::Result<u64> {
    let mut bytes = [0; 8];
    read(file, &mut bytes, at)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Reads what is there now, after all that was read before.
fn read(file: &File, into: &mut [u8], at: usize) -> io::Result<()> {
    file.read_exact_at(into, at as u64)?;
    // ORDERING: this fence pairs with the Release stores of the ring and its ledgers: what is read later is not older.
    fence(Ordering::Acquire);
    Ok(())
}
