//! The ring between two real threads. ThreadSanitizer and valgrind run these too, so nothing but threads and
//! the ring itself may order what they do: no lock, no channel.
#![cfg(not(loom))]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use undergird_core::record::{HEADER, Header, Kind};
use undergird_core::region::Region;
use undergird_core::ring::{CONTROL, Producer, Ring};

/// A payload that tells which record it belongs to, of a length that makes the records end everywhere.
fn payload(number: u64, largest: usize) -> Vec<u8> {
    let length = (number as usize).wrapping_mul(31) % (largest - HEADER + 1);
    (0..length).map(|at| (number as usize).wrapping_add(at) as u8).collect()
}

/// Says that its thread is over, also when it panicked: the other side must not wait for it for ever.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        // ORDERING: Release pairs with the reader's Acquire below: the last head comes before it. It orders nothing
        // while both threads live, when the ring alone is to order them.
        self.0.store(true, Ordering::Release);
    }
}

fn producer_and_consumer(capacity: usize, count: u64) {
    // Held until both threads are joined: the last owner frees the memory.
    let region = Arc::new(Region::heap(CONTROL + capacity));
    let ring = Ring::new(Arc::clone(&region), CONTROL, capacity);
    let largest = ring.largest();

    let (writer_over, reader_over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (writing, guard, reader_is_over) = (ring.clone(), Over(Arc::clone(&writer_over)), Arc::clone(&reader_over));
    let writer = thread::spawn(move || {
        let _guard = guard;
        // SAFETY: the only producer of this ring.
        let mut producer = unsafe { Producer::new(writing) };
        for number in 0..count {
            let header = Header { kind: Kind::Log as u8, stamp: number, ..Header::default() };
            let payload = payload(number, largest);
            while producer.push(header, &payload).is_err() {
                // ORDERING: Relaxed: nothing is read on the strength of it.
                assert!(!reader_is_over.load(Ordering::Relaxed), "nobody reads any more");
                thread::yield_now();
            }
        }
        producer.head()
    });

    let (reading, guard, writer_is_over) = (ring.clone(), Over(Arc::clone(&reader_over)), Arc::clone(&writer_over));
    let reader = thread::spawn(move || {
        let _guard = guard;
        let (mut position, mut number) = (0, 0);
        while number < count {
            // ORDERING: Acquire pairs with the Release in `Over`: the head read after it is the last one.
            let last = writer_is_over.load(Ordering::Acquire);
            let head = reading.head();
            let Some(entry) = reading.entry(position, head).expect("what is published can be read") else {
                assert!(!last, "record {number} never came");
                thread::yield_now();
                continue;
            };
            assert_eq!(entry.header.stamp, number, "records come in order, none twice, none lost");
            // SAFETY: not released before the next line.
            assert_eq!(unsafe { reading.payload(&entry) }, payload(number, largest), "record {number}");
            position = entry.next;
            // Not every time: a consumer gives room back in batches.
            if number.is_multiple_of(3) || position == head {
                reading.release(position);
            }
            number += 1;
        }
        position
    });

    let read = reader.join().expect("the reader did not panic");
    let written = writer.join().expect("the writer did not panic");
    assert_eq!(written, read);
}

#[test]
fn records_cross_a_small_ring_whole_and_in_order() {
    producer_and_consumer(256, 10_000);
}

#[test]
fn records_cross_a_larger_ring_whole_and_in_order() {
    producer_and_consumer(16 * 1024, 10_000);
}
