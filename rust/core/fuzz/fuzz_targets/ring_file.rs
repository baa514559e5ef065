//! Any bytes are a ring or an error, and what is a ring can be formatted to its end: twice the same. Every other one is
//! looked at in a file too, as a ring whose process lives, and its records are counted by its accounts.
//!
//! Some inputs are the file itself; others are dictionary and data below a header that is right, or right but for
//! what the input changes in it.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use undergird_core::batch::Source;
use undergird_core::census::census;
use undergird_core::ring::{CONTROL, HEAD, TAIL};
use undergird_core::ringfile::{DICTIONARY, MAGIC, RingMemory, VERSION, look};

const DICTIONARY_BYTES: usize = 1024;
/// Bytes of the header before the positions.
const HEADER: usize = 0x68;
/// Where the file says how many accounts there are.
const ACCOUNTS: usize = 0x208;

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = PathBuf::from(std::env::var_os("TMPDIR").unwrap_or_else(|| "/tmp".into()));
    let directory = directory.join(format!("undergird-fuzz-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory for the ring");
    directory.join("looked-at.ring")
});

/// A file with a header that is right, positions from the input, and the rest of it as dictionary and data.
fn file(input: &[u8]) -> Vec<u8> {
    let (numbers, rest) = input.split_at(input.len().min(7));
    let number =
        |at: usize| u64::from(*numbers.get(at).unwrap_or(&0)) << 8 | u64::from(*numbers.get(at + 1).unwrap_or(&0));
    let dictionary = rest.len().min(number(0) as usize % (DICTIONARY_BYTES + 1));
    let (dictionary, data) = rest.split_at(dictionary);
    let capacity = data.len().next_power_of_two().max(128);
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
    // Accounts stand at the end of the dictionary's place: what comes first in the data is theirs too.
    let free = DICTIONARY_BYTES - dictionary.len();
    let theirs = data.len().min(free);
    out[CONTROL + DICTIONARY_BYTES - theirs..].copy_from_slice(&data[..theirs]);
    out.extend_from_slice(data);
    out.resize(CONTROL + DICTIONARY_BYTES + capacity, 0);
    out
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
