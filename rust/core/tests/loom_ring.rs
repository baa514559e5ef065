//! The ring, the dictionary and the ledger in every interleaving that the memory model allows.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test --profile quick --package undergird-core --test loom_ring`. The bytes
//! of the first two are loom's cells: a read that is not ordered after the write, or a write into what is still being
//! read, fails the model even where the values happen to come out right.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use undergird_core::dictionary_memory::DictionaryMemory;
use undergird_core::ledger::{Entry, Ledger};
use undergird_core::record::{Header, Kind};
use undergird_core::region::Region;
use undergird_core::ring::{CONTROL, HEAD, Producer, Ring, TAIL};
use undergird_core::sync::Ordering;

/// A ring whose first record begins at `start`, as if it had been used for a while.
fn ring_at(capacity: usize, start: u64) -> Ring {
    let region = std::sync::Arc::new(Region::heap(CONTROL + capacity));
    region.atomic(HEAD).store(start, Ordering::Relaxed);
    region.atomic(TAIL).store(start, Ordering::Relaxed);
    Ring::new(region, CONTROL, capacity)
}

fn payload(number: u64, length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| (number * 37 + at + 1) as u8).collect()
}

fn push(producer: &mut Producer, number: u64, length: usize) -> bool {
    let header = Header { kind: Kind::Log as u8, stamp: number, ..Header::default() };
    producer.push(header, &payload(number, length)).is_ok()
}

/// Reads every record before `head`, each whole and the next in turn.
fn drain(ring: &Ring, position: &mut u64, number: &mut u64, length: usize) {
    let head = ring.head();
    while let Some(entry) = ring.entry(*position, head).expect("what is published is whole") {
        assert_eq!(entry.header.stamp, *number, "records come in order, none lost, none twice");
        // SAFETY: released below, after it was read.
        assert_eq!(unsafe { ring.payload(&entry) }, payload(*number, length));
        *position = entry.next;
        *number += 1;
    }
}

/// Two threads over one ring: everything that was accepted is read, in order and whole.
fn model(capacity: usize, start: u64, records: u64, length: usize) {
    loom::model(move || {
        let ring = ring_at(capacity, start);
        let writing = ring.clone();
        let writer = thread::spawn(move || {
            // SAFETY: the only producer of this ring.
            let mut producer = unsafe { Producer::new(writing) };
            (0..records).take_while(|number| push(&mut producer, *number, length)).count() as u64
        });
        let (mut position, mut number) = (start, 0);
        for _ in 0..2 {
            drain(&ring, &mut position, &mut number, length);
            ring.release(position);
        }
        let accepted = writer.join().expect("the writer does not panic");
        drain(&ring, &mut position, &mut number, length);
        assert_eq!(number, accepted);
        assert_eq!(ring.head(), position);
    });
}

#[test]
fn a_record_is_seen_whole_or_not_at_all() {
    model(512, 0, 3, 24);
}

#[test]
fn a_record_that_does_not_fit_before_the_end_is_found_behind_the_pad() {
    // The first record lies at 464; 8 bytes are left behind it: a pad of one word, and the second at the start.
    model(512, 464, 3, 8);
    // A pad that is longer than a header.
    model(512, 472, 2, 30);
}

#[test]
fn room_is_taken_again_only_when_it_was_given_back() {
    // Eight records of a bare header fill the ring; whether more are accepted depends on the reader.
    loom::model(|| {
        let ring = ring_at(256, 0);
        // SAFETY: the only producer of this ring.
        let mut producer = unsafe { Producer::new(ring.clone()) };
        for number in 0..8 {
            assert!(push(&mut producer, number, 0));
        }
        assert!(!push(&mut producer, 8, 0), "the ring is full");
        let writer = thread::spawn(move || (8..10).take_while(|number| push(&mut producer, *number, 0)).count());
        let (mut position, mut number) = (0, 0);
        let head = ring.head();
        for _ in 0..2 {
            let entry = ring.entry(position, head).expect("whole").expect("a record");
            assert_eq!(entry.header.stamp, number);
            position = entry.next;
            number += 1;
            ring.release(position);
        }
        let accepted = 8 + writer.join().expect("the writer does not panic") as u64;
        drain(&ring, &mut position, &mut number, 0);
        assert_eq!(number, accepted);
    });
}

#[test]
fn what_a_record_names_is_in_the_dictionary_whole_and_has_its_account() {
    const DICTIONARY: usize = 256;
    const ENTRIES: usize = 2;
    loom::model(|| {
        let region = std::sync::Arc::new(Region::heap(CONTROL + DICTIONARY + 256));
        let dictionary = DictionaryMemory::new(std::sync::Arc::clone(&region), CONTROL, DICTIONARY);
        let ring = Ring::new(region, CONTROL + DICTIONARY, 256);
        // SAFETY: the only producer of this ring.
        let mut producer = unsafe { Producer::new(ring.clone()) };
        let naming = dictionary.clone();
        // The reader is the one that is spawned: loom remembers only the last access to an atomic, and an append loads
        // the length that it stores, which would hide a reader that came before.
        let reader = thread::spawn(move || {
            let (mut position, mut records, mut read) = (0, 0, Vec::new());
            let mut look = move || {
                drain(&ring, &mut position, &mut records, 0);
                // Without a record too: a drainer reads whatever has been published.
                read.extend_from_slice(&dictionary.entries(read.len()));
                let entries = read.len() / 16;
                assert!(entries >= records as usize, "a record names what nobody knows");
                assert_eq!(read, (0..entries as u64).flat_map(|number| payload(number, 16)).collect::<Vec<_>>());
                assert!((0..entries).all(|n| dictionary.account(n).is_some()), "an entry without its account");
                entries
            };
            look();
            look();
            look
        });
        for number in 0..ENTRIES as u64 {
            // SAFETY: as above.
            assert!(unsafe { naming.append(&payload(number, 16), true, 0) });
            assert!(push(&mut producer, number, 0));
        }
        let mut look = reader.join().expect("the reader does not panic");
        assert_eq!(look(), ENTRIES);
    });
}

#[test]
fn a_ledger_never_shows_a_mixture_of_two_states() {
    // Two changes of the writer against one reading: a third would only repeat what two states can do to it.
    loom::model(|| {
        let ledger = Arc::new(Ledger::default());
        ledger.enter(state(1));
        let writing = Arc::clone(&ledger);
        let writer = thread::spawn(move || writing.enter(state(2)));
        if let Some(seen) = ledger.read() {
            assert!(seen == state(1) || seen == state(2), "a mixture: {seen:?}");
        }
        writer.join().expect("the writer does not panic");
        assert_eq!(ledger.read(), Some(state(2)));
    });
}

fn state(number: u64) -> Entry {
    Entry { cursor: number * 100, kept: number * 10, lost: number }
}
