//! From records to lines: the reading end of one ring, with its dictionary and formatters.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::dictionary::{Dictionary, Entry, SinkEntry};
use crate::format::{Format, Formatter, Json, Logfmt, Style, Text};
use crate::record::{Kind, Record};
use crate::ring::Corrupt;
use crate::ringfile::RingMemory;

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
}

/// Made when they are needed first: most rings have sinks of one format.
#[derive(Debug, Default)]
struct Formatters {
    json: Option<Box<Formatter<Json>>>,
    logfmt: Option<Box<Formatter<Logfmt>>>,
    text: Option<Box<Formatter<Text>>>,
}

/// What a batch holds besides its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Position behind its last record.
    pub to: u64,
    /// Lines.
    pub records: u64,
    /// Records of this sink that could not be read.
    pub failed: u64,
    /// Whether one of them may be an error, or worse.
    pub severe: bool,
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

    /// The sinks that the dictionary knows, with their numbers.
    pub fn sinks(&self) -> impl Iterator<Item = (u32, &SinkEntry)> {
        self.dictionary.entries().filter_map(|(id, entry)| match entry {
            Entry::Sink(sink) => Some((id, sink)),
            _ => None,
        })
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
        let formatter = formatter(&mut self.formatters).get_or_insert_default();
        let ring = self.memory.ring();
        let mut batch = Batch { to: from, ..Batch::default() };
        // Most records take the way of the one before.
        let mut way = None;
        while batch.to < until && out.len() < enough {
            let entry = match ring.entry(batch.to, until) {
                Ok(Some(entry)) => entry,
                Ok(None) => {
                    batch.to = until;
                    break;
                }
                Err(Corrupt { position }) => {
                    batch.failed += 1;
                    batch.to = ring.resume(position, until);
                    continue;
                }
            };
            batch.to = entry.next;
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
            if !is_ours {
                continue;
            }
            let bytes;
            let payload = if spilled {
                bytes = read_spill(&spill_path(&self.path, header.position));
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
        if from <= self.walked {
            self.walked = self.walked.max(batch.to);
        }
        batch
    }

    /// How many records of a sink lie between two positions: the walk by which `in_flight` is counted.
    pub fn count(memory: &RingMemory, leads: &dyn Fn(u32) -> bool, from: u64, until: u64) -> u64 {
        let mut at = from;
        let mut count = 0;
        while let Ok(Some(entry)) = memory.ring().entry(at, until) {
            at = entry.next;
            count += u64::from(leads(entry.header.route));
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

#[cold]
fn read_spill(path: &Path) -> std::io::Result<Vec<u8>> {
    let size = fs::metadata(path)?.len();
    if size > LARGEST_SPILL {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    fs::read(path)
}
