//! Drains a ring into its files, each record exactly once.
//!
//! A batch is formatted without the lock and appended under it. Who finds the journal of an unfinished batch,
//! its own or a dead process's, settles it first.

mod outlet;
mod settle;

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::batch::{Batch, Source, waits};
use crate::descriptor::Descriptor;
use crate::dictionary::{HANDLERS_FILE, SinkEntry};
use crate::lockfile::Stream;
use crate::ringfile::Account;
use crate::rotation::Rotation;
use crate::sink::{Estate, FileSink, Handed, Locked, Origin, lock_file_of, movable};

pub use outlet::{Outlet, Trouble};

use settle::settle;

/// Bytes of lines that are appended at once.
const BATCH: usize = 256 * 1024;

/// How the names of lock files end that are beside rings.
pub(crate) const LOCK: &str = ".lock";

/// Lines for which there is room from the start: as many of 32 bytes.
const LINES: usize = BATCH / 32;

/// What the writer needs from the process it runs in.
pub trait Host {
    /// This process.
    fn pid(&self) -> u32;
    /// Nanoseconds since the epoch.
    fn now(&mut self) -> u64;
    /// Waits a moment for a lock that another process holds; says no when it has been long enough. `first` at
    /// the first try.
    fn wait(&mut self, first: bool) -> bool;
    /// Told of each log before it is opened, for the fork handler.
    fn opens(&mut self, _estate: &Arc<Estate>) {}
    /// Told of each log that is closed again.
    fn closes(&mut self, _estate: &Arc<Estate>) {}
    /// Under what a ring that is taken over is shown to the fork handler.
    fn ring_lock(&mut self) -> Arc<Descriptor> {
        Arc::default()
    }
    /// What is lent of a handler's file.
    fn lent(&mut self, _sink: u32) -> Arc<Handed> {
        Arc::default()
    }
}

/// How far a round got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Records written.
    pub written: u64,
    /// Whether records are left that could be written at once.
    pub more: bool,
    /// Whether an error, or worse, may be among those written.
    pub severe: bool,
}

/// Everything that is needed to bring one ring's records into its files.
#[derive(Debug)]
pub struct Writer {
    source: Source,
    outlets: Vec<Outlet>,
    lines: Vec<u8>,
    /// For each of the lines, its end and the position behind its record.
    ends: Vec<(usize, u64)>,
    released: u64,
    inherited: Vec<Arc<Estate>>,
    durable: bool,
}

impl Writer {
    /// A writer for a ring of which the caller is the only drainer.
    pub fn new(source: Source) -> Self {
        let released = source.memory().ring().tail();
        let (outlets, lines, ends, inherited) = Default::default();
        Self { source, outlets, lines, ends, released, inherited, durable: false }
    }

    /// A log is on the disk before it is put aside; for who calls [`Writer::sync`].
    pub fn durable(self) -> Self {
        Self { durable: true, ..self }
    }

    /// Gives it the open logs that a parent left to this process.
    pub fn inherit(&mut self, estates: Vec<Arc<Estate>>) {
        self.inherited = estates;
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
    pub fn refresh(&mut self, host: &mut dyn Host) {
        self.source.refresh();
        let known = self.outlets.len();
        for (id, SinkEntry { path, rotation, kind, identity, .. }) in self.source.sinks().skip(known) {
            let path = Path::new(OsStr::from_bytes(path));
            if *kind == HANDLERS_FILE {
                let lock = lock_of_handlers(self.source.path(), id);
                let file = FileSink::of_handler(path, *identity, host.lent(id), &lock, host.ring_lock());
                let account = self.source.account_of(id).unwrap_or_else(Account::apart);
                self.outlets.push(Outlet::new(id, file, self.released, rotation.clone(), account));
                continue;
            }
            let left = self.inherited.iter().find(|estate| estate.path() == path);
            let file = left.map_or_else(|| FileSink::new(path), |estate| FileSink::inherited(estate));
            let account = self.source.account_of(id).unwrap_or_else(Account::apart);
            let outlet = Outlet::new(id, file, self.released, rotation.clone(), account);
            host.opens(outlet.file.estate());
            self.outlets.push(outlet);
        }
    }

    /// Appends one batch to each file that has records waiting. Files in trouble are tried again when their time
    /// has come, or at once if `insist`.
    pub fn round(&mut self, host: &mut dyn Host, insist: bool) -> Round {
        self.rounds(host, insist, false)
    }

    /// A round for a call that waits for its line: see [`FileSink::lock_in_haste`].
    pub fn round_in_haste(&mut self, host: &mut dyn Host) -> Round {
        self.rounds(host, false, true)
    }

    fn rounds(&mut self, host: &mut dyn Host, insist: bool, haste: bool) -> Round {
        let head = self.source.memory().ring().head();
        if head == self.released {
            if !haste {
                self.pay(host);
            }
            return Round::default();
        }
        // After `head`: what these records name was published before them.
        self.refresh(host);
        let mut round = Round::default();
        for index in 0..self.outlets.len() {
            let outlet = &self.outlets[index];
            let waits = !insist && outlet.trouble.as_ref().is_some_and(|trouble| trouble.waits(host.now()));
            if outlet.cursor >= head || waits {
                continue;
            }
            let before = outlet.written;
            match self.advance(index, head, host, haste) {
                Ok(true) => {
                    let outlet = &mut self.outlets[index];
                    outlet.recover();
                    round.severe |= std::mem::take(&mut outlet.severe);
                    round.more |= outlet.cursor < head;
                }
                Ok(false) => self.outlets[index].trouble = Some(Trouble::busy()),
                // Whoever comes for it later finds it as little.
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.outlets[index].file.lent().is_some() => {
                    let Self { source, outlets, lines, .. } = self;
                    let outlet = &mut outlets[index];
                    let batch = source.format(outlet.id, outlet.cursor, head, BATCH, lines, None);
                    outlet.lose(&batch, &error);
                    round.more |= batch.to < head;
                }
                Err(error) => self.outlets[index].stumble(&error, host.now()),
            }
            round.written += self.outlets[index].written - before;
        }
        self.release(head);
        round
    }

    /// Closes the last batch of calls in haste, once there are no more of them for a moment.
    fn pay(&mut self, host: &mut dyn Host) {
        for outlet in &mut self.outlets {
            if outlet.file.owes(host.now())
                && let Ok(Some(mut locked)) = lock(&mut outlet.file, host, None)
            {
                let _ = locked.pay();
            }
        }
    }

    /// One batch for one file; not, if another process holds its lock.
    fn advance(&mut self, index: usize, head: u64, host: &mut dyn Host, haste: bool) -> io::Result<bool> {
        let Self { source, outlets, lines, ends, durable, .. } = self;
        let outlet = &mut outlets[index];
        lines.clear();
        ends.clear();
        // At once and once: buffers that a thread grows which another thread made hold the lock of that thread's heap
        // meanwhile, and a child made by a raw clone at this instant could never free anything.
        lines.reserve(2 * BATCH);
        ends.reserve(LINES);
        let (from, sink) = (outlet.cursor, outlet.id);
        // What is written to a full pipe is written whole or not at all, if it is short: so line by line.
        let now = host.now();
        let regular = (haste && outlet.file.is_fresh(now)) || outlet.file.is_regular();
        let enough = if regular { BATCH } else { 1 };
        let batch = source.format(sink, from, head, enough, lines, Some(ends));
        if batch.waits && batch.to == from {
            return Err(waits());
        }
        if !lines.is_empty() {
            let stream = Stream { ring: source.memory().header().id, sink };
            let Some(mut locked) = lock(&mut outlet.file, host, haste.then_some(now))? else { return Ok(false) };
            let settled = settle(&mut locked, source, host.now())?;
            outlet.torn += settled.torn;
            let known = std::mem::replace(&mut outlet.known, true);
            if let Some(cursor) = locked.cursor(stream).filter(|cursor| (from + 1..=head).contains(cursor)) {
                // Our own unfinished batch was finished just now, or by somebody else before; or a process that
                // is dead now got so far.
                drop(locked);
                let batch = if known {
                    source.format(sink, from, cursor, usize::MAX, &mut Vec::new(), None)
                } else {
                    Batch { records: if settled.stream == Some(stream) { settled.written } else { 0 }, ..batch }
                };
                outlet.settle_to(cursor, &batch);
                return Ok(true);
            }
            let origin = Origin {
                stream,
                ring_path: source.path(),
                dictionary: source.dictionary_read(),
                from,
                to: batch.to,
                pid: host.pid(),
                stamp: host.now(),
            };
            let appended = append(&mut locked, &outlet.rotation, *durable, &origin, lines, ends)?;
            outlet.rotated |= appended.rotated;
            outlet.complaint = appended.stays;
        }
        outlet.settle_to(batch.to, &batch);
        Ok(true)
    }

    /// Gives back what no file needs any more.
    fn release(&mut self, head: u64) {
        let tail = self.outlets.iter().map(|outlet| outlet.cursor).min().unwrap_or(head);
        // A block is needed until its last row is written.
        let tail = self.source.begin_of(tail);
        if tail > self.released {
            self.source.remove_spills(self.released, tail);
            self.source.memory().ring().release(tail);
            self.released = tail;
        }
    }

    /// Whether every record is in every file.
    pub fn is_done(&self) -> bool {
        self.source.memory().ring().head() == self.released
    }

    /// Gives the ring's cursor slots back, once its file has been removed: without the cursors, who found it would
    /// write everything again.
    pub fn forget(&mut self, host: &mut dyn Host) {
        self.refresh(host);
        let ring = self.source.memory().header().id;
        for outlet in &mut self.outlets {
            if outlet.file.lent().is_some() {
                outlet.file.remove_lock();
                continue;
            }
            // A log that is not there shall not be made for this.
            let there = outlet.known || (outlet.path().exists() && lock_file_of(outlet.path()).exists());
            if there && let Ok(Some(mut locked)) = lock(&mut outlet.file, host, None) {
                let _ = locked.forget(Stream { ring, sink: outlet.id });
            }
        }
    }

    /// The files that were put aside since this was asked for the last time, and the rules by which they were; each
    /// file the first time, for one that is dead may have put it aside.
    pub fn take_rotated(&mut self) -> impl Iterator<Item = (PathBuf, &Rotation)> {
        let rotated = |outlet: &mut Outlet| std::mem::take(&mut outlet.rotated);
        let those = self.outlets.iter_mut().filter_map(move |outlet| rotated(outlet).then_some(&*outlet));
        those.filter_map(|outlet| Some((movable(outlet.path()).ok()?, &outlet.rotation)))
    }

    /// Tells the host that its files are closed now.
    pub fn close(self, host: &mut dyn Host) {
        self.outlets.iter().for_each(|outlet| host.closes(outlet.file.estate()));
    }

    /// Asks the disk to have everything that was written; a file whose disk refuses says so.
    pub fn sync(&mut self) {
        for outlet in &mut self.outlets {
            if let Err(error) = outlet.file.sync() {
                outlet.complaint = Some(format!("the disk has not confirmed what was written: {error}"));
            }
        }
    }
}

/// Where the lock file of a handler's file is: with the ring, with which it goes. Empty if that has no file.
fn lock_of_handlers(ring: &Path, sink: u32) -> PathBuf {
    let mut name = ring.file_name().unwrap_or_default().to_os_string();
    if name.is_empty() {
        return PathBuf::new();
    }
    name.push(format!("-{sink}{LOCK}"));
    ring.with_file_name(name)
}

fn put_aside_if_due(
    locked: &mut Locked<'_>,
    rotation: &Rotation,
    durable: bool,
    next: usize,
    now: i64,
) -> io::Result<bool> {
    let due = locked.is_due(rotation, next, now)?;
    if due {
        if durable {
            locked.sync()?;
        }
        locked.rotate(rotation, now)?;
    }
    Ok(due)
}

/// What happened to the log while a batch was appended.
struct Appended {
    rotated: bool,
    stays: Option<String>,
}

/// Appends a batch; where the log has to be put aside in between, in parts, each with a journal of its own.
fn append(
    locked: &mut Locked<'_>,
    rotation: &Rotation,
    durable: bool,
    batch: &Origin<'_>,
    lines: &[u8],
    ends: &[(usize, u64)],
) -> io::Result<Appended> {
    let now = (batch.stamp / 1_000_000_000) as i64;
    let mut appended = Appended { rotated: false, stays: None };
    let (mut at, mut from, mut rest) = (0, batch.from, ends);
    while let [(first, _), ..] = *rest {
        if rotation.is_on() {
            // A log that cannot be put aside goes on growing: that loses nothing.
            match put_aside_if_due(locked, rotation, durable, first - at, now) {
                Ok(rotated) => appended.rotated |= rotated,
                Err(error) => {
                    appended.stays = Some(format!("the log could not be put aside: {error}"));
                    // It may have been, and no other begun.
                    locked.come_back()?;
                }
            }
        }
        let room = locked.room(rotation);
        let count = if appended.stays.is_some() {
            rest.len()
        } else {
            rest.iter().take_while(|(end, _)| end - at <= room).count().max(1)
        };
        let (end, position) = rest[count - 1];
        let to = if count == rest.len() { batch.to } else { position };
        let size = locked.size();
        if let Err(error) = locked.append(&Origin { from, to, ..*batch }, &lines[at..end]) {
            // The journal is open, but who settles it may be unable to read this ring: then the cursor has to tell
            // how many lines are whole.
            let reached = at + (locked.size() - size) as usize;
            if let Some((_, position)) = rest.iter().take_while(|(end, _)| *end <= reached).last() {
                let _ = locked.commit(batch.stream, *position, batch.stamp);
            }
            return Err(error);
        }
        (at, from, rest) = (end, to, &rest[count..]);
    }
    Ok(appended)
}

fn lock<'a>(file: &'a mut FileSink, host: &mut dyn Host, haste: Option<u64>) -> io::Result<Option<Locked<'a>>> {
    let mut first = true;
    let mut wait = || host.wait(std::mem::take(&mut first));
    match haste {
        Some(now) => file.lock_in_haste(now, &mut wait),
        None => file.lock(&mut wait),
    }
}
