//! What the GIL guards: the producer, what it has entered into the dictionary, and its counts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::FromPyObject;
use undergird_core::batch::spill_path;
use undergird_core::descriptor::open_apart;
use undergird_core::dictionary::{Entry, SinkEntry, standard_level};
use undergird_core::format::Format;
use undergird_core::interner::Interner;
use undergird_core::record::{HEADER, Header, INLINE, Kind, flags};
use undergird_core::ring::{Full, Producer};
use undergird_core::ringfile::{Refused, RingMemory, TRUNCATED};
use undergird_core::rotation::Rotation;

use crate::announcement::Untold;
use crate::route::Route;

/// The index of all levels for which there is no other left.
const OTHER_LEVELS: u8 = u8::MAX;

/// So many files of handlers go through one ring: each record is looked at for each of them.
const MOST_OF_HANDLERS: usize = 16;

static EPOCH: AtomicU64 = AtomicU64::new(1);

/// A file as Python names it: its path, the number of its format, the rules by which it is put aside, and whether calls
/// wait for their lines.
#[derive(Clone, Debug, FromPyObject)]
pub struct File(PathBuf, u8, Vec<u8>, bool);

/// The producer's side of a ring.
pub struct GilSide {
    pub producer: Producer,
    pub routes: Vec<Route>,
    pub untold: Untold,
    /// Since a wait in vain, until the consumer moves: where it stood.
    pub stuck_at: Option<u64>,
    /// Bytes in use above which the writer is woken.
    pub wake_above: u64,
    /// A number of its own for each ring of this process and its forebears.
    pub epoch: u64,
    interner: Interner,
    /// Whether every route is one whose calls wait.
    sync: bool,
    levels: HashMap<u8, i64>,
    level_indices: HashMap<(i64, Box<[u8]>), u8>,
    /// The files by their numbers. One that is written in two ways, as handlers can have it, has two.
    sinks: BTreeMap<u32, PathBuf>,
    /// Those that are handlers', with device and inode.
    handlers: HashSet<(PathBuf, (u64, u64))>,
}

impl GilSide {
    /// For a new ring; `sync` if every call waits for its line.
    pub fn new(producer: Producer, sync: bool) -> Self {
        Self {
            producer,
            routes: Vec::new(),
            untold: Untold::default(),
            stuck_at: None,
            wake_above: 0,
            epoch: EPOCH.fetch_add(1, Ordering::Relaxed),
            interner: Interner::new(),
            sync,
            levels: HashMap::new(),
            level_indices: HashMap::new(),
            sinks: BTreeMap::new(),
            handlers: HashSet::new(),
        }
    }

    /// The number of a logger's name, or [`INLINE`].
    pub fn name(&mut self, memory: &RingMemory, name: &[u8]) -> u32 {
        self.intern(memory, &Entry::Name(name.into())).unwrap_or(INLINE)
    }

    /// The number of a group's keys, or [`INLINE`].
    pub fn shape(&mut self, memory: &RingMemory, keys: Vec<Box<[u8]>>) -> u32 {
        self.intern(memory, &Entry::Shape(keys.into())).unwrap_or(INLINE)
    }

    /// Enters the group of the fields that every record of the run bears, for announcements.
    pub fn fields(&mut self, memory: &RingMemory, group: &[u8]) {
        self.intern(memory, &Entry::Fields(group.into()));
    }

    fn sink(&mut self, memory: &RingMemory, path: &[u8], format: Format, rotation: &[u8]) -> Option<u32> {
        let rotation = Rotation::parse(rotation).ok()?;
        let entry = Entry::Sink(SinkEntry { format: format as u8, rotation, ..SinkEntry::file(path) });
        let id = self.intern(memory, &entry)?;
        self.sinks.entry(id).or_insert_with(|| OsStr::from_bytes(path).into());
        Some(id)
    }

    /// The number of a handler's file, and the place in `routes` of the route to it alone; `None` if the dictionary is full,
    /// or there are too many of them.
    pub fn route_to_handler(&mut self, memory: &RingMemory, path: &Path, identity: (u64, u64)) -> Option<(u32, usize)> {
        let entry = Entry::Sink(SinkEntry::of_handler(path.as_os_str().as_bytes(), identity));
        let file = (path.to_path_buf(), identity);
        if self.handlers.len() >= MOST_OF_HANDLERS && !self.handlers.contains(&file) {
            return None;
        }
        let id = self.intern(memory, &entry)?;
        self.handlers.insert(file);
        self.sinks.entry(id).or_insert_with(|| path.into());
        Some((id, self.route(memory, &[id], self.sync)?))
    }

    /// The numbers of the files in the dictionary, with their paths.
    pub fn sinks(&self) -> impl Iterator<Item = (&u32, &PathBuf)> {
        self.sinks.iter()
    }

    /// The place in `routes` of the route to these files; `None` if the dictionary is full.
    pub fn route_to<'a>(&mut self, memory: &RingMemory, files: impl Iterator<Item = &'a File>) -> Option<usize> {
        let (mut sinks, mut sync) = (Vec::new(), self.sync);
        for File(path, format, rotation, waits) in files {
            sync |= waits;
            sinks.push(self.sink(memory, path.as_os_str().as_bytes(), Format::from_number(*format)?, rotation)?);
        }
        self.route(memory, &sinks, sync)
    }

    /// From now on every call waits for its line.
    pub fn make_sync(&mut self) {
        self.sync = true;
        self.routes.iter_mut().for_each(|route| route.sync = true);
    }

    fn route(&mut self, memory: &RingMemory, sinks: &[u32], sync: bool) -> Option<usize> {
        if let Some(known) = self.routes.iter().position(|route| route.sinks == sinks && route.sync == sync) {
            return Some(known);
        }
        let id = self.intern(memory, &Entry::Route(sinks.into()))?;
        let account = memory.account(memory.accounts() - 1)?;
        self.routes.push(Route::new(id, sinks, sync, account, self.producer.head()));
        Some(self.routes.len() - 1)
    }

    /// The index under which records carry a level: its number where that fits and is free, else another.
    pub fn level(&mut self, memory: &RingMemory, number: i64, name: &[u8]) -> u8 {
        let level = (number, name.into());
        if let Some(index) = self.level_indices.get(&level) {
            return *index;
        }
        // A level that is renamed gets another index: the records that wait keep the name they were logged with.
        let free = |index: &u8| {
            !self.levels.contains_key(index) && standard_level(*index).is_none_or(|standard| standard == name)
        };
        // The last index is everybody's for whom there is none, also where it would be a level's number.
        let wanted = u8::try_from(number).ok().filter(|index| *index != OTHER_LEVELS && free(index));
        let Some(index) = wanted.or_else(|| (60..OTHER_LEVELS).rev().find(free)) else {
            self.intern(memory, &Entry::Level { index: OTHER_LEVELS, number, name: (*b"OTHER").into() });
            return OTHER_LEVELS;
        };
        if standard_level(index).is_none() {
            self.intern(memory, &Entry::Level { index, number, name: name.into() });
        }
        self.levels.insert(index, number);
        self.level_indices.insert(level, index);
        index
    }

    /// The number of a level by its index.
    pub fn level_number(&self, index: u8) -> i64 {
        self.levels.get(&index).map_or(i64::from(index), |number| *number)
    }

    fn intern(&mut self, memory: &RingMemory, entry: &Entry) -> Option<u32> {
        // SAFETY: whoever has a `GilSide` holds the GIL, and the interner belongs to this ring.
        unsafe { self.interner.intern(memory, entry) }
    }

    /// Pushes a record; one that is too large for the ring goes to a file of its own beside it.
    pub fn push(
        &mut self,
        memory: &RingMemory,
        ring: Option<&Path>,
        header: Header,
        payload: &[u8],
    ) -> Result<u64, Full> {
        if header.flags & flags::TRUNCATED != 0 {
            memory.add(TRUNCATED, 1);
        }
        if HEADER + payload.len() <= self.producer.ring().largest() {
            return self.producer.push(header, payload);
        }
        self.spill(ring, header, payload)
    }

    #[cold]
    fn spill(&mut self, ring: Option<&Path>, mut header: Header, payload: &[u8]) -> Result<u64, Full> {
        let Some(ring) = ring else { return Err(Full) };
        let length = (payload.len() as u64).to_le_bytes();
        header.kind = Kind::Spill as u8;
        let position = self.producer.next_position(length.len());
        let path = spill_path(ring, position);
        let file = open_apart(OpenOptions::new().write(true).create_new(true), &path);
        let written = file.and_then(|mut file| file.write_all(payload));
        if written.is_err() {
            let _ = std::fs::remove_file(&path);
            return Err(Full);
        }
        let pushed = self.producer.push(header, &length);
        if pushed.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        pushed
    }

    /// Notes down for others what every route has taken. Once for each quarter of the ring that fills up is enough: what
    /// came after is there to be counted.
    #[cold]
    pub fn note(&self) {
        self.routes.iter().for_each(|route| route.note(self.producer.head()));
    }

    /// Counts refused records; they are emitted already.
    #[cold]
    pub fn refuse(&mut self, memory: &RingMemory, route: usize, header: &Header, payload: &[u8], count: u64) {
        // Where its number does not say it, the name stands first in a record.
        let inline = payload.split_first_chunk::<4>().filter(|_| header.flags & flags::NAME_INLINE != 0);
        let logger = match inline.and_then(|(length, rest)| rest.get(..u32::from_le_bytes(*length) as usize)) {
            Some(name) => self.name(memory, name),
            None => header.name,
        };
        let refused = &mut self.routes[route];
        refused.dropped += count;
        refused.note(self.producer.head());
        memory.refuse(Refused { route: refused.id, level: header.level, logger, count });
    }
}
