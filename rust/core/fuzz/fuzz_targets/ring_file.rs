//! Any bytes are a ring or an error, and what is a ring can be formatted to its end: twice the same. Every other one is
//! looked at in a file too, as a ring whose process lives, and its records are counted by its accounts. At last what it
//! has refused is said, as a recovery does: each announcement is a whole line of each of its files.
//!
//! Some inputs are the file itself; others are dictionary and data below a header that is right, or right but for
//! what the input changes in it.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use undergird_core::announcement::{Announcement, due};
use undergird_core::batch::Source;
use undergird_core::census::census;
use undergird_core::dictionary::{Entry, SinkEntry};
use undergird_core::dictionary_memory::{ACCOUNTS, DICTIONARY};
use undergird_core::ring::{CONTROL, HEAD, Producer, TAIL};
use undergird_core::ringfile::{MAGIC, RingMemory, VERSION, look};

const DICTIONARY_BYTES: usize = 1024;
/// Bytes of the header before the positions.
const HEADER: usize = 0x68;
/// Where it says what was refused and has not been told: of which route that is being said, where, and then the places.
const TELLING: usize = 0x800;
const PLACES: usize = 0x810;

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = PathBuf::from(std::env::var_os("TMPDIR").unwrap_or_else(|| "/tmp".into()));
    let directory = directory.join(format!("undergird-fuzz-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory for the ring");
    directory.join("looked-at.ring")
});

/// A file with a header that is right, positions and refusals from the input, and the rest of it as dictionary and data.
fn file(input: &[u8]) -> Vec<u8> {
    let (numbers, rest) = input.split_at(input.len().min(9));
    let number =
        |at: usize| u64::from(*numbers.get(at).unwrap_or(&0)) << 8 | u64::from(*numbers.get(at + 1).unwrap_or(&0));
    // Four bytes each: route, level, logger, how many.
    let (refused, rest) = rest.split_at(rest.len().min(usize::from(number(7) as u8) % 32 * 4));
    let dictionary = rest.len().min(number(0) as usize % (DICTIONARY_BYTES + 1));
    let (dictionary, data) = rest.split_at(dictionary);
    // With a file to begin with, or what the input says alone.
    let begin = if number(7) >> 8 & 1 == 0 {
        [Entry::Sink(SinkEntry::file(b"/logs/run.log")), Entry::Route([0].into())].map(|entry| entry.encode()).concat()
    } else {
        Vec::new()
    };
    let dictionary = &[&begin, dictionary].concat()[..(begin.len() + dictionary.len()).min(DICTIONARY_BYTES)];
    // Room for what is announced, too.
    let capacity = data.len().next_power_of_two().max(if refused.is_empty() { 128 } else { 1 << 13 });
    let mut out = vec![0; CONTROL + DICTIONARY_BYTES];
    out[..8].copy_from_slice(&MAGIC);
    out[8..12].copy_from_slice(&VERSION.to_le_bytes());
    out[12..16].copy_from_slice(&0x0102_0304u32.to_le_bytes());
    let places = [CONTROL, DICTIONARY_BYTES, CONTROL + DICTIONARY_BYTES, capacity];
    for (word, place) in places.into_iter().enumerate() {
        let at = 0x48 + word * 8;
        out[at..at + 8].copy_from_slice(&(place as u64).to_le_bytes());
    }
    let tail = number(2) * 8;
    let head = tail + number(4) % (capacity as u64 + 1);
    let accounts = u64::from(*numbers.get(6).unwrap_or(&0));
    for (at, position) in [(HEAD, head), (TAIL, tail), (DICTIONARY, dictionary.len() as u64), (ACCOUNTS, accounts)] {
        out[at..at + 8].copy_from_slice(&position.to_le_bytes());
    }
    out[CONTROL..CONTROL + dictionary.len()].copy_from_slice(dictionary);
    for (place, refused) in refused.chunks_exact(4).enumerate() {
        let &[route, level, logger, count] = refused else { unreachable!("chunks of four") };
        let key = 1 << 63 | u64::from(route) << 40 | u64::from(level) << 32 | u64::from(logger);
        let at = PLACES + place * 16;
        out[at..at + 8].copy_from_slice(&key.to_le_bytes());
        // Of every order of magnitude.
        out[at + 8..at + 16].copy_from_slice(&(u64::from(count) << (count % 64)).to_le_bytes());
    }
    out[TELLING] = (number(7) >> 13) as u8;
    out[TELLING + 8..TELLING + 16].copy_from_slice(&head.to_le_bytes());
    // Accounts stand at the end of the dictionary's place: what comes first in the data is theirs too.
    let free = DICTIONARY_BYTES - dictionary.len();
    let theirs = data.len().min(free);
    out[CONTROL + DICTIONARY_BYTES - theirs..].copy_from_slice(&data[..theirs]);
    out.extend_from_slice(data);
    out.resize(CONTROL + DICTIONARY_BYTES + capacity, 0);
    out
}

/// What a recovery does when everything is written: each thing is said once.
fn announce(memory: &RingMemory, head: u64) {
    memory.ring().release(head);
    // SAFETY: the only producer of our own copy.
    let mut producer = unsafe { Producer::new(memory.ring().clone()) };
    for Announcement { header, payload } in due(memory, 1) {
        let (untold, begin) = (memory.untold().count(), producer.head());
        let told = memory.tell(&mut producer, header, payload.as_slice(), |_| Ok(())).expect("nothing to keep");
        assert_eq!(told, memory.untold().count() < untold, "what is told is not told again");
        let mut source = Source::new(memory.clone(), Path::new(""));
        source.refresh();
        let sinks: Vec<u32> = source.route(header.route).to_vec();
        for sink in sinks {
            let mut lines = Vec::new();
            let batch = source.format(sink, begin, producer.head(), usize::MAX, &mut lines, None);
            assert_eq!((batch.records, batch.failed), (u64::from(told), 0), "it is a record like others");
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, input)) = input.split_first() else { return };
    let bytes = match kind % 3 {
        0 => input.to_vec(),
        1 => file(input),
        _ => {
            let (changes, rest) = input.split_at(input.len().min(HEADER));
            let mut bytes = file(rest);
            // Zeros change nothing.
            bytes.iter_mut().zip(changes).for_each(|(byte, change)| *byte ^= change);
            bytes
        }
    };
    let Ok(memory) = RingMemory::copy_of(&bytes) else {
        assert_ne!(kind % 3, 1, "the header was right");
        return;
    };
    let (tail, head) = (memory.ring().tail(), memory.ring().head());
    let mut source = Source::new(memory.clone(), Path::new(""));
    source.refresh();
    let dictionary = source.dictionary_read();
    let sinks: Vec<u32> = source.sinks().map(|(sink, _)| sink).chain([7]).take(3).collect();
    for sink in sinks {
        let mut from = tail;
        while from < head {
            let (mut lines, mut ends) = (Vec::new(), Vec::new());
            let batch = source.format(sink, from, head, 300, &mut lines, Some(&mut ends));
            assert!(batch.to > from && batch.to <= head, "every batch gets on");
            assert_eq!(batch.records, lines.iter().filter(|byte| **byte == b'\n').count() as u64);
            assert_eq!(batch.records, ends.len() as u64);
            // What recovery does with a batch that was torn.
            let mut again = Vec::new();
            let mut later = Source::as_of(memory.clone(), Path::new(""), dictionary);
            later.format(sink, from, batch.to, usize::MAX, &mut again, None);
            assert_eq!(lines, again, "the same range gives the same bytes");
            from = batch.to;
        }
    }
    source.remove_spills(tail, head);
    Source::count(&memory, &|route| route == 1, tail, tail, head);

    announce(&memory, head);

    if kind % 2 == 1 {
        fs::write(&*FILE, &bytes).expect("the file is ours");
        let mut looks = 0;
        let seen = look(&FILE, &mut || {
            looks += 1;
            looks < 3
        });
        let seen = seen.expect("what can be read once can be read again");
        if let Some(counts) = census(&seen) {
            assert!(counts.len() <= seen.accounts.expect("counted").len());
        }
    }
});
