//! From records to lines: the reading end of one ring, with its dictionary and formatters.

mod rows;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::dictionary::{Dictionary, Entry, SinkEntry};
use crate::format::{Format, Formatter, Given, Json, Logfmt, Style, Text};
use crate::record::block::{rows_before, rows_in};
use crate::record::{Kind, Record};
use crate::ring::{Corrupt, Ring};
use crate::ringfile::{Account, RingMemory};

use rows::Rows;

/// No spill file is larger; a longer one is not read.
pub const LARGEST_SPILL: u64 = 256 << 20;

/// No level of a smaller index is one of errors; higher ones may be.
const ERROR: u8 = 40;

const SPILL: &str = ".spill";

/// A ring as its readers see it.
#[derive(Debug)]
pub struct Source {
    memory: RingMemory,
    path: PathBuf,
    dictionary: Dictionary,
    formatters: Formatters,
    /// The spilled records seen, by position: all before `walked` that have not been removed.
    spilled: BTreeSet<u64>,
    walked: u64,
    /// Where an entry begins at or before which the last batch ended.
    stopped: u64,
}

/// Made when they are needed first: most rings have sinks of one format.
#[derive(Debug, Default)]
struct Formatters {
    json: Option<Box<Formatter<Json>>>,
    logfmt: Option<Box<Formatter<Logfmt>>>,
    text: Option<Box<Formatter<Text>>>,
    given: Option<Box<Formatter<Given>>>,
}

/// What a batch holds besides its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Position behind its last record, or behind its last row of a block.
    pub to: u64,
    /// Lines.
    pub records: u64,
    /// Records of this sink that could not be read.
    pub failed: u64,
    /// Whether one of them may be an error, or worse.
    pub severe: bool,
    /// Whether it ends before a record whose file cannot be opened now, for want of descriptors or memory.
    pub waits: bool,
}

impl Source {
    /// The ring at `path`; empty if it has no file.
    pub fn new(memory: RingMemory, path: &Path) -> Self {
        Self {
            walked: memory.ring().tail(),
            memory,
            path: path.into(),
            dictionary: Dictionary::new(),
            formatters: Formatters::default(),
            spilled: BTreeSet::new(),
            stopped: 0,
        }
    }

    /// The ring as it was known when `dictionary` bytes of its dictionary had been read: a level may have been
    /// renamed since, and the same records are to give the same lines.
    pub fn as_of(memory: RingMemory, path: &Path, dictionary: u32) -> Self {
        let mut source = Self::new(memory, path);
        let bytes = source.memory.dictionary(0);
        let _ = source.dictionary.extend(&bytes[..bytes.len().min(dictionary as usize)]);
        source
    }

    /// The ring.
    pub fn memory(&self) -> &RingMemory {
        &self.memory
    }

    /// Bytes of the dictionary that have been read.
    pub fn dictionary_read(&self) -> u32 {
        self.dictionary.read() as u32
    }

    /// Whether all of the dictionary could be read: a later version's may hold what this one does not know.
    pub fn is_understood(&self) -> bool {
        self.dictionary_read() as usize == self.memory.dictionary(0).len()
    }

    /// Where its file is; empty if it has none.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what was added to the dictionary. What follows a damaged entry is not known; records that need it
    /// are written with what there is.
    pub fn refresh(&mut self) {
        let bytes = self.memory.dictionary(self.dictionary.read());
        let _ = self.dictionary.extend(bytes);
    }

    /// What the dictionary knows, with the numbers.
    pub fn entries(&self) -> impl Iterator<Item = (u32, &Entry)> {
        self.dictionary.entries()
    }

    /// The sinks that the dictionary knows, with their numbers.
    pub fn sinks(&self) -> impl Iterator<Item = (u32, &SinkEntry)> {
        self.entries().filter_map(|(id, entry)| match entry {
            Entry::Sink(sink) => Some((id, sink)),
            _ => None,
        })
    }

    /// The ledger of a route or a sink in the ring's own memory; rings of earlier versions have none.
    pub fn account_of(&self, id: u32) -> Option<Account> {
        let before = self.dictionary.entries().take(id as usize).filter(|(_, entry)| entry.has_account());
        self.memory.account(before.count())
    }

    /// The numbers of the sinks to which a route leads; none if it is no route.
    pub fn route(&self, id: u32) -> &[u32] {
        match self.dictionary.get(id) {
            Some(Entry::Route(sinks)) => sinks,
            _ => &[],
        }
    }

    /// Appends the lines of a sink's records between two positions, until `out` holds `enough` bytes.
    ///
    /// The same range gives the same bytes, whoever formats it: recovery relies on that. `ends` collects the
    /// length of `out` and the position behind each record.
    pub fn format(
        &mut self,
        sink: u32,
        from: u64,
        until: u64,
        enough: usize,
        out: &mut Vec<u8>,
        ends: Option<&mut Vec<(usize, u64)>>,
    ) -> Batch {
        match format_of(&self.dictionary, sink) {
            Format::Json => self.lines(|formatters| &mut formatters.json, sink, from..until, enough, out, ends),
            Format::Logfmt => self.lines(|formatters| &mut formatters.logfmt, sink, from..until, enough, out, ends),
            Format::Text => self.lines(|formatters| &mut formatters.text, sink, from..until, enough, out, ends),
            Format::Given => self.lines(|formatters| &mut formatters.given, sink, from..until, enough, out, ends),
        }
    }

    fn lines<S: Style>(
        &mut self,
        formatter: impl Fn(&mut Formatters) -> &mut Option<Box<Formatter<S>>>,
        sink: u32,
        Range { start: from, end: until }: Range<u64>,
        enough: usize,
        out: &mut Vec<u8>,
        mut ends: Option<&mut Vec<(usize, u64)>>,
    ) -> Batch {
        let begin = self.begin_of(from);
        let formatter = formatter(&mut self.formatters).get_or_insert_default();
        let ring = self.memory.ring();
        // Not `until`, which may lie within a block.
        let head = ring.head();
        let mut batch = Batch { to: from, ..Batch::default() };
        let (mut at, mut next) = (begin, begin);
        // Most records take the way of the one before.
        let mut way = None;
        while batch.to < until && out.len() < enough {
            at = next;
            let entry = match ring.entry(at, head) {
                Ok(Some(entry)) if entry.header.position < until => entry,
                Ok(_) => {
                    batch.to = until;
                    break;
                }
                Err(Corrupt { position }) => {
                    batch.failed += 1;
                    next = ring.resume(position, until);
                    batch.to = next;
                    continue;
                }
            };
            next = entry.next;
            let header = entry.header;
            let spilled = header.kind == Kind::Spill as u8;
            if spilled {
                self.spilled.insert(header.position);
            }
            let is_ours = match way {
                Some((route, is_ours)) if route == header.route => is_ours,
                _ => leads_to(&self.dictionary, header.route, sink),
            };
            way = Some((header.route, is_ours));
            if is_ours && header.kind == Kind::Block as u8 {
                // SAFETY: as below.
                let rows = Rows { header, payload: unsafe { ring.payload(&entry) }, next };
                rows.format((until, enough), (formatter, &self.dictionary), out, ends.as_deref_mut(), &mut batch);
                continue;
            }
            batch.to = next;
            if !is_ours {
                continue;
            }
            let bytes;
            let payload = if spilled {
                bytes = read_spill(&spill_path(&self.path, header.position));
                if bytes.as_ref().is_err_and(passes) {
                    batch.to = at;
                    batch.waits = true;
                    break;
                }
                bytes.as_deref()
            } else {
                // SAFETY: nothing at or behind a sink's cursor is released, and `from` is such a cursor.
                Ok(unsafe { ring.payload(&entry) })
            };
            let line = |payload| formatter.line(&Record { header, payload }, &self.dictionary, out).ok();
            match payload.ok().and_then(line) {
                Some(()) => {
                    batch.records += 1;
                    batch.severe |= header.level >= ERROR;
                    if let Some(ends) = &mut ends {
                        ends.push((out.len(), batch.to));
                    }
                }
                None => batch.failed += 1,
            }
        }
        self.stopped = if is_within(batch.to) { at } else { batch.to };
        if begin <= self.walked {
            self.walked = self.walked.max(self.stopped);
        }
        batch
    }

    /// Where the entry begins that holds a sink's position, which may be one between the rows of a block.
    pub fn begin_of(&self, position: u64) -> u64 {
        let ring = self.memory.ring();
        let known = if self.stopped <= position { self.stopped.max(ring.tail()) } else { ring.tail() };
        begin_of(ring, known, position)
    }

    /// How many records of a sink lie between two positions: the walk by which `in_flight` is counted. At `known`, not
    /// behind `from`, an entry begins.
    pub fn count(memory: &RingMemory, leads: &dyn Fn(u32) -> bool, known: u64, from: u64, until: u64) -> u64 {
        let ring = memory.ring();
        let mut at = begin_of(ring, known, from);
        let mut done = rows_before(from - at);
        let mut count = 0;
        while let Ok(Some(entry)) = ring.entry(at, until) {
            at = entry.next;
            if leads(entry.header.route) {
                count += match entry.header.kind == Kind::Block as u8 {
                    // SAFETY: whoever counts sees to it that nothing from `known` on is overwritten meanwhile.
                    true => rows_in(unsafe { ring.payload(&entry) }).saturating_sub(done),
                    false => 1,
                };
            }
            done = 0;
        }
        count
    }

    /// Removes the spill files of records between two positions.
    pub fn remove_spills(&mut self, from: u64, until: u64) {
        // What was formatted here has been walked through already.
        let mut at = from.max(self.walked);
        while let Ok(Some(entry)) = self.memory.ring().entry(at, until) {
            at = entry.next;
            if entry.header.kind == Kind::Spill as u8 {
                self.spilled.insert(entry.header.position);
            }
        }
        self.walked = self.walked.max(until);
        let later = self.spilled.split_off(&until);
        for position in std::mem::replace(&mut self.spilled, later) {
            let _ = fs::remove_file(spill_path(&self.path, position));
        }
    }
}

/// Whether a position lies between the rows of a block.
fn is_within(position: u64) -> bool {
    !position.is_multiple_of(8)
}

/// Where the entry begins that holds a position, found from one at `known`; the position itself if it is no row's.
fn begin_of(ring: &Ring, known: u64, position: u64) -> u64 {
    let mut at = known;
    while is_within(position) && at < position {
        match ring.entry(at, ring.head()) {
            Ok(Some(entry)) if entry.next > position => return entry.header.position,
            Ok(Some(entry)) => at = entry.next,
            Ok(None) => break,
            Err(Corrupt { position }) => at = ring.resume(position, ring.head()),
        }
    }
    position
}

/// Whether a route leads to a sink. Where a damaged dictionary does not know the route, all sinks get the record
/// rather than none.
fn leads_to(dictionary: &Dictionary, route: u32, sink: u32) -> bool {
    match dictionary.get(route) {
        Some(Entry::Route(sinks)) => sinks.contains(&sink),
        _ => true,
    }
}

/// How a sink's records are written; as JSON where a damaged dictionary does not know.
fn format_of(dictionary: &Dictionary, sink: u32) -> Format {
    match dictionary.get(sink) {
        Some(Entry::Sink(sink)) => Format::from_number(sink.format).unwrap_or_default(),
        _ => Format::default(),
    }
}

/// Where the payload of a record is that was too large for its ring.
pub fn spill_path(ring: &Path, position: u64) -> PathBuf {
    let mut name = ring.file_name().unwrap_or_default().to_os_string();
    name.push(format!("-{position:x}{SPILL}"));
    ring.with_file_name(name)
}

/// Removes every spill file of a ring, also those whose records were never pushed.
pub fn remove_all_spills(ring: &Path) {
    let prefix = [ring.file_name().unwrap_or_default().as_bytes(), b"-"].concat();
    let Some(Ok(entries)) = ring.parent().map(fs::read_dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.as_bytes().starts_with(&prefix) && name.as_bytes().ends_with(SPILL.as_bytes()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// That a record's own file cannot be opened now.
pub(crate) fn waits() -> io::Error {
    io::Error::other("there are too few descriptors, or too little memory, to read a record's own file")
}

/// Whether an error says nothing about a file, only that the process or the machine has too little of something.
pub(crate) fn passes(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(number, Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
}

#[cold]
fn read_spill(path: &Path) -> io::Result<Vec<u8>> {
    let size = fs::metadata(path)?.len();
    if size > LARGEST_SPILL {
        return Err(io::ErrorKind::InvalidData.into());
    }
    fs::read(path)
}
