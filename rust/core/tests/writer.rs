//! A writer and its files: each record exactly once, whatever was left behind, and whatever others do to the files.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::support::*;
use rustix::fs::{CWD, Mode, OFlags, mkfifoat};
use undergird_core::batch::spill_path;
use undergird_core::census::Counts;
use undergird_core::dictionary::Entry;
use undergird_core::sink::{FileSink, lock_path};
use undergird_core::writer::{Host, Writer};

#[test]
fn every_record_reaches_its_log_once_and_in_order() {
    let run = Run::new();
    let mut maker = run.maker("a");
    let mut writer = maker.writer();
    for count in [1, 2, 300, 0, 5] {
        maker.log(count);
        drain(&mut writer);
        assert_exactly(&run.log(), "a", maker.next);
    }
    assert!(writer.is_done());
    let ledger = writer.outlets()[0].account().read().unwrap();
    assert_eq!((ledger.kept, ledger.lost), (308, 0));
}

#[test]
fn a_ring_is_used_again_and_again_without_a_loss() {
    let run = Run::new();
    let mut maker = run.maker("a");
    let mut writer = maker.writer();
    while maker.producer.head() < 10 * (128 << 10) {
        while maker.try_log().is_ok() {}
        drain(&mut writer);
    }
    assert_exactly(&run.log(), "a", maker.next);
}

#[test]
fn records_go_where_their_route_leads() {
    let run = Run::new();
    let mut maker = Maker::new(&run.rings(), "a", &[&run.log(), &run.other_log()], SMALL);
    let both = maker.route;
    let first = maker.define(&Entry::Route([0].into()));
    let second = maker.define(&Entry::Route([1].into()));
    let none = maker.define(&Entry::Route([].into()));
    for route in [both, first, second, none, both] {
        maker.route = route;
        maker.log(1);
    }
    let mut writer = maker.writer();
    drain(&mut writer);
    assert!(writer.is_done());
    assert_eq!(numbers(&run.log(), "a"), [0, 1, 4]);
    assert_eq!(numbers(&run.other_log(), "a"), [0, 2, 4]);
}

#[test]
fn a_log_whose_records_are_all_for_others_is_not_touched() {
    let run = Run::new();
    let mut maker = Maker::new(&run.rings(), "a", &[&run.log(), &run.path().join("no/such/place.log")], SMALL);
    maker.route = maker.define(&Entry::Route([0].into()));
    maker.log(3);
    maker.die();
    run.recover_all();
    assert_exactly(&run.log(), "a", 3);
}

#[test]
fn two_sinks_of_a_ring_that_lead_to_one_file_have_a_cursor_each() {
    let run = Run::new();
    fs::create_dir(run.path().join("sub")).unwrap();
    let again = run.path().join("sub/../run.log");
    let mut maker = Maker::new(&run.rings(), "a", &[&run.log(), &again], SMALL);
    maker.log(4);
    maker.die();
    run.recover_all();
    let mut found = numbers(&run.log(), "a");
    found.sort_unstable();
    assert_eq!(found, [0, 0, 1, 1, 2, 2, 3, 3]);
}

#[test]
fn a_spilled_record_is_written_in_its_turn_and_its_file_removed() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(2);
    maker.log_spilled();
    maker.log(1);
    drain(&mut maker.writer());
    assert_exactly(&run.log(), "a", 4);
    assert_eq!(run.left(), [maker.file.path()], "the ring alone");
}

#[test]
fn who_looks_at_a_ring_sees_what_became_of_its_records() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(2);
    let position = maker.producer.head();
    maker.log_spilled();
    fs::remove_file(spill_path(maker.file.path(), position)).unwrap();
    drain(&mut maker.writer());
    maker.log(5);
    let counts = Counts { emitted: 8, written: 2, dropped: 0, failed: 1, in_flight: 5 };
    assert_eq!(counted(maker.file.path()), Some([(run.log(), counts)].into()));
}

#[test]
fn a_log_that_is_deleted_moved_or_replaced_is_made_anew() {
    let run = Run::new();
    let mut maker = run.maker("a");
    let mut writer = maker.writer();
    let moved = run.path().join("run.log.1");
    maker.log(1);
    drain(&mut writer);
    fs::rename(run.log(), &moved).unwrap();
    maker.log(1);
    drain(&mut writer);
    fs::remove_file(run.log()).unwrap();
    maker.log(1);
    drain(&mut writer);
    assert_eq!(numbers(&moved, "a"), [0]);
    assert_eq!(numbers(&run.log(), "a"), [2]);
    // Emptied, as copytruncate does it: what comes later follows at the new end.
    File::create(run.log()).unwrap();
    maker.log(1);
    drain(&mut writer);
    assert_eq!(numbers(&run.log(), "a"), [3]);
}

#[test]
fn a_log_that_is_a_directory_for_a_while_loses_nothing() {
    let run = Run::new();
    let mut maker = run.maker("a");
    let mut writer = maker.writer();
    maker.log(2);
    drain(&mut writer);
    fs::rename(run.log(), run.path().join("old")).unwrap();
    fs::create_dir(run.log()).unwrap();
    maker.log(2);
    drain(&mut writer);
    assert!(writer.outlets()[0].trouble().is_some());
    assert!(!writer.is_done());
    fs::remove_dir(run.log()).unwrap();
    drain(&mut writer);
    assert!(writer.outlets()[0].trouble().is_none());
    assert_eq!(numbers(&run.log(), "a"), [2, 3]);
}

#[test]
fn a_file_in_trouble_does_not_hold_up_the_others() {
    let run = Run::new();
    let mut maker = Maker::new(&run.rings(), "a", &[&run.log(), &run.path().join("late/run.log")], SMALL);
    maker.log(5);
    let mut writer = maker.writer();
    drain(&mut writer);
    assert_exactly(&run.log(), "a", 5);
    assert!(!writer.is_done());
    drop(writer);
    let path = maker.die();
    // Killed in this state, the second file gets everything and the first nothing again.
    let found = run.recover();
    assert!(format!("{:?}", found[0].outcome).contains("Unfinished"), "{found:?}");
    assert!(path.exists());
    fs::create_dir(run.path().join("late")).unwrap();
    run.recover_all();
    assert_exactly(&run.log(), "a", 5);
    assert_exactly(&run.path().join("late/run.log"), "a", 5);
}

#[test]
fn a_lock_file_that_is_deleted_or_moved_is_made_anew_and_nothing_is_doubled() {
    let run = Run::new();
    let mut maker = run.maker("a");
    let mut writer = maker.writer();
    for moved in [false, true, false] {
        maker.log(2);
        drain(&mut writer);
        if moved {
            fs::rename(lock_path(&run.log()), run.path().join("elsewhere")).unwrap();
        } else {
            fs::remove_file(lock_path(&run.log())).unwrap();
        }
        maker.log(1);
        drain(&mut writer);
        assert!(lock_path(&run.log()).exists(), "the lock that others take is the one that was taken");
        assert_exactly(&run.log(), "a", maker.next);
    }
}

#[test]
fn a_lock_that_is_held_delays_the_records_and_loses_none() {
    let run = Run::new();
    let mut maker = run.maker("a");
    let mut writer = maker.writer();
    let mut other = FileSink::new(&run.log());
    let held = other.lock(&mut || true).unwrap();
    maker.log(3);
    let round = writer.round(&mut Patient::new(3), true);
    assert_eq!((round.written, round.more), (0, false));
    assert!(!writer.is_done());
    assert_eq!(writer.outlets()[0].trouble().unwrap().error, "another process holds the log's lock");
    drop(held);
    drain(&mut writer);
    assert!(writer.outlets()[0].trouble().is_none());
    assert_exactly(&run.log(), "a", 3);
}

#[test]
fn a_file_in_trouble_is_tried_again_when_its_time_has_come_or_at_once_on_demand() {
    let run = Run::new();
    fs::create_dir(run.log()).unwrap();
    let mut maker = run.maker("a");
    maker.log(1);
    let mut writer = maker.writer();
    let mut host = host();
    let mut tries = |pause: u64, insist: bool| {
        host.step = pause;
        host.now();
        host.step = 0;
        writer.round(&mut host, insist);
        writer.outlets()[0].trouble().expect("a directory cannot be written").tries
    };
    assert_eq!(tries(0, false), 1);
    assert_eq!(tries(19_000_000, false), 1);
    assert_eq!(tries(1_000_000, false), 2);
    // Twice as long each time, but never for more than a second.
    assert_eq!(tries(39_000_000, false), 2);
    assert_eq!(tries(0, true), 3);
    assert_eq!((4..12).map(|_| tries(1_000_000_000, false)).collect::<Vec<_>>(), (4..12).collect::<Vec<_>>());
    assert_eq!(tries(999_000_000, false), 11);
}

#[test]
fn giving_slots_back_makes_no_log_that_is_not_there() {
    let run = Run::new();
    let mut maker = Maker::new(&run.rings(), "a", &[&run.log(), &run.other_log()], SMALL);
    maker.route = maker.define(&Entry::Route([0].into()));
    maker.log(1);
    let mut writer = maker.writer();
    drain(&mut writer);
    maker.file.remove();
    writer.forget(&mut host());
    assert!(!run.other_log().exists() && !lock_path(&run.other_log()).exists());
}

#[test]
fn lines_go_whole_into_a_pipe_that_is_full_at_times() {
    let run = Run::new();
    mkfifoat(CWD, run.log(), Mode::RUSR | Mode::WUSR).unwrap();
    let mut reader = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(run.log()).unwrap();
    let mut maker = run.maker("a");
    while maker.try_log().is_ok() {}
    let mut writer = maker.writer();
    let (mut text, mut full) = (Vec::new(), 0);
    // Far more often than a pipe is full with a ring's lines.
    for _ in 0..100 {
        drain(&mut writer);
        full += u32::from(writer.outlets()[0].trouble().is_some());
        let _ = reader.read_to_end(&mut text);
    }
    assert!(full > 0, "more was written than a pipe takes at once");
    assert!(writer.is_done());
    let found = records(std::str::from_utf8(&text).unwrap()).into_iter().map(|(_, number)| number);
    assert!(found.eq(0..maker.next), "each once and in order");
}

#[test]
fn a_full_device_is_trouble_and_not_a_loss() {
    let run = Run::new();
    let log = run.path().join("full.log");
    std::os::unix::fs::symlink("/dev/full", &log).unwrap();
    let mut maker = Maker::new(&run.rings(), "a", &[&log], SMALL);
    maker.log(3);
    let mut writer = maker.writer();
    drain(&mut writer);
    let trouble = writer.outlets()[0].trouble().expect("the device is full");
    assert!(trouble.error.contains("space"), "{trouble:?}");
    assert!(!writer.is_done());
    fs::remove_file(&log).unwrap();
    drain(&mut writer);
    assert_exactly(&log, "a", 3);
}

#[test]
fn a_ring_in_the_heap_is_drained_like_any_other() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(3);
    let memory = memory_of(maker.file.path());
    let mut writer = Writer::new(undergird_core::batch::Source::new(memory, Path::new("")));
    drain(&mut writer);
    assert_exactly(&run.log(), "a", 3);
}

#[test]
fn more_rings_than_a_lock_file_has_slots_can_follow_each_other() {
    let run = Run::new();
    let mut keeper = run.maker("keeper");
    let mut kept = keeper.writer();
    keeper.log(1);
    drain(&mut kept);
    for index in 0..1_030 {
        let mut maker = Maker::new(&run.rings(), &format!("m{index}"), &[&run.log()], SMALLEST);
        maker.log(1);
        let mut writer = maker.writer();
        drain(&mut writer);
        if index % 2 == 0 {
            maker.file.remove();
            writer.forget(&mut host());
        }
    }
    // Every second process was killed after its last line had been written.
    run.recover_all_but(1);
    keeper.log(1);
    drain(&mut kept);
    assert_exactly(&run.log(), "keeper", 2);
    let text = run.text();
    assert_eq!(records(&text).len(), 1_032);
    let lock = undergird_core::lockfile::LockFile::parse(&fs::read(lock_path(&run.log())).unwrap()).unwrap();
    assert_eq!(lock.cursors.iter().flatten().count(), 1, "the slots of all that are gone were given back");
}
