//! What a record costs in the ring, without the making of its payload: pushed, found again, released.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use undergird_core::record::{Header, Kind};
use undergird_core::region::Region;
use undergird_core::ring::{CONTROL, Producer, Ring};

/// The size of a main process's ring.
const CAPACITY: usize = 4 << 20;

fn ring() -> Ring {
    Ring::new(Arc::new(Region::heap(CONTROL + CAPACITY)), CONTROL, CAPACITY)
}

fn push_and_drain(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring");
    for length in [32, 96, 1024] {
        let payload = vec![7; length];
        let header = Header { kind: Kind::Log as u8, level: 20, ..Header::default() };
        group.throughput(Throughput::Elements(1));

        let shared = ring();
        // SAFETY: the only producer of this ring.
        let mut producer = unsafe { Producer::new(shared.clone()) };
        group.bench_function(format!("push {length} bytes"), |bencher| {
            bencher.iter(|| {
                if producer.push(header, black_box(&payload)).is_err() {
                    // Once in tens of thousands of records; what is measured is the producer.
                    shared.release(shared.head());
                    producer.push(header, &payload).expect("the ring is empty");
                }
            });
        });

        let shared = ring();
        // SAFETY: the only producer of this ring.
        let mut producer = unsafe { Producer::new(shared.clone()) };
        let mut position = 0;
        group.bench_function(format!("push and read {length} bytes"), |bencher| {
            bencher.iter(|| {
                producer.push(header, black_box(&payload)).expect("the ring is empty");
                let entry = shared.entry(position, shared.head()).expect("a whole record").expect("a record");
                // SAFETY: released on the next line but one.
                black_box(unsafe { shared.payload(&entry) });
                position = entry.next;
                shared.release(position);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, push_and_drain);
criterion_main!(benches);
