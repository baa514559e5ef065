//! The ring against a queue that does the same with no cleverness at all, and against hostile memory.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;
use undergird_core::record::{HEADER, Header, Kind};
use undergird_core::region::Region;
use undergird_core::ring::{CONTROL, Corrupt, HEAD, Producer, Ring, TAIL};
use undergird_core::sync::Ordering;

/// A ring whose memory is `data` and whose positions are given.
fn ring_of(data: &[u8], tail: u64, head: u64) -> Ring {
    let region = Arc::new(Region::heap(CONTROL + data.len()));
    // SAFETY: nobody else knows the region yet.
    unsafe { region.write(CONTROL, data) };
    region.atomic(HEAD).store(head, Ordering::Relaxed);
    region.atomic(TAIL).store(tail, Ordering::Relaxed);
    Ring::new(region, CONTROL, data.len())
}

fn header(stamp: u64) -> Header {
    Header { kind: Kind::Log as u8, level: 30, flags: 5, route: 6, name: 7, stamp, ..Header::default() }
}

/// What is done to a ring.
#[derive(Clone, Debug)]
enum Step {
    /// A record with a payload of so many bytes.
    Push(usize),
    /// So many records are read, and released together.
    Read(usize),
}

fn steps(largest: usize) -> impl Strategy<Value = Vec<Step>> {
    let payload = largest - HEADER;
    let step = prop_oneof![
        4 => (0..=payload).prop_map(Step::Push),
        1 => Just(Step::Push(payload)),
        2 => (0usize..12).prop_map(Step::Read),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    #[test]
    fn a_ring_is_a_queue(
        (capacity, start, steps) in (8u32..13).prop_flat_map(|bits| {
            let capacity = 1usize << bits;
            (Just(capacity), (0..2 * capacity as u64 / 8).prop_map(|word| word * 8), steps(capacity / 8))
        }),
    ) {
        let ring = ring_of(&vec![0xAA; capacity], start, start);
        // SAFETY: the only producer of this ring.
        let mut producer = unsafe { Producer::new(ring.clone()) };
        let mut model: VecDeque<(u64, Vec<u8>)> = VecDeque::new();
        let (mut position, mut stamp) = (start, 0);
        for step in steps {
            match step {
                Step::Push(length) => {
                    let payload: Vec<u8> = (0..length).map(|at| (at as u64 * 31 + stamp) as u8).collect();
                    let before = producer.used();
                    match producer.push(header(stamp), &payload) {
                        Ok(at) => {
                            prop_assert!(at >= start && at.is_multiple_of(8));
                            model.push_back((stamp, payload));
                            stamp += 1;
                        }
                        Err(_) => {
                            // Refused only where record and pad together have no room.
                            let most = (HEADER + length).next_multiple_of(8) * 2;
                            prop_assert!(before as usize + most > capacity, "refused with {before} of {capacity} in use");
                        }
                    }
                    prop_assert!(ring.head() - ring.tail() <= capacity as u64);
                }
                Step::Read(count) => {
                    let head = ring.head();
                    for _ in 0..count {
                        let Some((stamp, payload)) = model.pop_front() else {
                            prop_assert!(ring.entry(position, head).unwrap().is_none());
                            break;
                        };
                        let entry = ring.entry(position, head).unwrap().expect("the model has one");
                        prop_assert_eq!(Header { length: 0, position: 0, ..entry.header }, header(stamp));
                        // SAFETY: not released yet.
                        prop_assert_eq!(unsafe { ring.payload(&entry) }, &payload[..]);
                        position = entry.next;
                    }
                    ring.release(position);
                }
            }
        }
        for (stamp, _) in model {
            let entry = ring.entry(position, ring.head()).unwrap().expect("the model has one");
            prop_assert_eq!(entry.header.stamp, stamp);
            position = entry.next;
        }
        prop_assert!(ring.entry(position, ring.head()).unwrap().is_none());
    }

    #[test]
    fn a_producer_goes_on_where_the_ring_stands(lengths in prop::collection::vec(0usize..96, 1..60)) {
        let ring = ring_of(&[0; 1024], 0, 0);
        let mut position = 0;
        for (stamp, length) in lengths.into_iter().enumerate() {
            // SAFETY: the one before is gone.
            let mut producer = unsafe { Producer::new(ring.clone()) };
            prop_assert!(producer.push(header(stamp as u64), &vec![stamp as u8; length]).is_ok());
            let entry = ring.entry(position, ring.head()).unwrap().expect("just pushed");
            prop_assert_eq!(entry.header.stamp, stamp as u64);
            position = entry.next;
            ring.release(position);
        }
    }

    #[test]
    fn reading_goes_on_behind_damage(
        lengths in prop::collection::vec(0usize..96, 3..8), damaged in 0usize..8, byte in 0usize..8, value in any::<u8>(),
    ) {
        let region = Arc::new(Region::heap(CONTROL + 1024));
        let ring = Ring::new(Arc::clone(&region), CONTROL, 1024);
        // SAFETY: the only producer of this ring.
        let mut producer = unsafe { Producer::new(ring.clone()) };
        let mut push = |(stamp, length): (u64, &usize)| producer.push(header(stamp), &vec![0; *length]).unwrap();
        let starts: Vec<u64> = (0..).zip(&lengths).map(&mut push).collect();
        let damaged = damaged % lengths.len();
        // One byte of the length or the kind.
        let at = starts[damaged] as usize + byte % 4;
        // SAFETY: the producer rests.
        let mut memory = unsafe { region.bytes(CONTROL, 1024) }.to_vec();
        memory[at] ^= value;
        let head = ring.head();
        let ring = ring_of(&memory, 0, head);
        let mut found = Vec::new();
        let mut position = 0;
        while position < head {
            match ring.entry(position, head) {
                Ok(Some(entry)) => {
                    found.push(entry.header.stamp);
                    prop_assert!(entry.next > position);
                    position = entry.next;
                }
                Ok(None) => break,
                Err(Corrupt { position: at }) => {
                    let next = ring.resume(at, head);
                    prop_assert!(next > at && next <= head);
                    position = next;
                }
            }
        }
        for stamp in (0..lengths.len() as u64).filter(|stamp| *stamp < damaged as u64) {
            prop_assert!(found.contains(&stamp), "what stands before the damage is read");
        }
        if value == 0 {
            prop_assert_eq!(found.len(), lengths.len());
        }
    }

    #[test]
    fn hostile_memory_is_read_to_the_end_without_a_panic(
        words in prop::collection::vec(prop_oneof![any::<u64>(), (0u64..600), (0u64..40).prop_map(|n| n * 8)], 64),
        tail in prop_oneof![any::<u64>(), 0u64..2000], used in 0u64..=512,
    ) {
        let data: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let head = tail.saturating_add(used);
        let ring = ring_of(&data, tail, head);
        let (mut position, mut steps) = (tail, 0);
        while position < head {
            steps += 1;
            prop_assert!(steps <= 200, "every step gets on");
            position = match ring.entry(position, head) {
                Ok(Some(entry)) => {
                    // SAFETY: nobody writes.
                    let length = unsafe { ring.payload(&entry) }.len();
                    prop_assert!(length + HEADER <= 512);
                    entry.next
                }
                Ok(None) => head,
                Err(Corrupt { position }) => ring.resume(position, head),
            };
        }
    }
}

#[test]
fn where_a_record_will_begin_is_known_before_it_is_pushed() {
    let ring = ring_of(&[0; 1024], 0, 0);
    // SAFETY: the only producer of this ring.
    let mut producer = unsafe { Producer::new(ring.clone()) };
    let mut padded = 0;
    for length in (0..96).cycle().take(400) {
        let (before, expected) = (producer.head(), producer.next_position(length));
        assert_eq!(producer.push(header(0), &vec![0; length]), Ok(expected));
        padded += u32::from(expected > before);
        ring.release(producer.head());
    }
    assert!(padded > 10, "the end of the memory was met");
}

#[test]
fn what_an_earlier_round_left_is_not_taken_for_a_record() {
    let region = Arc::new(Region::heap(CONTROL + 1024));
    let ring = Ring::new(Arc::clone(&region), CONTROL, 1024);
    // SAFETY: the only producer of this ring.
    let mut producer = unsafe { Producer::new(ring) };
    producer.push(header(0), &[0; 40]).unwrap();
    // SAFETY: the producer rests.
    let memory = unsafe { region.bytes(CONTROL, 1024) };
    assert!(ring_of(memory, 0, 1024).entry(0, 1024).is_ok());
    assert_eq!(ring_of(memory, 1024, 2048).entry(1024, 2048).unwrap_err(), Corrupt { position: 1024 });
}

#[test]
fn a_ring_full_of_false_pads_takes_linear_time_to_read() {
    // Quadratic time would be minutes here, with a debug build or without.
    let pads: Vec<u8> = (0..1 << 19).flat_map(|_| 8u64.to_le_bytes()).collect();
    let head = pads.len() as u64;
    let ring = ring_of(&pads, 0, head);
    assert_eq!(ring.resume(0, head), head);
    assert!(ring.entry(0, head).unwrap().is_none());
}

#[test]
fn the_end_of_all_positions_is_no_place_to_hang() {
    let ring = ring_of(&[0; 256], u64::MAX - 200, u64::MAX);
    assert_eq!(ring.resume(u64::MAX - 3, u64::MAX), u64::MAX);
    assert!(ring.entry(u64::MAX - 7, u64::MAX).is_err());
}

#[test]
#[should_panic(expected = "does not go into the ring")]
fn a_record_larger_than_an_eighth_is_the_callers_mistake() {
    let ring = ring_of(&[0; 1024], 0, 0);
    // SAFETY: the only producer of this ring.
    let mut producer = unsafe { Producer::new(ring) };
    let _ = producer.push(header(0), &[0; 97]);
}
