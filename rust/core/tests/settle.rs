//! A batch that somebody began and did not finish: brought to its end once, by whoever finds it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::support::*;
use undergird_core::batch::Source;
use undergird_core::dictionary::Entry;
use undergird_core::lockfile::{Cursor, Journal};
use undergird_core::sink::lock_path;
use undergird_core::writer::Writer;

const BEFORE: &str = "something that was in the log before\n";

/// The lines of a log that are records, and the others.
fn sorted_out(text: &str) -> (Vec<u64>, Vec<&str>) {
    let records = text.lines().filter_map(record).map(|(_, number)| number).collect();
    (records, text.lines().filter(|line| record(line).is_none()).collect())
}

/// A batch that its process has journalled, and did not live to commit.
struct Torn<'a> {
    run: &'a Run,
    /// The log before it.
    before: Vec<u8>,
    /// Its lines, and for each its end and the position behind it.
    lines: Vec<u8>,
    ends: Vec<(usize, u64)>,
    journal: Journal,
    cursor: Cursor,
    /// The ring, and what is in it.
    path: PathBuf,
    ring: Vec<u8>,
}

impl<'a> Torn<'a> {
    /// A batch of all that is in the ring, which begins where the log ends now.
    fn new(run: &'a Run, maker: &Maker) -> Self {
        let log = File::options().append(true).create(true).open(run.log());
        drop(log.expect("the log can be made"));
        let (lines, ends) = maker.lines();
        let journal = maker.journal(&run.log());
        let cursor = Cursor { stream: maker.stream(), position: journal.from, stamp: 1 };
        let path = maker.file.path().to_path_buf();
        let ring = fs::read(&path).expect("readable");
        let before = fs::read(run.log()).expect("readable");
        Self { run, before, lines, ends, journal, cursor, path, ring }
    }

    /// What a kill leaves that comes when so much has been appended.
    fn leave(&self, appended: &[u8]) {
        // In place, for the journal knows the file by its inode.
        fs::write(self.run.log(), [&self.before, appended].concat()).expect("writable");
        leave_lock_file(&self.run.log(), Some(&self.journal), &[Some(self.cursor)]);
    }

    /// The same, with the ring as it was: somebody may have recovered and removed it.
    fn leave_again(&self, appended: &[u8]) {
        fs::write(&self.path, &self.ring).expect("writable");
        self.leave(appended);
    }
}

#[test]
fn a_batch_that_was_torn_at_any_byte_is_finished() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(2);
    drain(&mut maker.writer());
    maker.log(4);
    let torn = Torn::new(&run, &maker);
    maker.die();
    for k in 0..=torn.lines.len() {
        torn.leave_again(&torn.lines[..k]);
        run.recover_all();
        assert_eq!(fs::read(run.log()).unwrap(), [&torn.before[..], &torn.lines].concat(), "{k} bytes were there");
    }
}

/// The same, seen by another process that wants to write to the same log, while the first ring is not recovered yet.
#[test]
fn a_neighbour_finishes_a_torn_batch_before_its_own() {
    let run = Run::new();
    let mut dead = run.maker("dead");
    dead.log(3);
    let torn = Torn::new(&run, &dead);
    let lines = &torn.lines;
    dead.die();
    for k in [0, 1, lines.len() / 2, lines.len() - 1, lines.len()] {
        torn.leave(&lines[..k]);
        let mut live = run.maker("live");
        live.log(2);
        drain(&mut live.writer());
        assert_exactly(&run.log(), "dead", 3);
        assert_exactly(&run.log(), "live", 2);
        assert!(run.text().as_bytes().starts_with(lines), "the torn batch came first");
    }
    run.recover_all();
    assert_exactly(&run.log(), "dead", 3);
}

#[test]
fn a_batch_of_which_nothing_was_journalled_or_all_committed_is_written_once() {
    for committed in [false, true] {
        let run = Run::new();
        let mut maker = run.maker("a");
        maker.log(5);
        let mut torn = Torn::new(&run, &maker);
        if committed {
            torn.cursor.position = torn.journal.to;
            torn.leave(&torn.lines);
        } else {
            leave_lock_file(&run.log(), None, &[Some(torn.cursor)]);
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
    let mut torn = Torn::new(&run, &maker);
    (torn.journal.offset, torn.journal.length) = (0, BEFORE.len() as u64);
    torn.leave(b"");
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
    maker.log(4);
    let torn = Torn::new(&run, &maker);
    let lines = &torn.lines;
    maker.die();
    for foreign in ["somebody else was here\n", "somebody else was h"] {
        for k in (0..lines.len()).step_by(17).chain(torn.ends.iter().map(|(end, _)| *end)) {
            torn.leave_again(&[&lines[..k], foreign.as_bytes()].concat());
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
    let torn = Torn::new(&run, &maker);
    let lines = &torn.lines;
    maker.die();
    for k in (lines.len() / 4 + 20..=lines.len()).step_by(13).chain([lines.len()]) {
        torn.leave_again(&[b"somebody else was here\n", &lines[..k]].concat());
        run.recover_all();
        let text = run.text();
        assert_eq!(sorted_out(&text), ((0..4).collect(), vec![BEFORE.trim_end(), "somebody else was here"]), "{k}");
    }
}

#[test]
fn a_batch_is_recognised_though_a_level_was_renamed_since() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(3);
    let torn = Torn::new(&run, &maker);
    torn.leave(&torn.lines[..torn.lines.len() / 2]);
    maker.define(&Entry::Level { index: 20, number: 20, name: b"NOTE".as_slice().into() });
    maker.die();
    run.recover_all();
    assert_eq!(fs::read(run.log()).unwrap(), torn.lines);
}

#[test]
fn a_batch_whose_ring_is_gone_is_closed_so_that_the_next_line_stands_alone() {
    for whole in [true, false] {
        let run = Run::new();
        let mut dead = run.maker("dead");
        dead.log(3);
        let torn = Torn::new(&run, &dead);
        torn.leave(if whole { &torn.lines } else { &torn.lines[..torn.ends[1].0 + 10] });
        fs::remove_file(dead.die()).unwrap();
        let mut live = run.maker("live");
        live.log(2);
        let mut writer = live.writer();
        drain(&mut writer);
        assert_eq!(writer.outlets()[0].torn(), u64::from(!whole));
        let text = run.text();
        assert_eq!(sorted_out(&text).0, if whole { vec![0, 1, 2, 0, 1] } else { vec![0, 1, 0, 1] });
    }
}

#[test]
fn a_batch_that_was_torn_before_its_log_was_moved_is_finished_where_it_began() {
    let run = Run::new();
    let mut maker = run.maker("a");
    fs::write(run.log(), BEFORE).unwrap();
    maker.log(4);
    let torn = Torn::new(&run, &maker);
    let lines = &torn.lines;
    maker.die();
    let moved = run.path().join("run.log.1");
    for k in (0..=lines.len()).step_by(11) {
        if moved.exists() {
            fs::rename(&moved, run.log()).unwrap();
        }
        torn.leave_again(&lines[..k]);
        fs::rename(run.log(), &moved).unwrap();
        run.recover_all();
        // Where not even a line is in it, the moved file is not touched.
        let (there, here) = if k < torn.ends[0].0 { (&lines[..k], &lines[..]) } else { (&lines[..], &lines[..0]) };
        assert_eq!(fs::read(&moved).unwrap(), [BEFORE.as_bytes(), there].concat(), "{k} bytes were there");
        assert_eq!(run.text().as_bytes(), here, "{k} bytes were there");
    }
}

#[test]
fn a_new_file_with_the_inode_of_a_deleted_log_is_not_written_to() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(4);
    Torn::new(&run, &maker).leave(b"");
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
        Torn::new(&run, &maker).leave(b"");
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
fn a_journal_or_cursor_that_claims_more_than_the_ring_has_is_not_believed() {
    for (from, to, position) in [(0, u64::MAX, 0), (0, 64, 0), (u64::MAX - 8, u64::MAX, 0), (0, 8, u64::MAX)] {
        let run = Run::new();
        let mut maker = run.maker("a");
        fs::write(run.log(), BEFORE).unwrap();
        maker.log(3);
        let mut torn = Torn::new(&run, &maker);
        (torn.journal.from, torn.journal.to, torn.journal.length) = (from, to, u64::MAX);
        torn.cursor.position = position;
        torn.leave(b"");
        let mut writer = maker.writer();
        drain(&mut writer);
        assert!(writer.is_done());
        assert_eq!(maker.producer.used(), 0, "the tail stands at the head");
        assert_eq!(sorted_out(&run.text()), ((0..3).collect(), vec![BEFORE.trim_end()]));
    }
}

#[test]
fn a_batch_that_the_ring_has_released_is_not_written_again() {
    let run = Run::new();
    let mut maker = run.maker("a");
    File::create(run.log()).unwrap();
    maker.log(3);
    let mut journal = maker.journal(&run.log());
    drain(&mut maker.writer());
    // A lock file without the cursor that was committed, as from a backup.
    journal.offset = fs::metadata(run.log()).unwrap().len();
    leave_lock_file(&run.log(), Some(&journal), &[]);
    let mut live = run.maker("live");
    live.log(1);
    drain(&mut live.writer());
    assert_exactly(&run.log(), "a", 3);
    assert_exactly(&run.log(), "live", 1);
}

#[test]
fn a_ring_at_the_path_of_another_is_not_taken_for_it() {
    let run = Run::new();
    let mut dead = run.maker("dead");
    File::create(run.log()).unwrap();
    dead.log(3);
    let mut journal = dead.journal(&run.log());
    journal.stream.ring[0] ^= 1;
    dead.die();
    leave_lock_file(&run.log(), Some(&journal), &[]);
    let mut live = run.maker("live");
    live.log(1);
    drain(&mut live.writer());
    assert_eq!(numbers(&run.log(), "dead"), [0; 0], "their cursor is not the one that would be committed");
    run.recover_all_but(1);
    assert_exactly(&run.log(), "dead", 3);
}

/// A ring in the heap of a process that lives: nobody else can read it.
#[test]
fn a_batch_that_nobody_else_can_read_is_left_to_its_process_unless_it_is_all_there() {
    for part in [0, 1, 2] {
        let run = Run::new();
        let mut maker = run.maker("a");
        maker.log(3);
        let mut torn = Torn::new(&run, &maker);
        torn.journal.ring_path.clear();
        let memory = memory_of(maker.file.path());
        maker.file.remove();
        torn.leave(&torn.lines[..torn.lines.len() * part / 2]);
        let mut live = run.maker("live");
        live.log(1);
        drain(&mut live.writer());
        drain(&mut Writer::new(Source::new(memory, Path::new(""))));
        let mut found: Vec<u64> =
            run.text().lines().filter_map(record).filter(|(name, _)| name == "a").map(|r| r.1).collect();
        if part == 1 {
            assert_eq!(found.remove(0), 0, "the line that was whole is written again, for nobody could know it");
        }
        assert_eq!(found, [0, 1, 2]);
    }
}
