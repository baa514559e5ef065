//! Drains a ring into its files, each record exactly once.
//!
//! A batch is formatted without the lock and appended under it. Who finds the journal of an unfinished batch,
//! its own or a dead process's, formats that batch again and compares it with the file: what is there is
//! committed, what is missing is written.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use crate::batch::{Batch, Source};
use crate::descriptor::Descriptor;
use crate::dictionary::SinkEntry;
use crate::ledger::{Entry, Ledger};
use crate::lockfile::{Journal, RingId};
use crate::ringfile::{self, FAILED, WRITTEN};
use crate::sink::{FileSink, Locked, Origin};

/// Bytes of lines that are appended at once.
const BATCH: usize = 256 * 1024;
/// Nanoseconds until a sink in trouble is tried again, at first and at most.
const RETRY: (u64, u64) = (20_000_000, 1_000_000_000);

/// What the writer needs from the process it runs in.
pub trait Host {
    /// This process.
    fn pid(&self) -> u32;
    /// Nanoseconds since the epoch.
    fn now(&mut self) -> u64;
    /// Waits a moment for a lock that another process holds; says no when it has been long enough. `first` at
    /// the first try.
    fn wait(&mut self, first: bool) -> bool;
}

/// Why a sink does not get on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What the system said.
    pub error: String,
    /// How many tries have failed in a row.
    pub tries: u32,
    retry_at: u64,
}

/// One file of the ring.
#[derive(Debug)]
pub struct Outlet {
    id: u32,
    file: FileSink,
    /// Everything before this position is settled for this file.
    cursor: u64,
    /// Whether the lock file has been asked for the cursor.
    known: bool,
    written: u64,
    failed: u64,
    torn: u64,
    ledger: Arc<Ledger>,
    trouble: Option<Trouble>,
}

impl Outlet {
    /// Its number in the dictionary.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// What it has done.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The lock file's descriptor, for the fork handler.
    pub fn lock_descriptor(&self) -> &Arc<Descriptor> {
        self.file.lock_descriptor()
    }

    /// What keeps it from getting on.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// Torn lines that were found and closed.
    pub fn torn(&self) -> u64 {
        self.torn
    }

    fn enter(&self) {
        self.ledger.enter(Entry { cursor: self.cursor, written: self.written, failed: self.failed });
    }
}

/// How far a round got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Records written.
    pub written: u64,
    /// Whether records are left that could be written at once.
    pub more: bool,
}

/// Everything that is needed to bring one ring's records into its files.
#[derive(Debug)]
pub struct Writer {
    source: Source,
    outlets: Vec<Outlet>,
    lines: Vec<u8>,
    released: u64,
}

impl Writer {
    /// A writer for a ring of which the caller is the only drainer.
    pub fn new(source: Source) -> Self {
        let released = source.memory().ring().tail();
        Self { source, outlets: Vec::new(), lines: Vec::new(), released }
    }

    /// The ring.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The files.
    pub fn outlets(&self) -> &[Outlet] {
        &self.outlets
    }

    /// Reads what the producer added to the dictionary, new sinks included.
    pub fn refresh(&mut self) {
        self.source.refresh();
        let known = self.outlets.len();
        for (id, SinkEntry { path, .. }) in self.source.sinks().skip(known) {
            let outlet = Outlet {
                id,
                file: FileSink::new(Path::new(OsStr::from_bytes(path))),
                cursor: self.released,
                known: false,
                written: 0,
                failed: 0,
                torn: 0,
                ledger: Arc::default(),
                trouble: None,
            };
            outlet.enter();
            self.outlets.push(outlet);
        }
    }

    /// Appends one batch to each file that has records waiting. Files in trouble are tried again when their time
    /// has come, or at once if `insist`.
    pub fn round(&mut self, host: &mut dyn Host, insist: bool) -> Round {
        let head = self.source.memory().ring().head();
        if head == self.released {
            return Round::default();
        }
        // After `head`: what these records name was published before them.
        self.refresh();
        let mut round = Round::default();
        for index in 0..self.outlets.len() {
            let outlet = &self.outlets[index];
            let waits = !insist && outlet.trouble.as_ref().is_some_and(|trouble| trouble.retry_at > host.now());
            if outlet.cursor >= head || waits {
                continue;
            }
            let before = outlet.written;
            match self.advance(index, head, host) {
                Ok(advanced) => {
                    let outlet = &mut self.outlets[index];
                    outlet.trouble = None;
                    round.more |= advanced && outlet.cursor < head;
                }
                Err(error) => self.outlets[index].stumble(&error, host.now()),
            }
            round.written += self.outlets[index].written - before;
        }
        self.release(head);
        round
    }

    /// One batch for one file; whether it got on.
    fn advance(&mut self, index: usize, head: u64, host: &mut dyn Host) -> io::Result<bool> {
        let Self { source, outlets, lines, .. } = self;
        let outlet = &mut outlets[index];
        if !outlet.known && !outlet.learn(source, host)? {
            return Ok(false);
        }
        lines.clear();
        let from = outlet.cursor;
        let batch = source.format(outlet.id, from, head, BATCH, lines, None);
        if !lines.is_empty() {
            let Some(mut locked) = lock(&mut outlet.file, host)? else { return Ok(false) };
            outlet.torn += settle(&mut locked, source, host)?;
            let ring = source.memory().header().id;
            match locked.cursor(&ring) {
                // Our own unfinished batch was finished just now, or by somebody else before.
                Some(cursor) if cursor > from => {
                    drop(locked);
                    let batch = source.format(outlet.id, from, cursor, usize::MAX, &mut Vec::new(), None);
                    outlet.settle_to(cursor, &batch);
                    return Ok(true);
                }
                _ => {}
            }
            let (pid, stamp) = (host.pid(), host.now());
            locked.append(&Origin { ring: &ring, ring_path: source.path(), from, to: batch.to, pid, stamp }, lines)?;
        }
        outlet.settle_to(batch.to, &batch);
        Ok(true)
    }

    /// Gives back what no file needs any more.
    fn release(&mut self, head: u64) {
        let tail = self.outlets.iter().map(|outlet| outlet.cursor).min().unwrap_or(head);
        if tail > self.released {
            self.source.remove_spills(self.released, tail);
            let memory = self.source.memory();
            memory.set_counter(WRITTEN, self.outlets.iter().map(|outlet| outlet.written).sum());
            memory.set_counter(FAILED, self.outlets.iter().map(|outlet| outlet.failed).sum());
            memory.ring().release(tail);
            self.released = tail;
        }
    }

    /// Whether every record is in every file.
    pub fn is_done(&self) -> bool {
        self.source.memory().ring().head() == self.released
    }

    /// Gives the ring's cursor slots back, before its file is removed.
    pub fn forget(&mut self, host: &mut dyn Host) {
        let id = self.source.memory().header().id;
        for outlet in &mut self.outlets {
            if outlet.known
                && let Ok(Some(mut locked)) = lock(&mut outlet.file, host)
            {
                let _ = locked.forget(&id);
            }
        }
    }

    /// Asks the disk to have everything that was written.
    ///
    /// # Errors
    /// The first file's that fails.
    pub fn sync(&self) -> io::Result<()> {
        self.outlets.iter().try_for_each(|outlet| outlet.file.sync())
    }
}

impl Outlet {
    /// Asks the lock file how far this ring has been written; whether it could be asked.
    fn learn(&mut self, source: &mut Source, host: &mut dyn Host) -> io::Result<bool> {
        let Some(mut locked) = lock(&mut self.file, host)? else { return Ok(false) };
        self.torn += settle(&mut locked, source, host)?;
        if let Some(cursor) = locked.cursor(&source.memory().header().id) {
            self.cursor = self.cursor.max(cursor);
        }
        self.known = true;
        Ok(true)
    }

    fn settle_to(&mut self, position: u64, batch: &Batch) {
        self.cursor = position;
        self.written += batch.records;
        self.failed += batch.failed;
        self.enter();
    }

    fn stumble(&mut self, error: &io::Error, now: u64) {
        let tries = self.trouble.as_ref().map_or(0, |trouble| trouble.tries) + 1;
        let pause = RETRY.0.saturating_mul(1 << (tries - 1).min(6)).min(RETRY.1);
        self.trouble = Some(Trouble { error: error.to_string(), tries, retry_at: now + pause });
    }
}

fn lock<'a>(file: &'a mut FileSink, host: &mut dyn Host) -> io::Result<Option<Locked<'a>>> {
    let mut first = true;
    file.lock(&mut || host.wait(std::mem::take(&mut first)))
}

/// Finishes the batch that somebody began, if there is one; how many torn lines were closed.
fn settle(locked: &mut Locked<'_>, own: &mut Source, host: &mut dyn Host) -> io::Result<u64> {
    let Some(journal) = locked.open_journal().cloned() else { return Ok(0) };
    let stamp = host.now();
    if !locked.is_current(&journal) || journal.offset > locked.size() {
        // The file was moved away or cut since: nobody can tell what of the batch is in it. Write it again.
        locked.discard_journal()?;
        return Ok(0);
    }
    let mut other;
    let source = if own.memory().header().id == journal.ring {
        Some(own)
    } else {
        other = ring_of(&journal);
        other.as_mut()
    };
    let path = locked.path().to_path_buf();
    let mut lines = Vec::new();
    let mut ends = Vec::new();
    if let Some(source) = source {
        source.refresh();
        let sink = source.sinks().find(|(_, sink)| Path::new(OsStr::from_bytes(&sink.path)) == path).map(|(id, _)| id);
        if let Some(sink) = sink {
            source.format(sink, journal.from, journal.to, usize::MAX, &mut lines, Some(&mut ends));
        }
    }
    finish(locked, &journal, &lines, &ends, stamp)
}

/// Compares the file with the batch as it must be, and brings the two together.
fn finish(
    locked: &mut Locked<'_>,
    journal: &Journal,
    lines: &[u8],
    ends: &[(usize, u64)],
    stamp: u64,
) -> io::Result<u64> {
    let found = locked.read(journal.offset, journal.length.max(lines.len() as u64) as usize)?;
    let reachable = lines.len() as u64 == journal.length;
    let matching = found.iter().zip(lines).take_while(|(a, b)| a == b).count();
    let at_end = locked.size() == journal.offset + matching as u64;
    if reachable && matching == lines.len() {
        locked.commit(&journal.ring, journal.to, stamp)?;
        return Ok(0);
    }
    if reachable && at_end {
        locked.write(&lines[matching..])?;
        locked.commit(&journal.ring, journal.to, stamp)?;
        return Ok(0);
    }
    if !reachable && locked.size() == journal.offset + journal.length {
        // The ring is gone, but as many bytes as it promised are there.
        locked.commit(&journal.ring, journal.to, stamp)?;
        return Ok(0);
    }
    // Somebody who does not know the lock wrote in between, or the ring is gone. What is whole counts as written;
    // a torn line is closed, so that the next one stands alone.
    let size = locked.size();
    let torn = size > 0 && locked.read(size - 1, 1)? != b"\n";
    if torn {
        locked.write(b"\n")?;
    }
    if let Some((_, position)) = ends.iter().take_while(|(end, _)| reachable && *end <= matching).last() {
        locked.commit(&journal.ring, *position, stamp)?;
    }
    locked.discard_journal()?;
    Ok(u64::from(torn))
}

fn ring_of(journal: &Journal) -> Option<Source> {
    let path = Path::new(OsStr::from_bytes(&journal.ring_path));
    let memory = ringfile::snapshot(path).ok()?;
    let same: RingId = memory.header().id;
    (same == journal.ring).then(|| Source::new(memory, path))
}
