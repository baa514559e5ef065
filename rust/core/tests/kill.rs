//! Real processes, really killed: at every system call, and at any moment in between.
//!
//! A child counts each record whose call returned on a page that it shares with the test. After it was killed and its
//! ring recovered, the log has to hold exactly those records, each once. `UNDERGIRD_KILLS` sets how many children
//! the random tests kill.

use std::fs::{self, File};
use std::time::Duration;

use crate::support::process::{Child, Shared, alone, traced};
use crate::support::*;
use undergird_core::lockfile::{Cursor, MOST_SLOTS};
use undergird_core::recovery::recover;
use undergird_core::rotation::Rotation;
use undergird_core::sink::look;

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
