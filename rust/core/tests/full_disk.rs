//! A log that is full in the middle of a line, and then has room again.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::support::process::{Child, alone};
use crate::support::*;

fn limit_file_size(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: both calls change this child process only.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
    }
}

/// The log is full in the middle of a line; `meddle` happens; then there is room again.
fn full_and_then_not(ring_in_heap: bool, meddle: fn(&Path)) -> Run {
    let run = Run::new();
    // The ring and the lock file are larger than the log will be, so they are made before there is a limit, in
    // the case of the log by filling it up to the limit beforehand.
    let filler = 128 * 1024;
    File::create(run.log()).unwrap().write_all_at(&vec![b'\n'; filler], 0).unwrap();
    let child = Child::start(|| {
        let mut maker = run.maker("a");
        maker.log(2);
        maker.log_block(18);
        let mut writer = if ring_in_heap {
            let memory = memory_of(maker.file.path());
            undergird_core::writer::Writer::new(undergird_core::batch::Source::new(memory, Path::new("")))
        } else {
            maker.writer()
        };
        limit_file_size(filler as u64 + 1000);
        for _ in 0..3 {
            writer.round(&mut host(), true);
            assert!(writer.outlets()[0].trouble().is_some());
            assert!(!writer.is_done());
        }
        meddle(&run.log());
        limit_file_size(libc::RLIM_INFINITY);
        drain(&mut writer);
        assert!(writer.is_done());
        assert_eq!(writer.outlets()[0].account().read().unwrap().kept, 20);
        if ring_in_heap {
            maker.file.remove();
        }
    });
    child.join();
    run
}

fn records_behind_filler(run: &Run) -> (Vec<u64>, usize) {
    let text = run.text();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let found: Vec<u64> = lines.iter().filter_map(|line| record(line)).map(|(_, number)| number).collect();
    let broken = lines.len() - found.len();
    (found, broken)
}

#[test]
fn a_full_disk_in_the_middle_of_a_line_is_overcome() {
    let _alone = alone();
    for ring_in_heap in [false, true] {
        let run = full_and_then_not(ring_in_heap, |_| {});
        assert_eq!(records_behind_filler(&run), ((0..20).collect(), 0));
    }
}

#[test]
fn a_neighbour_that_finds_the_torn_line_of_a_full_disk_doubles_nothing() {
    let _alone = alone();
    let neighbour = |log: &Path| {
        limit_file_size(libc::RLIM_INFINITY);
        let run = Run::new();
        let mut maker = Maker::new(&run.rings(), "neighbour", &[log], SMALLEST);
        maker.log(1);
        drain(&mut maker.writer());
        maker.file.remove();
    };
    for (ring_in_heap, torn) in [(false, 0), (true, 1)] {
        let run = full_and_then_not(ring_in_heap, neighbour);
        let text = run.text();
        let mine: Vec<u64> =
            text.lines().filter_map(record).filter(|(name, _)| name == "a").map(|(_, number)| number).collect();
        assert_eq!(mine, (0..20).collect::<Vec<_>>(), "ring in heap: {ring_in_heap}");
        let theirs = text.lines().filter_map(record).filter(|(name, _)| name == "neighbour").count();
        assert_eq!(theirs, 1);
        assert_eq!(records_behind_filler(&run).1, torn, "the torn line of a ring that nobody else can read is closed");
    }
}
