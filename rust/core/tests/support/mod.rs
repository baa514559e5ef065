//! A small run in a directory of its own: rings with records in them, logs, and their readers.
#![allow(dead_code, unused_imports, reason = "each test file uses its part of this")]

mod lines;
pub mod process;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use lines::*;
use tempfile::TempDir;
use undergird_core::batch::{Source, spill_path};
use undergird_core::census::{Counts, census};
use undergird_core::descriptor::Descriptor;
use undergird_core::dictionary::{Entry, SinkEntry};
use undergird_core::ledger;
use undergird_core::lockfile::{Cursor, JOURNAL, Journal, LockFile, SLOTS, Stream};
use undergird_core::record::block::{Form, encode_block};
use undergird_core::record::{Header, INLINE, Kind, Value, encode_group, flags};
use undergird_core::recovery::{Found, Outcome, recover};
use undergird_core::ring::{Full, Producer};
use undergird_core::ringfile::{Owner, RingFile, RingMemory, Sizes, look};
use undergird_core::rotation::Rotation;
use undergird_core::scratch::Scratch;
use undergird_core::sink::lock_path;
use undergird_core::writer::{Host, Writer};

/// A small ring: 128 KiB.
pub const SMALL: Sizes = Sizes { data: 128 << 10, dictionary: 8 << 10 };

/// The smallest ring that takes the tests' records.
pub const SMALLEST: Sizes = Sizes { data: 4 << 10, dictionary: 4 << 10 };

/// A process with a counter for a clock and a limit to its patience.
pub struct Patient {
    /// Nanoseconds since the epoch.
    pub now: u64,
    /// Nanoseconds from one look at the clock to the next.
    pub step: u64,
    /// How often it waits for a lock, a millisecond each time.
    pub tries: u32,
    waited: u32,
}

impl Patient {
    pub fn new(tries: u32) -> Self {
        Self { now: 1_700_000_000_000_000_000, step: 1_000_000_000, tries, waited: 0 }
    }
}

impl Host for Patient {
    fn pid(&self) -> u32 {
        std::process::id()
    }

    fn now(&mut self) -> u64 {
        self.now += self.step;
        self.now
    }

    fn wait(&mut self, first: bool) -> bool {
        self.waited = if first { 0 } else { self.waited + 1 };
        std::thread::sleep(Duration::from_millis(1));
        self.waited < self.tries
    }
}

/// Somebody with all the patience a test has.
pub fn host() -> Patient {
    Patient::new(20_000)
}

const KEEP: &str = "keep";

/// Rings and logs of one test.
pub struct Run {
    directory: TempDir,
}

impl Run {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(directory.path().join("rings")).expect("a directory for the rings");
        // The last ring takes its folder along, which a test with several lives has no use for.
        fs::write(directory.path().join("rings").join(KEEP), b"").expect("a file that keeps the folder");
        Self { directory }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn rings(&self) -> PathBuf {
        self.directory.path().join("rings")
    }

    pub fn log(&self) -> PathBuf {
        self.directory.path().join("run.log")
    }

    pub fn other_log(&self) -> PathBuf {
        self.directory.path().join("other.log")
    }

    /// A process that logs to the run's log under a name of its own.
    pub fn maker(&self, name: &str) -> Maker {
        Maker::new(&self.rings(), name, &[&self.log()], SMALL)
    }

    /// Recovers every ring.
    pub fn recover(&self) -> Vec<Found> {
        recover(&self.rings(), None, &mut host()).expect("the ring directory can be read")
    }

    /// Recovers every ring, and expects that nothing is left.
    #[track_caller]
    pub fn recover_all(&self) {
        self.recover_all_but(0);
    }

    /// The same, where some rings' processes live.
    #[track_caller]
    pub fn recover_all_but(&self, alive: usize) {
        for found in &self.recover() {
            assert!(matches!(found.outcome, Outcome::Recovered { .. } | Outcome::Alive), "{found:?}");
        }
        assert_eq!(self.left().len(), alive, "left behind: {:?}", self.left());
    }

    /// The files in the ring directory.
    pub fn left(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.rings()).expect("readable").flatten().map(|entry| entry.path());
        entries.filter(|path| !path.ends_with(KEEP)).collect()
    }

    pub fn text(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The logs that were put aside by these rules, the oldest first, and the log.
    pub fn parts(&self, rotation: &Rotation) -> Vec<PathBuf> {
        parts_of(&self.log(), rotation)
    }

    /// What stands in all of them.
    pub fn whole_text(&self, rotation: &Rotation) -> String {
        self.parts(rotation).iter().map(|path| fs::read_to_string(path).expect("readable")).collect()
    }
}

/// What was put aside of a log by these rules, the oldest first, and the log.
pub fn parts_of(log: &Path, rotation: &Rotation) -> Vec<PathBuf> {
    let kept = rotation.names.kept(log).expect("readable");
    kept.into_iter().rev().map(|kept| kept.path).chain([log.into()]).filter(|path| path.exists()).collect()
}

/// A process that logs: the ring and its producer.
pub struct Maker {
    pub file: RingFile,
    pub descriptor: Arc<Descriptor>,
    pub producer: Producer,
    pub route: u32,
    name: String,
    shape: u32,
    entries: u32,
    pub next: u64,
}

pub fn owner(directory: &Path) -> Owner<'_> {
    Owner {
        pid: std::process::id(),
        uid: 0,
        process_start: 1,
        created: 2,
        boot: [3; 16],
        log_directory: directory.parent().unwrap_or(directory),
    }
}

pub fn sink_entry(path: &Path) -> Entry {
    Entry::Sink(SinkEntry::file(path.as_os_str().as_bytes()))
}

impl Maker {
    pub fn new(rings: &Path, name: &str, logs: &[&Path], sizes: Sizes) -> Self {
        let sinks = logs.iter().map(|log| SinkEntry::file(log.as_os_str().as_bytes()));
        Self::with_sinks(rings, name, sinks, sizes)
    }

    /// A process whose log is put aside by these rules.
    pub fn rotating(run: &Run, name: &str, rotation: &Rotation) -> Self {
        let sink = SinkEntry { rotation: rotation.clone(), ..SinkEntry::file(run.log().as_os_str().as_bytes()) };
        Self::with_sinks(&run.rings(), name, std::iter::once(sink), SMALL)
    }

    /// The same, with the files as they are.
    pub fn with_sinks(rings: &Path, name: &str, sinks: impl Iterator<Item = SinkEntry>, sizes: Sizes) -> Self {
        let descriptor = Arc::default();
        let file = RingFile::create(rings, sizes, &owner(rings), &descriptor).expect("a ring file");
        // SAFETY: the only producer of a ring that was just made.
        let producer = unsafe { Producer::new(file.memory().ring().clone()) };
        let mut maker = Self { file, descriptor, producer, route: 0, name: name.into(), shape: 0, entries: 0, next: 0 };
        let sinks = sinks.map(|sink| maker.define(&Entry::Sink(sink))).collect::<Vec<_>>();
        maker.route = maker.define(&Entry::Route(sinks.into()));
        maker.shape = maker.define(&Entry::Shape([&b"maker"[..], b"number"].map(Box::from).into()));
        maker.define(&Entry::Name(b"test".as_slice().into()));
        maker.note();
        maker
    }

    /// Appends to the dictionary; the entry's number.
    pub fn define(&mut self, entry: &Entry) -> u32 {
        // SAFETY: this is the producer's thread.
        assert!(unsafe { self.file.memory().append_to_dictionary(entry, 0) });
        self.entries += 1;
        self.entries - 1
    }

    /// Notes down for others that the route has taken all there is.
    pub fn note(&self) {
        let memory = self.file.memory();
        let account = memory.account(memory.accounts() - 1).expect("a route");
        account.enter(ledger::Entry { cursor: self.producer.head(), kept: self.next, lost: 0 });
    }

    pub fn payload(&self, number: u64) -> Vec<u8> {
        let mut scratch = Scratch::new();
        scratch.text(format!("{} {number} {}", self.name, "~".repeat(number as usize * 7 % 60)).as_bytes());
        encode_group(self.shape, 2, &mut scratch);
        Value::Str(self.name.as_bytes()).encode(&mut scratch);
        Value::Int(number as i64).encode(&mut scratch);
        scratch.as_slice().to_vec()
    }

    fn header(&self, kind: Kind, number: u64) -> Header {
        Header {
            kind: kind as u8,
            level: 20,
            flags: flags::FIELDS,
            route: self.route,
            name: self.shape + 1,
            stamp: 1_795_000_000_000_000_000 + number * 1000,
            ..Header::default()
        }
    }

    /// Logs the next record.
    pub fn try_log(&mut self) -> Result<(), Full> {
        let header = self.header(Kind::Log, self.next);
        let payload = self.payload(self.next);
        self.producer.push(header, &payload)?;
        self.next += 1;
        Ok(())
    }

    /// Logs the next records.
    pub fn log(&mut self, count: u64) {
        for _ in 0..count {
            self.try_log().expect("there is room");
        }
    }

    /// Logs the next records as the rows of one block.
    pub fn try_log_block(&mut self, rows: u64) -> Result<(), Full> {
        let (mut shared, mut block) = (Scratch::new(), Scratch::new());
        shared.text(format!("{} of many", self.name).as_bytes());
        encode_block(rows as usize, shared.as_slice(), self.shape, 2, &mut block);
        block.byte(Form::Same as u8);
        Value::Str(self.name.as_bytes()).encode(&mut block);
        block.byte(Form::U64 as u8);
        (self.next..self.next + rows).for_each(|number| block.bytes(&number.to_le_bytes()));
        self.producer.push(self.header(Kind::Block, self.next), block.as_slice())?;
        self.next += rows;
        Ok(())
    }

    /// Logs the next records as the rows of one block.
    pub fn log_block(&mut self, rows: u64) {
        self.try_log_block(rows).expect("there is room");
    }

    /// Logs the next record as one that is too large for the ring, which sits behind `pad` bytes of other records.
    pub fn log_spilled(&mut self) {
        let header = self.header(Kind::Spill, self.next);
        let payload = self.payload(self.next);
        // Where the record will be: there is no pad in a test's first round.
        let position = self.producer.head();
        fs::write(spill_path(self.file.path(), position), &payload).expect("a spill file");
        let at = self.producer.push(header, &(payload.len() as u64).to_le_bytes()).expect("there is room");
        assert_eq!(at, position);
        self.next += 1;
    }

    pub fn stream(&self) -> Stream {
        Stream { ring: self.file.memory().header().id, sink: 0 }
    }

    pub fn source(&self) -> Source {
        Source::new(self.file.memory().clone(), self.file.path())
    }

    pub fn writer(&self) -> Writer {
        Writer::new(self.source())
    }

    /// What the log gets from all that is in the ring, and for each line its end and the position behind it.
    pub fn lines(&self) -> (Vec<u8>, Vec<(usize, u64)>) {
        let (mut lines, mut ends) = (Vec::new(), Vec::new());
        let mut source = self.source();
        source.refresh();
        source.format(
            0,
            self.file.memory().ring().tail(),
            self.producer.head(),
            usize::MAX,
            &mut lines,
            Some(&mut ends),
        );
        (lines, ends)
    }

    /// The process dies: its locks are gone, its ring stays.
    pub fn die(self) -> PathBuf {
        self.file.path().to_path_buf()
    }

    /// The journal of a batch of all that is in the ring, as its writer makes it before it appends to `log`.
    pub fn journal(&self, log: &Path) -> Journal {
        let stat = fs::metadata(log).expect("the log is there");
        Journal {
            stream: self.stream(),
            slot: 0,
            pid: 1,
            dictionary: self.file.memory().dictionary(0).len() as u32,
            from: self.file.memory().ring().tail(),
            to: self.producer.head(),
            device: stat.dev(),
            inode: stat.ino(),
            offset: stat.len(),
            length: self.lines().0.len() as u64,
            stamp: 1,
            ring_path: self.file.path().as_os_str().as_bytes().to_vec(),
        }
    }
}

/// Writes a lock file as a process left it that was killed.
pub fn leave_lock_file(log: &Path, journal: Option<&Journal>, cursors: &[Option<Cursor>]) {
    let mut bytes = vec![0; SLOTS as usize];
    bytes[..16].copy_from_slice(&LockFile::header());
    if let Some(journal) = journal {
        let encoded = journal.encode();
        bytes[JOURNAL as usize..JOURNAL as usize + encoded.len()].copy_from_slice(&encoded);
    }
    for cursor in cursors {
        bytes.extend_from_slice(&cursor.map_or([0xFF; 64], |cursor| cursor.encode()));
    }
    fs::write(lock_path(log), bytes).expect("the lock file can be written");
}

/// Drains until nothing more can be done at once.
pub fn drain(writer: &mut Writer) {
    let mut host = host();
    while writer.round(&mut host, true).more {}
}

/// The counts of each file of a ring, in one look from outside.
pub fn counted(ring: &Path) -> Option<BTreeMap<PathBuf, Counts>> {
    census(&look(ring, &mut || false).expect("readable"))
}

/// Changes the bytes of a file; gives what stands in it then.
pub fn change(path: &Path, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = fs::read(path).expect("readable");
    change(&mut bytes);
    fs::write(path, &bytes).expect("writable");
    bytes
}

/// Bytes of a ring file as a ring.
pub fn memory_of(path: &Path) -> RingMemory {
    RingMemory::copy_of(&fs::read(path).expect("readable")).expect("a ring")
}

/// A record without a name, fields or arguments.
pub fn plain_header(route: u32) -> Header {
    Header { kind: Kind::Log as u8, level: 20, route, name: INLINE, ..Header::default() }
}
