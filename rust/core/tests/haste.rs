//! Calls that wait for their lines: one after the other, each with as few looks at files as can be.
//!
//! The cursor of such a batch is left to the next one's journal. Who looks at the lock file in between finds a batch that
//! seems unfinished, and has to find it whole.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::support::process::{Child, Shared, alone, traced};
use crate::support::*;
use undergird_core::dictionary::SinkEntry;
use undergird_core::rotation::Rotation;
use undergird_core::sink::look;
use undergird_core::writer::Writer;

/// The clock of calls that come a microsecond after each other.
fn rapid() -> Patient {
    let mut host = host();
    host.step = 1000;
    host
}

/// A process that waits for the line of each of its calls.
struct Rapid {
    maker: Maker,
    writer: Writer,
    host: Patient,
}

impl Rapid {
    fn new(run: &Run) -> Self {
        let maker = run.maker("a");
        Self { writer: maker.writer(), maker, host: rapid() }
    }

    /// Logs some records, one after the other.
    #[track_caller]
    fn log(&mut self, count: u64) {
        for _ in 0..count {
            self.maker.log(1);
            assert_eq!(self.writer.round_in_haste(&mut self.host).written, 1);
        }
    }

    /// Its ring's cursor, and whether a batch seems unfinished, as the lock file says.
    fn said(&self, run: &Run) -> (Option<u64>, bool) {
        let state = look(&run.log()).expect("readable").expect("there is a lock file").state;
        let cursor = state.cursor(self.maker.stream()).map(|(_, cursor)| cursor.position);
        (cursor, state.open_journal().is_some())
    }
}

/// The numbers of all records, also of logs that were put aside.
fn written(run: &Run, rotation: &Rotation) -> Vec<u64> {
    records(&run.whole_text(rotation)).into_iter().map(|(_, number)| number).collect()
}

/// A life of calls in haste, one of them after a pause. A second file, which cannot be written, keeps the ring from being
/// released: where it is not known how far the first one got, all could be written to it again.
fn live(run: &Run, rotation: &Rotation, accepted: &Shared) {
    let file = |path: &Path| SinkEntry::file(path.as_os_str().as_bytes());
    let sinks = [SinkEntry { rotation: rotation.clone(), ..file(&run.log()) }, file(&missing(run).join("other.log"))];
    let mut maker = Maker::with_sinks(&run.rings(), "a", sinks.into_iter(), SMALL);
    let (mut writer, mut host) = (maker.writer(), rapid());
    for number in 0..6 {
        maker.log(1);
        accepted.set(0, maker.next);
        if number == 4 {
            host.now += 1_000_000_000;
            writer.round(&mut host, false);
        } else {
            writer.round_in_haste(&mut host);
        }
    }
}

fn missing(run: &Run) -> PathBuf {
    run.path().join("missing")
}

#[test]
fn a_process_killed_at_any_system_call_of_rapid_calls_loses_nothing_and_doubles_nothing() {
    let _alone = alone();
    for rotation in [Rotation::default(), Rotation { max_bytes: 300, ..Rotation::default() }] {
        for n in 0.. {
            let (run, accepted) = (Run::new(), Shared::new());
            let child = Child::start(|| {
                traced();
                live(&run, &rotation, &accepted);
            });
            let killed = child.kill_at_stop(n);
            fs::create_dir(missing(&run)).unwrap();
            run.recover_all();
            assert_eq!(written(&run, &rotation), (0..accepted.get(0)).collect::<Vec<_>>());
            assert_exactly(&missing(&run).join("other.log"), "a", accepted.get(0));
            if !killed {
                assert!(n > 100, "the child was stopped at each of its calls");
                assert_eq!(accepted.get(0), 6);
                break;
            }
        }
    }
}

#[test]
fn the_next_journal_says_what_the_cursor_would() {
    let _alone = alone();
    let run = Run::new();
    let mut rapid = Rapid::new(&run);
    for _ in 0..2 {
        rapid.log(1);
        assert_eq!(rapid.said(&run), (Some(rapid.maker.producer.head()), false), "it found nothing as it had left it");
    }
    for _ in 0..3 {
        let before = rapid.maker.producer.head();
        rapid.log(1);
        assert_eq!(rapid.said(&run), (Some(before), true));
    }
    assert_exactly(&run.log(), "a", 5);
}

#[test]
fn the_last_batch_is_closed_when_there_are_no_more_calls_for_a_moment() {
    let _alone = alone();
    let run = Run::new();
    let mut rapid = Rapid::new(&run);
    rapid.log(3);
    rapid.writer.round(&mut rapid.host, false);
    assert!(rapid.said(&run).1, "another call may come at once");
    rapid.host.now += 1_000_000_000;
    rapid.writer.round_in_haste(&mut rapid.host);
    assert!(rapid.said(&run).1, "a call that waits has no time for this");
    rapid.writer.round(&mut rapid.host, false);
    assert_eq!(rapid.said(&run), (Some(rapid.maker.producer.head()), false));
    assert_exactly(&run.log(), "a", 3);
}

#[test]
fn a_neighbour_finds_the_last_batch_whole_though_its_records_are_released() {
    let _alone = alone();
    let run = Run::new();
    let (mut rapid, mut neighbour) = (Rapid::new(&run), run.maker("b"));
    rapid.log(3);
    assert!(rapid.writer.is_done() && rapid.said(&run).1);
    neighbour.log(2);
    drain(&mut neighbour.writer());
    assert_eq!(rapid.said(&run), (Some(rapid.maker.producer.head()), false));
    rapid.log(1);
    assert_eq!(rapid.said(&run), (Some(rapid.maker.producer.head()), false), "who is not alone leaves nothing open");
    assert_exactly(&run.log(), "a", 4);
    assert_exactly(&run.log(), "b", 2);
}

#[test]
fn a_log_that_was_cut_behind_a_rapid_call_gets_nothing_twice() {
    let _alone = alone();
    let run = Run::new();
    let mut rapid = Rapid::new(&run);
    rapid.log(2);
    fs::write(run.log(), b"").unwrap();
    drop(rapid);
    let mut neighbour = run.maker("b");
    neighbour.log(1);
    drain(&mut neighbour.writer());
    drop(neighbour);
    run.recover_all();
    assert_exactly(&run.log(), "b", 1);
    assert_eq!(run.text().lines().count(), 1);
}
