//! Real processes, really killed: at every system call, and at any moment in between.
//!
//! A child counts each record whose call returned on a page that it shares with the test. After it was killed and its
//! ring recovered, the log has to hold exactly those records, each once. `UNDERGIRD_KILLS` sets how many children
//! the random tests kill.
#![cfg(not(loom))]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use std::sync::Arc;

use support::process::{Child, Shared, alone, traced};
use support::*;
use undergird_core::lockfile::{Cursor, MOST_SLOTS};
use undergird_core::recovery::{Outcome, recover};
use undergird_core::ringfile::{Adoption, Orphan};
use undergird_core::rotation::Rotation;
use undergird_core::sink::{FileSink, look};

fn kills(default: u64) -> u64 {
    std::env::var("UNDERGIRD_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A life: makes a ring, logs, writes some, and counts what was accepted.
fn live(run: &Run, accepted: &Shared) {
    let mut maker = Maker::new(&run.rings(), "a", &[&run.log(), &run.other_log()], SMALLEST);
    let mut writer = maker.writer();
    for step in 0..6 {
        if step == 2 {
            maker.log_spilled();
        } else {
            maker.log(1);
        }
        accepted.set(0, maker.next);
        if step % 2 == 1 {
            drain(&mut writer);
        }
    }
    assert!(writer.is_done());
    maker.file.remove();
    writer.forget(&mut host());
}

#[test]
fn a_process_killed_at_any_system_call_loses_nothing_and_doubles_nothing() {
    let _alone = alone();
    for n in 0.. {
        let (run, accepted) = (Run::new(), Shared::new());
        let child = Child::start(|| {
            traced();
            live(&run, &accepted);
        });
        let killed = child.kill_at_stop(n);
        run.recover_all();
        for log in [run.log(), run.other_log()] {
            assert_exactly(&log, "a", accepted.get(0));
        }
        if !killed {
            assert!(n > 100, "the child was stopped at each of its calls");
            assert_eq!(accepted.get(0), 6);
            return;
        }
    }
}

/// A life whose log is put aside again and again.
fn live_rotating(run: &Run, rotation: &Rotation, accepted: &Shared) {
    let mut maker = Maker::rotating(run, "a", rotation);
    let mut writer = maker.writer();
    for _ in 0..2 {
        maker.log(2);
        accepted.set(0, maker.next);
        drain(&mut writer);
        // Put aside between its rows.
        maker.log_block(6);
        accepted.set(0, maker.next);
        drain(&mut writer);
    }
}

#[test]
fn a_process_killed_at_any_system_call_of_a_rotation_loses_nothing_and_doubles_nothing() {
    let _alone = alone();
    // Two or three lines to a file.
    let rotation = Rotation { max_bytes: 400, ..Rotation::default() };
    for n in 0.. {
        let (run, accepted) = (Run::new(), Shared::new());
        let child = Child::start(|| {
            traced();
            live_rotating(&run, &rotation, &accepted);
        });
        let killed = child.kill_at_stop(n);
        run.recover_all();
        let found: Vec<u64> = records(&run.whole_text(&rotation)).into_iter().map(|(_, number)| number).collect();
        let logged = accepted.get(0);
        assert!(found.len() as u64 >= logged && found.len() as u64 <= logged + 6, "{} of {logged}", found.len());
        assert_eq!(found, (0..found.len() as u64).collect::<Vec<_>>());
        if !killed {
            assert!(run.parts(&rotation).len() >= 3);
            return;
        }
    }
}

#[test]
fn processes_that_rotate_one_log_write_to_nothing_that_was_put_aside() {
    let _alone = alone();
    let run = Run::new();
    let rotation = Rotation { max_bytes: 4000, ..Rotation::default() };
    let children: Vec<Child> = ["a", "b", "c", "d"]
        .map(|name| {
            Child::start(|| {
                let mut maker = Maker::rotating(&run, name, &rotation);
                let mut writer = maker.writer();
                for _ in 0..100 {
                    maker.log(5);
                    drain(&mut writer);
                }
                maker.file.remove();
            })
        })
        .into();
    children.iter().for_each(Child::join);
    let found = records(&run.whole_text(&rotation));
    for name in ["a", "b", "c", "d"] {
        let numbers: Vec<u64> = found.iter().filter(|(maker, _)| maker == name).map(|(_, number)| *number).collect();
        assert_eq!(numbers, (0..500).collect::<Vec<_>>(), "records of {name} in the order of the files");
    }
    assert!(run.parts(&rotation).len() > 50);
    assert!(run.parts(&rotation).iter().all(|part| fs::metadata(part).expect("there").len() < 4000));
}

#[test]
fn a_process_killed_while_it_takes_the_slot_of_another_does_not_open_that_one_s_batch_again() {
    let _alone = alone();
    for n in 0.. {
        let run = Run::new();
        let mut gone = run.maker("gone");
        gone.log(1);
        File::create(run.log()).unwrap();
        let journal = gone.journal(&run.log());
        gone.file.remove();
        // No slot is free, and the one of the last batch, which was committed, has been still for longest.
        let others = (1..MOST_SLOTS).map(|slot| {
            let mut stream = journal.stream;
            stream.sink = slot;
            Some(Cursor { stream, position: 0, stamp: slot.into() })
        });
        let last = Cursor { stream: journal.stream, position: journal.to, stamp: 0 };
        leave_lock_file(&run.log(), Some(&journal), &std::iter::once(Some(last)).chain(others).collect::<Vec<_>>());
        let child = Child::start(|| {
            traced();
            let mut maker = run.maker("a");
            maker.log(1);
            drain(&mut maker.writer());
        });
        let killed = child.kill_at_stop(n);
        let state = look(&run.log()).unwrap().expect("it was left").state;
        assert!(state.open_journal().is_none_or(|open| open.stream != journal.stream), "killed at {n}");
        if !killed {
            assert_eq!(state.cursor(journal.stream), None, "its slot was taken");
            return;
        }
    }
}

/// A dead process's ring, of whose last batch `k` bytes are in the first log, and everything in the second.
fn leave_torn(run: &Run, k: usize) {
    let mut maker = Maker::new(&run.rings(), "a", &[&run.log(), &run.other_log()], SMALLEST);
    let mut writer = maker.writer();
    maker.log(2);
    drain(&mut writer);
    maker.log(1);
    maker.log_spilled();
    maker.log(1);
    maker.log_block(4);
    let before = fs::read(run.log()).expect("written above");
    let journal = maker.journal(&run.log());
    let cursor = Cursor { stream: maker.stream(), position: journal.from, stamp: 1 };
    let (lines, _) = maker.lines();
    fs::write(run.log(), [&before[..], &lines[..k.min(lines.len())]].concat()).expect("the log is ours");
    leave_lock_file(&run.log(), Some(&journal), &[Some(cursor)]);
    maker.die();
}

#[test]
fn a_recovery_killed_at_any_system_call_can_be_done_again() {
    let _alone = alone();
    for k in [0, 100, 800] {
        // Every second stop is the end of a call; between them a recovery does nothing that lasts.
        for n in (0..).step_by(2) {
            let run = Run::new();
            leave_torn(&run, k);
            let child = Child::start(|| {
                traced();
                run.recover();
            });
            let killed = child.kill_at_stop(n);
            run.recover_all();
            for log in [run.log(), run.other_log()] {
                assert_exactly(&log, "a", 9);
            }
            if !killed {
                assert!(n > 50, "the child was stopped at each of its calls");
                break;
            }
        }
    }
}

#[test]
fn recoveries_that_are_killed_one_after_the_other_come_to_an_end() {
    let _alone = alone();
    for stride in [1, 3, 7] {
        let run = Run::new();
        leave_torn(&run, 800);
        let mut n = 1;
        loop {
            let child = Child::start(|| {
                traced();
                run.recover();
            });
            if !child.kill_at_stop(n) {
                break;
            }
            n += stride;
        }
        run.recover_all();
        for log in [run.log(), run.other_log()] {
            assert_exactly(&log, "a", 9);
        }
    }
}

/// Rows of a block.
const MANY: u64 = 30;

/// Several processes log to one file as fast as they can and are killed at any moment; then others go on.
fn killed_at_any_moment(seed: &mut u64) {
    let (run, accepted) = (Run::new(), Shared::new());
    for round in 0..10 {
        let children: Vec<Child> = (0..4)
            .map(|index| {
                let (run, accepted) = (&run, &accepted);
                Child::start(move || {
                    let mut maker = run.maker(&format!("p{round}-{index}"));
                    let mut writer = maker.writer();
                    let mut host = host();
                    loop {
                        for _ in 0..20 {
                            let logged = match maker.next % 7 {
                                0 => maker.try_log_block(MANY),
                                _ => maker.try_log(),
                            };
                            if logged.is_err() {
                                break;
                            }
                            accepted.set(round * 4 + index, maker.next);
                        }
                        writer.round(&mut host, true);
                        // What others left behind, as a live process does it.
                        if maker.next % 100 < MANY {
                            let _ = recover(&run.rings(), Some(maker.file.path()), &mut host);
                        }
                    }
                })
            })
            .collect();
        for child in &children {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            std::thread::sleep(Duration::from_micros(*seed >> 51));
            child.kill();
            child.wait(0);
        }
    }
    run.recover_all();
    let text = run.text();
    let mut found = std::collections::HashMap::<String, Vec<u64>>::new();
    for (maker, number) in records(&text) {
        found.entry(maker).or_default().push(number);
    }
    for place in 0..40 {
        let maker = format!("p{}-{}", place / 4, place % 4);
        let accepted = accepted.get(place);
        let found = found.remove(&maker).unwrap_or_default();
        let count = found.len() as u64;
        assert!(found.into_iter().eq(0..count), "{maker}: a record is missing, twice there, or in another order");
        // It may have been killed between the end of a call and the counting of it.
        assert!((accepted..=accepted + MANY).contains(&count), "{maker}: {count} records of {accepted}");
    }
    assert!(found.is_empty());
}

#[test]
fn processes_killed_at_any_moment_lose_nothing_and_double_nothing() {
    let _alone = alone();
    let mut seed = 0x9E37_79B9_7F4A_7C15;
    for _ in 0..kills(40).div_ceil(40) {
        killed_at_any_moment(&mut seed);
    }
}

#[test]
fn recoverers_that_meet_share_the_work() {
    let _alone = alone();
    let run = Run::new();
    for index in 0..30 {
        let mut maker = Maker::new(&run.rings(), &format!("m{index}"), &[&run.log()], SMALLEST);
        maker.log(5);
        maker.die();
    }
    let children: Vec<Child> = (0..3)
        .map(|_| {
            Child::start(|| {
                run.recover();
            })
        })
        .collect();
    children.iter().for_each(Child::join);
    run.recover_all();
    for index in 0..30 {
        assert_exactly(&run.log(), &format!("m{index}"), 5);
    }
}

#[test]
fn processes_that_write_at_the_same_time_tear_nothing() {
    let _alone = alone();
    let run = Run::new();
    let count = 10_000;
    let children: Vec<Child> = (0..4)
        .map(|index| {
            let run = &run;
            Child::start(move || {
                let mut maker = run.maker(&format!("p{index}"));
                let mut writer = maker.writer();
                while maker.next < count {
                    if maker.try_log().is_err() {
                        writer.round(&mut host(), true);
                    }
                }
                drain(&mut writer);
                assert!(writer.is_done());
                maker.file.remove();
                writer.forget(&mut host());
            })
        })
        .collect();
    children.iter().for_each(Child::join);
    for index in 0..4 {
        assert_exactly(&run.log(), &format!("p{index}"), count);
    }
    assert_eq!(run.text().lines().count(), 4 * count as usize);
    assert_eq!(run.recover().len(), 0);
}

#[test]
fn rings_can_be_made_while_others_clear_up() {
    let _alone = alone();
    let run = Run::new();
    let sweeping = Shared::new();
    let sweepers: Vec<Child> = (0..2)
        .map(|_| {
            Child::start(|| {
                while sweeping.get(0) == 0 {
                    run.recover();
                }
            })
        })
        .collect();
    for index in 0..200 {
        let mut maker = Maker::new(&run.rings(), &format!("m{index}"), &[&run.log()], SMALLEST);
        maker.log(1);
        assert!(maker.file.is_there());
    }
    sweeping.set(0, 1);
    sweepers.iter().for_each(Child::join);
    run.recover_all();
    for index in 0..200 {
        assert_exactly(&run.log(), &format!("m{index}"), 1);
    }
}

#[test]
fn a_stopped_holder_of_the_lock_delays_others_by_their_patience_only() {
    let _alone = alone();
    let run = Run::new();
    let child = Child::start(|| {
        let mut sink = FileSink::new(&run.log());
        let _held = sink.lock(&mut || true).expect("the lock").expect("it is free");
        // SAFETY: stops this process.
        unsafe { libc::raise(libc::SIGSTOP) };
    });
    child.wait(libc::WUNTRACED);
    let mut maker = run.maker("a");
    let mut writer = maker.writer();
    for _ in 0..3 {
        maker.log(2);
        let round = writer.round(&mut Patient::new(2), true);
        assert_eq!((round.written, round.more), (0, false));
    }
    assert!(!writer.is_done(), "the records are in the ring");
    child.signal(libc::SIGCONT);
    child.join();
    drain(&mut writer);
    assert_exactly(&run.log(), "a", 6);
}

#[test]
fn a_forked_child_does_not_keep_its_parents_ring_or_lock() {
    let _alone = alone();
    let run = Run::new();
    let (ready, over) = (Shared::new(), Shared::new());
    let parent = Child::start(|| {
        let mut maker = run.maker("a");
        maker.log(3);
        let mut sink = FileSink::new(&run.log());
        let estate = std::sync::Arc::clone(sink.estate());
        let _held = sink.lock(&mut || true).expect("the lock").expect("it is free");
        let grandchild = Child::start(|| {
            // What the fork handler does.
            maker.descriptor.close_in_child();
            estate.pass_on();
            ready.set(0, 1);
            while over.get(0) == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        ready.set(1, grandchild.0 as u64);
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    while ready.get(0) == 0 || ready.get(1) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    parent.kill();
    parent.wait(0);
    let found = recover(&run.rings(), None, &mut Patient::new(50)).expect("readable");
    over.set(0, 1);
    assert_eq!(found[0].outcome, Outcome::Recovered { written: 3, failed: 0 });
    assert_exactly(&run.log(), "a", 3);
}

#[test]
fn a_ring_is_its_process_s_own_while_that_lives() {
    let _alone = alone();
    let run = Run::new();
    let (ready, over) = (Shared::new(), Shared::new());
    let child = Child::start(|| {
        let mut maker = run.maker("a");
        maker.log(3);
        ready.set(0, 1);
        while over.get(0) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    while ready.get(0) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let found = run.recover();
    assert_eq!(found[0].outcome, Outcome::Alive);
    assert!(matches!(Orphan::adopt(&found[0].path, &Arc::default()), Ok(Adoption::Held)));
    assert!(!run.log().exists());
    over.set(0, 1);
    child.join();
    run.recover_all();
    assert_exactly(&run.log(), "a", 3);
}

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
        assert_eq!(writer.outlets()[0].ledger().read().unwrap().written, 20);
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
