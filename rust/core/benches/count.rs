//! The way of a record without Python, stage by stage, as a program whose instructions can be counted:
//!
//! ```text
//! valgrind --tool=callgrind target/release/deps/count-* format 100000
//! ```
//!
//! A record has an int that counts up, a float with all its digits and a short string, like those of the package's
//! benchmarks. What counting finds does not depend on what else the machine does; take the difference of two runs of
//! different length.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Instant;

use undergird_core::batch::Source;
use undergird_core::dictionary::{Entry, SinkEntry};
use undergird_core::record::{Header, Kind, Value, encode_group, flags};
use undergird_core::ring::Producer;
use undergird_core::ringfile::{Owner, RingMemory, Sizes};
use undergird_core::scratch::Scratch;
use undergird_core::writer::{Host, Writer};

/// Records after which the ring is drained.
const ROUND: u64 = 8192;

const STATES: [&[u8]; 8] =
    [b"stem", b"muscle", b"neuron", b"epithelium", b"glia", b"fibroblast", b"osteocyte", b"T cell"];

/// How far the records go. Each stage does what the one before it does, and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Put together and pushed into the ring.
    Push,
    /// And made lines.
    Format,
    /// And appended to a file.
    Write,
}

struct Alone;

impl Host for Alone {
    fn pid(&self) -> u32 {
        1
    }

    fn now(&mut self) -> u64 {
        1
    }

    fn wait(&mut self, _: bool) -> bool {
        false
    }
}

fn ring(log: &Path) -> RingMemory {
    let owner = Owner { pid: 1, uid: 1, process_start: 0, created: 0, boot: [0; 16], log_directory: Path::new("/") };
    let memory = RingMemory::on_heap(Sizes::of(4 << 20), &owner).expect("random bytes for an id");
    let keys = [&b"agent_id"[..], b"energy", b"kind"].map(Box::from);
    let entries = [
        Entry::Sink(SinkEntry::file(log.as_os_str().as_bytes())),
        Entry::Route([0].into()),
        Entry::Name((*b"sim.cells").into()),
        Entry::Shape(keys.into()),
    ];
    for entry in entries {
        // SAFETY: the only thread.
        assert!(unsafe { memory.append_to_dictionary(&entry, 0) });
    }
    memory
}

fn push(producer: &mut Producer, number: u64) {
    // Scattered over the numbers up to 100; the multiplier is that of Knuth's MMIX.
    let scattered = number.wrapping_mul(6_364_136_223_846_793_005) >> 11;
    let mut payload = Scratch::new();
    payload.text(b"agent moved");
    encode_group(3, 3, &mut payload);
    Value::Int(number as i64).encode(&mut payload);
    Value::Float(scattered as f64 / (1u64 << 53) as f64 * 100.0).encode(&mut payload);
    Value::Str(STATES[number as usize % STATES.len()]).encode(&mut payload);
    let stamp = 1_795_245_960_123_456_789 + number * 1000;
    let kind = Kind::Log as u8;
    let header = Header { kind, level: 20, flags: flags::FIELDS, route: 1, name: 2, stamp, ..Header::default() };
    producer.push(header, payload.as_slice()).expect("the ring is drained in time");
}

fn run(stage: Stage, count: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let memory = ring(&folder.path().join("run.log"));
    // SAFETY: the only producer.
    let mut producer = unsafe { Producer::new(memory.ring().clone()) };
    let mut source = Source::new(memory.clone(), Path::new(""));
    source.refresh();
    let mut writer = Writer::new(Source::new(memory.clone(), Path::new("")));
    let mut lines = Vec::new();
    for number in 1..=count {
        push(&mut producer, number);
        if number % ROUND > 0 && number < count {
            continue;
        }
        let (tail, head) = (memory.ring().tail(), memory.ring().head());
        if stage == Stage::Write {
            while writer.round(&mut Alone, true).more {}
            assert!(writer.is_done());
            continue;
        }
        let mut at = tail;
        while stage == Stage::Format && at < head {
            lines.clear();
            at = source.format(0, at, head, 256 * 1024, &mut lines, None).to;
        }
        memory.ring().release(head);
    }
}

fn main() {
    let stages = [("push", Stage::Push), ("format", Stage::Format), ("write", Stage::Write)];
    let mut arguments = std::env::args().skip(1);
    let wanted = arguments.next().and_then(|name| stages.into_iter().find(|(stage, _)| *stage == name));
    if let Some((_, stage)) = wanted {
        let count = arguments.next().map_or(100_000, |count| count.parse().expect("a number of records"));
        return run(stage, count);
    }
    let count = 1_000_000;
    for (name, stage) in stages {
        let begin = Instant::now();
        run(stage, count);
        println!("{name}: {:.1} ns a record", begin.elapsed().as_nanos() as f64 / count as f64);
    }
}
