//! Any lock file is read without harm: the records are written, and nothing that was in the log is touched.
//!
//! Half of the inputs are the lock file itself. The other half are the fields of a journal and its cursors, with
//! sums that are right, for no mutation would ever find those. A lock file that says nothing is seldom tried with
//! a log: files take very much longer than bytes.

#![no_main]

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use undergird_core::batch::Source;
use undergird_core::dictionary::{Entry, SinkEntry};
use undergird_core::lockfile::{Cursor, JOURNAL, Journal, LockFile, SLOTS, Stream};
use undergird_core::record::{Header, INLINE, Kind};
use undergird_core::ring::Producer;
use undergird_core::ringfile::{Owner, RingMemory, Sizes};
use undergird_core::sink::lock_path;
use undergird_core::writer::{Host, Writer};

const BEFORE: &[u8] = b"what was in the log before\n";

struct Nobody;

impl Host for Nobody {
    fn pid(&self) -> u32 {
        1
    }

    fn now(&mut self) -> u64 {
        1
    }

    fn wait(&mut self, _first: bool) -> bool {
        false
    }
}

/// The bytes of the input, zeros behind its end.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// A number of any size; small ones are likely.
    fn number(&mut self) -> u64 {
        let length = self.byte() % 9;
        (0..length).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }
}

fn log() -> PathBuf {
    let directory = PathBuf::from(std::env::var_os("TMPDIR").unwrap_or_else(|| "/tmp".into()));
    let directory = directory.join(format!("undergird-fuzz-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory for the log");
    directory.join("run.log")
}

/// A ring with three records for a log.
fn ring(log: &Path) -> RingMemory {
    use std::os::unix::ffi::OsStrExt;
    let owner = Owner { pid: 1, uid: 0, process_start: 0, created: 0, boot: [0; 16], log_directory: Path::new("/") };
    let sizes = Sizes { data: 1024, dictionary: 4096 };
    let memory = RingMemory::on_heap(sizes, &owner).expect("random bytes for an id");
    let sink = SinkEntry::file(log.as_os_str().as_bytes());
    for entry in [Entry::Sink(sink), Entry::Route([0].into())] {
        // SAFETY: the only thread.
        assert!(unsafe { memory.append_to_dictionary(&entry, 0) });
    }
    // SAFETY: the only producer.
    let mut producer = unsafe { Producer::new(memory.ring().clone()) };
    for number in 0..3 {
        let header =
            Header { kind: Kind::Log as u8, level: 20, route: 1, name: INLINE, stamp: number, ..Header::default() };
        producer.push(header, &[3, 0, 0, 0, b'a', b'b', b'c']).expect("there is room");
    }
    memory
}

thread_local! {
    static LOG: RefCell<PathBuf> = RefCell::new(log());
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let kind = input.byte();
    if kind & 1 == 0 {
        let parsed = LockFile::parse(&[&LockFile::header(), input.0].concat()).expect("the header is ours");
        let says_nothing =
            parsed.rollover.is_none() && parsed.journal.is_none() && parsed.cursors.iter().all(Option::is_none);
        if says_nothing && kind != 0 {
            return;
        }
    }
    let log = LOG.with_borrow(Clone::clone);
    let memory = ring(&log);
    fs::write(&log, BEFORE).expect("the log is ours");
    let mut bytes = vec![0; SLOTS as usize];
    bytes[..16].copy_from_slice(&LockFile::header());
    if kind & 1 == 0 {
        bytes.truncate(16);
        bytes.extend_from_slice(input.0);
    } else {
        use std::os::unix::fs::MetadataExt;
        let stat = fs::metadata(&log).expect("written above");
        let id = memory.header().id;
        let mut stream = || Stream {
            ring: if input.byte() & 1 == 0 { id } else { [input.byte(); 16] },
            sink: input.number() as u32,
        };
        let streams = [stream(), stream(), stream()];
        let journal = Journal {
            stream: streams[0],
            slot: input.number() as u32,
            pid: 0,
            dictionary: input.number() as u32,
            from: input.number(),
            to: input.number(),
            device: stat.dev(),
            inode: stat.ino(),
            offset: input.number(),
            length: input.number(),
            stamp: input.number(),
            ring_path: Vec::new(),
        };
        let encoded = journal.encode();
        bytes[JOURNAL as usize..JOURNAL as usize + encoded.len()].copy_from_slice(&encoded);
        for stream in streams {
            bytes.extend_from_slice(&Cursor { stream, position: input.number(), stamp: input.number() }.encode());
        }
        let parsed = LockFile::parse(&bytes).expect("ours");
        if journal.from <= journal.to {
            assert_eq!(parsed.journal.as_ref(), Some(&journal));
        }
    }
    let parsed = LockFile::parse(&bytes).expect("the header is ours");
    let _ = (parsed.open_journal(), parsed.free_slot(), parsed.stillest_slot(&|ring| ring[0] & 1 == 0));
    fs::write(lock_path(&log), &bytes).expect("the lock file is ours");

    let mut writer = Writer::new(Source::new(memory, Path::new("")));
    for _ in 0..8 {
        writer.round(&mut Nobody, true);
    }
    assert!(writer.is_done(), "{:?}", writer.outlets()[0].trouble());
    let text = fs::read(&log).expect("the log is there");
    assert!(text.starts_with(BEFORE), "what was in the log is touched");
    assert!(text.ends_with(b"\n"));
    // A lock file may claim that some were written already; it cannot make them more.
    assert!(text.iter().filter(|byte| **byte == b'\n').count() <= 4);
});
