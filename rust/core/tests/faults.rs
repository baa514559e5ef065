//! What fails and comes right again: every system call of the writer once, for a while, and for an hour; and clocks
//! that jump.
#![cfg(target_arch = "x86_64")]

#[path = "support/faults.rs"]
mod injection;
use std::cell::{Cell, RefCell};
use std::fs;

use crate::support::process::{Child, alone, traced};
use crate::support::*;
use injection::Fate;
use undergird_core::recovery::Outcome;
use undergird_core::rotation::Rotation;
use undergird_core::rotation::schedule::{Schedule, Zone};
use undergird_core::writer::{Host, Writer};

/// Rounds after which everything has to be written, however many calls have failed before.
const ROUNDS: usize = 40;

/// Drains, whatever fails, and says what became of so many records.
fn drain_through(writer: &mut Writer, records: u64) {
    let mut host = Patient::new(3);
    for _ in 0..ROUNDS {
        writer.round(&mut host, true);
        if writer.is_done() {
            break;
        }
    }
    assert!(writer.is_done(), "{:?}", writer.outlets()[0].error());
    for outlet in writer.outlets() {
        let entry = outlet.account().read().expect("nobody writes");
        assert_eq!((entry.kept, entry.lost, outlet.torn()), (records, 0, 0));
    }
}

/// Two files; records, rows, and what was logged before, with a record that has a file of its own.
fn live(maker: &mut Maker) {
    let mut writer = maker.writer();
    drain_through(&mut writer, 3);
    maker.log_block(6);
    drain_through(&mut writer, 9);
    maker.log(3);
    drain_through(&mut writer, 12);
}

/// Each fate in turn meets the calls from the `n`-th on, so many of them.
fn each_call(errors: &[Fate], lasting: u64, life: impl Fn(u64, &dyn Fn(u64, libc::c_long) -> Fate)) {
    // Of many fates each meets one call of three by default, and others than the next: a child for each of them takes its
    // time.
    let deep = std::env::var("UNDERGIRD_DEEP").is_ok_and(|deep| deep == "1");
    let stride = if deep || errors.len() < 3 { 1 } else { 3 };
    for (first, fate) in errors.iter().enumerate() {
        for n in (first as u64 % stride..).step_by(stride as usize) {
            let met = Cell::new(false);
            let choose = |asked: u64, _call: libc::c_long| {
                let chosen = (n..n + lasting).contains(&asked);
                met.set(met.get() || chosen);
                if !chosen {
                    Fate::Done
                } else if *fate == Fate::Half && asked > n {
                    // What has begun with half a line goes on with a full disk.
                    Fate::Failed(libc::ENOSPC)
                } else {
                    *fate
                }
            };
            life(n, &choose);
            if !met.get() {
                assert!(n > 20, "the child's calls were seen");
                break;
            }
        }
    }
}

const ERRORS: [Fate; 8] = [
    Fate::Failed(libc::EMFILE),
    Fate::Failed(libc::ENFILE),
    Fate::Failed(libc::EIO),
    Fate::Failed(libc::ENOSPC),
    Fate::Half,
    Fate::Failed(libc::EDQUOT),
    Fate::Failed(libc::EFBIG),
    Fate::Failed(libc::EROFS),
];

#[test]
fn whichever_call_fails_everything_is_written_once_when_calls_work_again() {
    let _alone = alone();
    for (errors, lasting) in [(&ERRORS[..], 1), (&ERRORS, 7), (&ERRORS[..2], 1)] {
        each_call(errors, lasting, |n, fate| {
            let run = Run::new();
            let logs = [run.log(), run.other_log()];
            let mut maker = Maker::new(&run.rings(), "a", &[&logs[0], &logs[1]], SMALLEST);
            maker.log(2);
            // A record that has a file of its own, which a disk may lose, but not a want of descriptors.
            if errors != &ERRORS[..] {
                maker.log_spilled()
            } else {
                maker.log(1)
            }
            let child = Child::start(|| {
                traced();
                live(&mut maker);
            });
            child.run_with(fate);
            for log in &logs {
                assert_eq!(numbers(log, "a"), (0..12).collect::<Vec<_>>(), "call {n} and {lasting} from it");
            }
        });
    }
}

#[test]
fn whichever_call_of_a_rotation_fails_nothing_is_lost_or_doubled() {
    let _alone = alone();
    // Two or three lines to a file.
    let rotation = Rotation { max_bytes: 400, ..Rotation::default() };
    for lasting in [1, 7] {
        each_call(&ERRORS, lasting, |n, fate| {
            let run = Run::new();
            let mut maker = Maker::rotating(&run, "a", &rotation);
            let child = Child::start(|| {
                traced();
                let mut writer = maker.writer();
                maker.log(5);
                drain_through(&mut writer, 5);
                maker.log_block(6);
                drain_through(&mut writer, 11);
            });
            child.run_with(fate);
            let found: Vec<u64> = records(&run.whole_text(&rotation)).into_iter().map(|(_, number)| number).collect();
            assert_eq!(found, (0..11).collect::<Vec<_>>(), "call {n}, {lasting}");
        });
    }
}

/// A process that writes nine records, each of whose system calls waits for its fate.
fn nine_records(run: &Run) -> (Maker, Child) {
    let mut maker = run.maker("a");
    maker.log(9);
    let child = Child::start(|| {
        traced();
        drain_through(&mut maker.writer(), 9);
    });
    (maker, child)
}

fn count(calls: &Cell<u32>) -> u32 {
    calls.replace(calls.get() + 1)
}

/// The fate of one write of all: half of it is written, then the disk is full for one more.
fn torn_once(writes: &Cell<u32>) -> Fate {
    match count(writes) {
        0 => Fate::Half,
        1 => Fate::Failed(libc::ENOSPC),
        _ => Fate::Done,
    }
}

#[test]
fn a_torn_batch_whose_log_cannot_be_read_waits_until_it_can() {
    let _alone = alone();
    for n in 0..4 {
        let run = Run::new();
        let (_maker, child) = nine_records(&run);
        let (writes, reads) = (Cell::new(0), Cell::new(0));
        child.run_with(|_, call| match call {
            libc::SYS_write => torn_once(&writes),
            libc::SYS_pread64 if writes.get() == 2 && count(&reads) == n => Fate::Failed(libc::EIO),
            _ => Fate::Done,
        });
        assert_eq!(writes.get(), 3);
        assert_eq!(numbers(&run.log(), "a"), (0..9).collect::<Vec<_>>(), "read {n} after the torn write");
    }
}

#[test]
fn a_batch_whose_journal_cannot_be_written_is_not_begun() {
    let _alone = alone();
    for n in 0..4 {
        let run = Run::new();
        let (_maker, child) = nine_records(&run);
        let (writes, entries) = (Cell::new(0), Cell::new(0));
        child.run_with(|_, call| match call {
            libc::SYS_pwrite64 if count(&entries) == n => Fate::Failed(libc::ENOSPC),
            // What is begun is torn.
            libc::SYS_write => torn_once(&writes),
            _ => Fate::Done,
        });
        assert!(entries.get() > n);
        assert_eq!(numbers(&run.log(), "a"), (0..9).collect::<Vec<_>>(), "entry {n} of the lock file");
    }
}

#[test]
fn a_ring_that_another_recovers_between_two_calls_is_not_written_again() {
    let _alone = alone();
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(9);
    maker.die();
    let child = Child::start(|| {
        traced();
        assert!(run.recover().is_empty());
    });
    let other = RefCell::new(Vec::new());
    child.run_with(|_, call| {
        // It has opened the ring and is about to lock it.
        if call == libc::SYS_flock && other.borrow().is_empty() {
            assert_eq!(numbers(&run.log(), "a"), []);
            other.replace(run.recover());
        }
        Fate::Done
    });
    // The other has written all of it, between the two calls.
    let outcomes = other.take().into_iter().map(|found| found.outcome).collect::<Vec<_>>();
    assert_eq!(outcomes, [Outcome::Recovered { written: 9, failed: 0 }]);
    assert!(run.left().is_empty());
    assert_exactly(&run.log(), "a", 9);
}

#[test]
fn a_ring_of_another_user_is_left_alone() {
    let _alone = alone();
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(3);
    maker.die();
    let child = Child::start(|| {
        traced();
        let Outcome::LeftAlone(why) = &run.recover()[0].outcome else { panic!("it is not ours to follow") };
        assert!(why.contains("it belongs to user"), "{why}");
    });
    // Only root can give files away; but to be somebody else is as good.
    child.run_with(|_, call| if call == libc::SYS_geteuid { Fate::Answered(65_533) } else { Fate::Done });
    assert_eq!(run.text(), "");
    run.recover_all();
    assert_exactly(&run.log(), "a", 3);
}

/// A process whose clock says what the test says.
struct At(u64);

impl Host for At {
    fn pid(&self) -> u32 {
        std::process::id()
    }

    fn now(&mut self) -> u64 {
        self.0
    }

    fn wait(&mut self, _first: bool) -> bool {
        true
    }
}

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;
const NOON: u64 = 1_750_000_000 / 86_400 * DAY + DAY / 2;

#[test]
fn an_hour_of_a_full_disk_keeps_what_fits_into_the_ring_and_tries_once_a_second() {
    let _alone = alone();
    let run = Run::new();
    // A device that is always full, until it is none any more.
    std::os::unix::fs::symlink("/dev/full", run.log()).expect("a link");
    let mut maker = run.maker("a");
    let mut writer = maker.writer();
    let mut host = At(NOON);
    let mut tries = 0;
    while host.0 < NOON + 3600 * SECOND {
        if maker.next < 1000 {
            let _ = maker.try_log();
        }
        let before = writer.outlets().first().and_then(|outlet| outlet.trouble()).map_or(0, |trouble| trouble.tries);
        assert_eq!(writer.round(&mut host, false).written, 0);
        let trouble = writer.outlets()[0].trouble().expect("it is full");
        tries += u64::from(trouble.tries > before);
        host.0 += SECOND / 50;
    }
    assert!((3500..3700).contains(&tries), "{tries} tries");
    let kept = maker.next;
    assert!(kept > 500 && !writer.is_done());
    fs::remove_file(run.log()).expect("the link");
    // By itself, when its time has come.
    for _ in 0..60 {
        writer.round(&mut host, false);
        host.0 += SECOND / 50;
    }
    assert!(writer.is_done());
    assert_exactly(&run.log(), "a", kept);
}

#[test]
fn a_clock_that_goes_back_does_not_put_off_the_next_try() {
    let _alone = alone();
    let run = Run::new();
    std::os::unix::fs::symlink("/dev/full", run.log()).expect("a link");
    let mut maker = run.maker("a");
    let mut writer = maker.writer();
    maker.log(3);
    writer.round(&mut At(NOON), false);
    assert!(writer.outlets()[0].trouble().is_some());
    fs::remove_file(run.log()).expect("the link");
    writer.round(&mut At(NOON - DAY), false);
    assert_exactly(&run.log(), "a", 3);
}

#[test]
fn a_clock_that_went_ahead_and_back_leaves_the_next_rotation_at_its_time() {
    let _alone = alone();
    for schedule in [Schedule::Seconds(3600), Schedule::Days { days: 1, at: 0 }, Schedule::Weekday { day: 0, at: 0 }] {
        let rotation = Rotation { schedule: Some(schedule), zone: Zone::named("UTC"), ..Rotation::default() };
        let run = Run::new();
        let mut maker = Maker::rotating(&run, "a", &rotation);
        let mut writer = maker.writer();
        let mut write_at = |now: u64| {
            maker.log(1);
            writer.round(&mut At(now), true);
            run.parts(&rotation).len()
        };
        assert_eq!(write_at(NOON), 1);
        assert_eq!(write_at(NOON + 400 * DAY), 2, "ahead: {schedule:?}");
        assert_eq!(write_at(NOON + SECOND), 2, "and back");
        assert_eq!(write_at(NOON + 8 * DAY), 3, "the next time is not a year away");
        let found: Vec<u64> = records(&run.whole_text(&rotation)).into_iter().map(|(_, number)| number).collect();
        assert_eq!(found.len(), 4);
    }
}
