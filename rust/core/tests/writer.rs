//! A writer and its files: each record exactly once, whatever was left behind, and whatever others do to the files.
#![cfg(not(loom))]

mod support;

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, mkfifoat};
use support::*;
use undergird_core::batch::spill_path;
use undergird_core::dictionary::Entry;
use undergird_core::lockfile::Cursor;
use undergird_core::ringfile::{FAILED, WRITTEN};
use undergird_core::sink::{FileSink, lock_path};
use undergird_core::writer::{Host, Writer};

const BEFORE: &str = "something that was in the log before\n";

/// The lines of a log that are records, and the others.
fn sorted_out(text: &str) -> (Vec<u64>, Vec<&str>) {
    let records = text.lines().filter_map(record).map(|(_, number)| number).collect();
    (records, text.lines().filter(|line| record(line).is_none()).collect())
}

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
    let ledger = writer.outlets()[0].ledger().read().unwrap();
    assert_eq!((ledger.written, ledger.failed), (308, 0));
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
    let memory = memory_of(maker.file.path());
    assert_eq!((memory.counter(WRITTEN), memory.counter(FAILED)), (2, 1));
}

/// A process was killed after it had journalled a batch and appended `k` bytes of it.
#[test]
fn a_batch_that_was_torn_at_any_byte_is_finished() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(2);
    drain(&mut maker.writer());
    maker.log(4);
    let (lines, _) = maker.lines();
    let before = fs::read(run.log()).unwrap();
    let journal = maker.journal(&run.log());
    let cursor = Cursor { stream: maker.stream(), position: journal.from, stamp: 1 };
    let ring = fs::read(maker.file.path()).unwrap();
    let path = maker.die();
    for k in 0..=lines.len() {
        fs::write(&path, &ring).unwrap();
        // In place, for the journal knows the file by its inode.
        fs::write(run.log(), [&before[..], &lines[..k]].concat()).unwrap();
        leave_lock_file(&run.log(), Some(&journal), &[Some(cursor)]);
        run.recover_all();
        assert_eq!(fs::read(run.log()).unwrap(), [&before[..], &lines[..]].concat(), "{k} bytes were there");
    }
}

/// The same, seen by another process that wants to write to the same log, while the first ring is not recovered yet.
#[test]
fn a_neighbour_finishes_a_torn_batch_before_its_own() {
    let run = Run::new();
    let mut dead = run.maker("dead");
    File::create(run.log()).unwrap();
    dead.log(3);
    let (lines, _) = dead.lines();
    let journal = dead.journal(&run.log());
    let cursor = Cursor { stream: dead.stream(), position: journal.from, stamp: 1 };
    dead.die();
    for k in [0, 1, lines.len() / 2, lines.len() - 1, lines.len()] {
        fs::write(run.log(), &lines[..k]).unwrap();
        leave_lock_file(&run.log(), Some(&journal), &[Some(cursor)]);
        let mut live = run.maker("live");
        live.log(2);
        drain(&mut live.writer());
        assert_exactly(&run.log(), "dead", 3);
        assert_exactly(&run.log(), "live", 2);
        assert!(run.text().as_bytes().starts_with(&lines), "the torn batch came first");
    }
    run.recover_all();
    assert_exactly(&run.log(), "dead", 3);
}

#[test]
fn a_batch_of_which_nothing_was_journalled_or_all_committed_is_written_once() {
    for committed in [false, true] {
        let run = Run::new();
        let mut maker = run.maker("a");
        File::create(run.log()).unwrap();
        maker.log(5);
        let journal = maker.journal(&run.log());
        let position = if committed { journal.to } else { journal.from };
        let cursor = Cursor { stream: maker.stream(), position, stamp: 1 };
        leave_lock_file(&run.log(), committed.then_some(&journal), &[Some(cursor)]);
        if committed {
            fs::write(run.log(), maker.lines().0).unwrap();
        }
        maker.die();
        run.recover_all();
        assert_exactly(&run.log(), "a", 5);
    }
}

#[test]
fn a_torn_journal_is_ignored() {
    let run = Run::new();
    let mut maker = run.maker("a");
    fs::write(run.log(), BEFORE).unwrap();
    maker.log(5);
    // The journal was being written when the process was killed, so nothing was appended. What stands there
    // claims a batch of as many bytes as the log has, which would count as complete if it were believed.
    let mut journal = maker.journal(&run.log());
    (journal.offset, journal.length) = (0, BEFORE.len() as u64);
    let cursor = Cursor { stream: maker.stream(), position: journal.from, stamp: 1 };
    leave_lock_file(&run.log(), Some(&journal), &[Some(cursor)]);
    let mut bytes = fs::read(lock_path(&run.log())).unwrap();
    // In its stamp, which nothing but the sum speaks for.
    bytes[0x40 + 80] ^= 1;
    fs::write(lock_path(&run.log()), bytes).unwrap();
    maker.die();
    run.recover_all();
    assert!(run.text().starts_with(BEFORE));
    assert_eq!(sorted_out(&run.text()), ((0..5).collect(), vec![BEFORE.trim_end()]));
}

#[test]
fn a_foreign_line_within_a_torn_batch_is_kept_and_the_rest_is_written_once() {
    let run = Run::new();
    let mut maker = run.maker("a");
    File::create(run.log()).unwrap();
    maker.log(4);
    let (lines, ends) = maker.lines();
    let journal = maker.journal(&run.log());
    let cursor = Cursor { stream: maker.stream(), position: journal.from, stamp: 1 };
    let ring = fs::read(maker.file.path()).unwrap();
    let path = maker.die();
    for foreign in ["somebody else was here\n", "somebody else was h"] {
        for k in (0..lines.len()).step_by(17).chain(ends.iter().map(|(end, _)| *end)) {
            fs::write(&path, &ring).unwrap();
            fs::write(run.log(), [&lines[..k], foreign.as_bytes()].concat()).unwrap();
            leave_lock_file(&run.log(), Some(&journal), &[Some(cursor)]);
            run.recover_all();
            let text = run.text();
            let (records, others) = sorted_out(&text);
            assert_eq!(records, [0, 1, 2, 3], "{k} bytes before {foreign:?}: {text}");
            assert_eq!(others.len(), 1, "one line holds the foreign text: {text}");
            assert!(others[0].ends_with(foreign.trim_end()), "nothing of theirs was cut: {text}");
        }
    }
}

#[test]
fn a_foreign_line_between_the_journal_and_the_batch_doubles_nothing() {
    let run = Run::new();
    let mut maker = run.maker("a");
    fs::write(run.log(), BEFORE).unwrap();
    maker.log(4);
    let (lines, _) = maker.lines();
    let journal = maker.journal(&run.log());
    let cursor = Cursor { stream: maker.stream(), position: journal.from, stamp: 1 };
    let ring = fs::read(maker.file.path()).unwrap();
    let path = maker.die();
    for k in (lines.len() / 4 + 20..=lines.len()).step_by(13).chain([lines.len()]) {
        fs::write(&path, &ring).unwrap();
        fs::write(run.log(), [BEFORE.as_bytes(), b"somebody else was here\n", &lines[..k]].concat()).unwrap();
        leave_lock_file(&run.log(), Some(&journal), &[Some(cursor)]);
        run.recover_all();
        let text = run.text();
        assert_eq!(sorted_out(&text), ((0..4).collect(), vec![BEFORE.trim_end(), "somebody else was here"]), "{k}");
    }
}

#[test]
fn a_batch_is_recognised_though_a_level_was_renamed_since() {
    let run = Run::new();
    let mut maker = run.maker("a");
    File::create(run.log()).unwrap();
    maker.log(3);
    let (lines, _) = maker.lines();
    let journal = maker.journal(&run.log());
    let cursor = Cursor { stream: maker.stream(), position: journal.from, stamp: 1 };
    leave_lock_file(&run.log(), Some(&journal), &[Some(cursor)]);
    fs::write(run.log(), &lines[..lines.len() / 2]).unwrap();
    maker.define(&Entry::Level { index: 20, number: 20, name: b"NOTE".as_slice().into() });
    maker.die();
    run.recover_all();
    assert_eq!(fs::read(run.log()).unwrap(), lines);
}

#[test]
fn a_batch_whose_ring_is_gone_is_closed_so_that_the_next_line_stands_alone() {
    for torn in [false, true] {
        let run = Run::new();
        let mut dead = run.maker("dead");
        File::create(run.log()).unwrap();
        dead.log(3);
        let (lines, ends) = dead.lines();
        let journal = dead.journal(&run.log());
        let cursor = Cursor { stream: dead.stream(), position: journal.from, stamp: 1 };
        let k = if torn { ends[1].0 + 10 } else { lines.len() };
        fs::write(run.log(), &lines[..k]).unwrap();
        leave_lock_file(&run.log(), Some(&journal), &[Some(cursor)]);
        fs::remove_file(dead.die()).unwrap();
        let mut live = run.maker("live");
        live.log(2);
        let mut writer = live.writer();
        drain(&mut writer);
        assert_eq!(writer.outlets()[0].torn(), u64::from(torn));
        let text = run.text();
        assert_eq!(sorted_out(&text).0, if torn { vec![0, 1, 0, 1] } else { vec![0, 1, 2, 0, 1] });
    }
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
fn a_batch_that_was_torn_before_its_log_was_moved_is_finished_where_it_began() {
    let run = Run::new();
    let mut maker = run.maker("a");
    fs::write(run.log(), BEFORE).unwrap();
    maker.log(4);
    let (lines, ends) = maker.lines();
    let journal = maker.journal(&run.log());
    let cursor = Cursor { stream: maker.stream(), position: journal.from, stamp: 1 };
    let ring = fs::read(maker.file.path()).unwrap();
    let path = maker.die();
    let moved = run.path().join("run.log.1");
    for k in (0..=lines.len()).step_by(11) {
        fs::write(&path, &ring).unwrap();
        if moved.exists() {
            fs::rename(&moved, run.log()).unwrap();
        }
        fs::write(run.log(), [BEFORE.as_bytes(), &lines[..k]].concat()).unwrap();
        leave_lock_file(&run.log(), Some(&journal), &[Some(cursor)]);
        fs::rename(run.log(), &moved).unwrap();
        run.recover_all();
        // Where not even a line is in it, the moved file is not touched.
        let (there, here) = if k < ends[0].0 { (&lines[..k], &lines[..]) } else { (&lines[..], &lines[..0]) };
        assert_eq!(fs::read(&moved).unwrap(), [BEFORE.as_bytes(), there].concat(), "{k} bytes were there");
        assert_eq!(run.text().as_bytes(), here, "{k} bytes were there");
    }
}

#[test]
fn a_new_file_with_the_inode_of_a_deleted_log_is_not_written_to() {
    let run = Run::new();
    let mut maker = run.maker("a");
    File::create(run.log()).unwrap();
    maker.log(4);
    let journal = maker.journal(&run.log());
    let cursor = Cursor { stream: maker.stream(), position: journal.from, stamp: 1 };
    leave_lock_file(&run.log(), Some(&journal), &[Some(cursor)]);
    maker.die();
    fs::rename(run.log(), run.path().join("notes.txt")).unwrap();
    run.recover_all();
    assert_eq!(fs::read_to_string(run.path().join("notes.txt")).unwrap(), "");
    assert_exactly(&run.log(), "a", 4);
}

#[test]
fn a_batch_that_was_torn_before_its_log_was_deleted_or_emptied_is_written_again() {
    for deleted in [true, false] {
        let run = Run::new();
        let mut maker = run.maker("a");
        fs::write(run.log(), BEFORE).unwrap();
        maker.log(4);
        let journal = maker.journal(&run.log());
        let cursor = Cursor { stream: maker.stream(), position: journal.from, stamp: 1 };
        leave_lock_file(&run.log(), Some(&journal), &[Some(cursor)]);
        maker.die();
        if deleted {
            fs::remove_file(run.log()).unwrap();
        } else {
            File::create(run.log()).unwrap();
        }
        run.recover_all();
        assert_exactly(&run.log(), "a", 4);
    }
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

#[test]
fn a_journal_or_cursor_that_claims_more_than_the_ring_has_is_not_believed() {
    for (from, to, position) in [(0, u64::MAX, 0), (8, 64, 0), (u64::MAX - 8, u64::MAX, 0), (0, 8, u64::MAX)] {
        let run = Run::new();
        let mut maker = run.maker("a");
        fs::write(run.log(), BEFORE).unwrap();
        maker.log(3);
        let mut journal = maker.journal(&run.log());
        (journal.from, journal.to, journal.length) = (from, to, u64::MAX);
        let cursor = Cursor { stream: maker.stream(), position, stamp: 1 };
        leave_lock_file(&run.log(), Some(&journal), &[Some(cursor)]);
        let mut writer = maker.writer();
        drain(&mut writer);
        assert!(writer.is_done());
        assert_eq!(maker.producer.used(), 0, "the tail stands at the head");
        assert_eq!(sorted_out(&run.text()), ((0..3).collect(), vec![BEFORE.trim_end()]));
    }
}
