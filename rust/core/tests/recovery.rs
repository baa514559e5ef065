//! What dead processes left: written once if it can be, left alone if it is not ours to understand.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use crate::support::*;
use proptest::prelude::*;
use undergird_core::batch::{LARGEST_SPILL, spill_path};
use undergird_core::descriptor::Descriptor;
use undergird_core::dictionary::Entry;
use undergird_core::lockfile::{Cursor, LockFile};
use undergird_core::recovery::{Outcome, discard_ring, recover, recover_ring, ring_files, rings_named_in};
use undergird_core::ring::{CONTROL, HEAD, TAIL};
use undergird_core::ringfile::{Adoption, Orphan, RingFile, snapshot};
use undergird_core::sink::{Estate, FileSink, lock_path};
use undergird_core::writer::Host;

fn left_alone(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::LeftAlone(why) => why,
        other => panic!("not left alone: {other:?}"),
    }
}

#[test]
fn what_a_dead_process_left_is_written_and_its_ring_removed() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(7);
    maker.log_spilled();
    let path = maker.die();
    let found = run.recover();
    assert_eq!(found[0].outcome, Outcome::Recovered { written: 8, failed: 0 });
    assert_eq!(found[0].path, path);
    assert!(found[0].header.is_some());
    assert_exactly(&run.log(), "a", 8);
    assert!(run.left().is_empty());
    assert!(run.recover().is_empty());
}

/// A process that counts the logs that a fork's child would be left with.
struct Counting(Patient, isize);

impl Host for Counting {
    fn pid(&self) -> u32 {
        self.0.pid()
    }

    fn now(&mut self) -> u64 {
        self.0.now()
    }

    fn wait(&mut self, first: bool) -> bool {
        self.0.wait(first)
    }

    fn opens(&mut self, _: &Arc<Estate>) {
        self.1 += 1;
    }

    fn closes(&mut self, _: &Arc<Estate>) {
        self.1 -= 1;
    }
}

#[test]
fn logs_are_closed_when_their_rings_are_recovered_or_left_for_later() {
    let run = Run::new();
    run.maker("a").log(1);
    let mut host = Counting(host(), 0);
    fs::create_dir(run.log()).unwrap();
    let later = recover(&run.rings(), None, &mut host).unwrap();
    assert!(matches!(later[0].outcome, Outcome::Unfinished { .. }));
    assert_eq!(host.1, 0);
    fs::remove_dir(run.log()).unwrap();
    recover(&run.rings(), None, &mut host).unwrap();
    assert_eq!(host.1, 0);
    assert_exactly(&run.log(), "a", 1);
}

#[test]
fn the_last_ring_of_a_folder_takes_it_along() {
    let run = Run::new();
    let folder = run.rings().join("of one run");
    fs::create_dir(&folder).unwrap();
    for name in ["a", "b"] {
        Maker::new(&folder, name, &[&run.log()], SMALL).log(1);
    }
    assert_eq!(recover(&folder, None, &mut host()).unwrap().len(), 2);
    assert!(!folder.exists());
    assert_exactly(&run.log(), "a", 1);
    assert_exactly(&run.log(), "b", 1);
}

#[test]
fn a_process_that_died_with_nothing_to_say_leaves_no_trace() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(2);
    drain(&mut maker.writer());
    maker.die();
    run.maker("silent").die();
    run.recover_all();
    assert_exactly(&run.log(), "a", 2);
    let lock = LockFile::parse(&fs::read(lock_path(&run.log())).unwrap()).unwrap();
    assert_eq!(lock.cursors.iter().flatten().count(), 0, "its cursor's slot was given back");
    assert!(!run.other_log().exists());
}

#[test]
fn a_killed_recovery_that_had_written_everything_is_not_repeated() {
    // Killed at the last moment: the records are in the log and committed, the ring is still there.
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(5);
    let ring = fs::read(maker.file.path()).unwrap();
    drain(&mut maker.writer());
    fs::write(maker.die(), ring).unwrap();
    let found = run.recover();
    assert_eq!(found[0].outcome, Outcome::Recovered { written: 0, failed: 0 });
    assert_exactly(&run.log(), "a", 5);
}

#[test]
fn spill_files_whose_records_were_never_pushed_go_with_their_ring() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(1);
    fs::write(spill_path(maker.file.path(), 4096), b"never pushed").unwrap();
    maker.die();
    run.recover_all();
}

/// Three records of a process, the second with a file of its own, and where that is.
fn with_a_spilled_record(run: &Run) -> (Maker, PathBuf) {
    let mut maker = run.maker("a");
    maker.log(1);
    let spill = spill_path(maker.file.path(), maker.producer.head());
    maker.log_spilled();
    maker.log(1);
    (maker, spill)
}

#[test]
fn a_spilled_record_whose_file_is_gone_counts_as_failed_and_the_others_are_written() {
    let run = Run::new();
    let (maker, spill) = with_a_spilled_record(&run);
    fs::remove_file(spill).unwrap();
    maker.die();
    assert_eq!(run.recover()[0].outcome, Outcome::Recovered { written: 2, failed: 1 });
    assert_eq!(numbers(&run.log(), "a"), [0, 2]);
}

#[test]
fn a_spilled_record_that_is_larger_than_any_counts_as_failed_and_is_not_read() {
    let run = Run::new();
    let (maker, spill) = with_a_spilled_record(&run);
    // The record is whole; what follows takes no room on the disk, and would in memory.
    let spill = File::options().write(true).open(spill).unwrap();
    spill.set_len(LARGEST_SPILL + 1).unwrap();
    maker.die();
    assert_eq!(run.recover()[0].outcome, Outcome::Recovered { written: 2, failed: 1 });
    assert_eq!(numbers(&run.log(), "a"), [0, 2]);
}

#[test]
fn a_damaged_record_counts_as_failed_and_the_others_are_written() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(1);
    let damaged = CONTROL + SMALL.dictionary + maker.producer.head() as usize;
    maker.log(2);
    change(&maker.die(), |ring| ring[damaged..damaged + 4].fill(0xFF));
    assert_eq!(run.recover()[0].outcome, Outcome::Recovered { written: 2, failed: 1 });
    assert_eq!(numbers(&run.log(), "a"), [0, 2]);
}

#[test]
fn a_record_whose_route_is_not_known_goes_to_every_log_rather_than_to_none() {
    let run = Run::new();
    let mut maker = Maker::new(&run.rings(), "a", &[&run.log(), &run.other_log()], SMALL);
    maker.log(1);
    maker.route = 1_000;
    maker.log(1);
    maker.die();
    run.recover_all();
    assert_exactly(&run.log(), "a", 2);
    assert_exactly(&run.other_log(), "a", 2);
}

#[test]
fn what_is_finished_for_another_ring_does_not_count_as_ones_own() {
    let run = Run::new();
    let (mut torn, mut done) = (run.maker("torn"), run.maker("done"));
    done.log(2);
    fs::write(run.log(), done.lines().0).unwrap();
    torn.log(3);
    let journal = torn.journal(&run.log());
    let cursors = [
        Cursor { stream: torn.stream(), position: journal.from, stamp: 1 },
        Cursor { stream: done.stream(), position: done.producer.head(), stamp: 1 },
    ];
    leave_lock_file(&run.log(), Some(&journal), &cursors.map(Some));
    let (_, path) = (torn.die(), done.die());
    let found = recover_ring(&path, &mut host()).expect("it is there");
    assert_eq!(found.outcome, Outcome::Recovered { written: 0, failed: 0 });
    run.recover_all();
    assert_eq!(numbers(&run.log(), "torn"), [0, 1, 2]);
    assert_eq!(numbers(&run.log(), "done"), [0, 1]);
}

#[test]
fn the_ring_of_a_living_process_and_ones_own_are_left_alone() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(1);
    assert_eq!(run.recover()[0].outcome, Outcome::Alive);
    assert!(recover(&run.rings(), Some(maker.file.path()), &mut host()).unwrap().is_empty());
    assert!(maker.file.is_there());
    assert!(!run.log().exists());
}

#[test]
fn a_ring_whose_process_lost_the_lock_is_its_own_while_that_has_it_in_its_memory() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(3);
    // What `os.closerange` does to it.
    maker.descriptor.close_in_child();
    assert_eq!(run.recover()[0].outcome, Outcome::Alive);
    drain(&mut maker.writer());
    maker.die();
    run.recover_all();
    assert_exactly(&run.log(), "a", 3);
}

#[test]
fn what_is_not_a_ring_of_this_version_is_left_alone_and_reported() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(1);
    let ring = fs::read(maker.file.path()).unwrap();
    maker.file.remove();
    let mut later = ring.clone();
    later[8] = 2;
    let mut other_order = ring.clone();
    other_order[12..16].reverse();
    let mut beyond = ring.clone();
    beyond[HEAD..HEAD + 8].copy_from_slice(&(1u64 << 40).to_le_bytes());
    let strangers = [
        ("later.ring", later, "version 2"),
        ("order.ring", other_order, "version"),
        ("beyond.ring", beyond, "positions"),
        ("text.ring", b"not a ring".to_vec(), "not a ring"),
        ("empty.ring", Vec::new(), "not a ring"),
        ("short.ring", ring[..100].to_vec(), "too short"),
        ("cut.ring", ring[..CONTROL + 100].to_vec(), "do not lie in the file"),
    ];
    for (name, bytes, why) in strangers {
        let path = run.rings().join(name);
        fs::write(&path, &bytes).unwrap();
        let found = run.recover();
        assert!(left_alone(&found[0].outcome).contains(why), "{name}: {:?}", found[0].outcome);
        assert_eq!(fs::read(&path).unwrap(), bytes);
        fs::remove_file(&path).unwrap();
    }
    assert!(!run.log().exists());
}

#[test]
fn a_link_in_the_ring_directory_is_not_followed() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(1);
    let elsewhere = run.path().join("elsewhere");
    fs::rename(maker.die(), &elsewhere).unwrap();
    symlink(&elsewhere, run.rings().join("link.ring")).unwrap();
    left_alone(&run.recover()[0].outcome);
    assert!(elsewhere.exists() && !run.log().exists());
}

#[test]
fn a_ring_whose_dictionary_is_lost_is_kept_rather_than_removed() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(3);
    let path = maker.die();
    let ring = change(&path, |ring| ring[CONTROL + 4] = 99);
    left_alone(&run.recover()[0].outcome);
    assert_eq!(fs::read(&path).unwrap(), ring);
}

#[test]
fn a_ring_with_a_later_versions_entry_in_its_dictionary_is_left_alone_and_nothing_is_written() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(3);
    let dictionary = maker.file.memory().dictionary(0).len();
    maker.define(&sink_entry(&run.other_log()));
    maker.log(3);
    let path = maker.die();
    let ring = change(&path, |ring| ring[CONTROL + dictionary + 4] = 99);
    assert!(left_alone(&run.recover()[0].outcome).contains("dictionary"));
    assert_eq!(fs::read(&path).unwrap(), ring);
    assert!(!run.log().exists());
}

#[test]
fn a_ring_of_which_a_file_cannot_be_written_waits_until_it_can() {
    let run = Run::new();
    let late = run.path().join("late/run.log");
    let mut maker = Maker::new(&run.rings(), "a", &[&late], SMALL);
    maker.log(3);
    maker.die();
    for _ in 0..2 {
        let Outcome::Unfinished { written: 0, error } = &run.recover()[0].outcome else { panic!("unfinished") };
        assert!(error.contains("No such file"), "{error}");
    }
    fs::create_dir(run.path().join("late")).unwrap();
    run.recover_all();
    assert_exactly(&late, "a", 3);
}

#[test]
fn unfinished_rings_of_the_dead_are_removed_and_those_of_the_living_are_not() {
    let run = Run::new();
    let dead = run.rings().join("1-00.ring-new");
    let living = run.rings().join("2-00.ring-new");
    fs::write(&dead, b"half").unwrap();
    let file = File::create(&living).unwrap();
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert!(ring_files(&run.rings(), &Arc::default()).unwrap().is_empty());
    assert!(!dead.exists() && living.exists());
}

#[test]
fn a_ring_that_was_removed_meanwhile_is_gone_and_not_an_error() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(1);
    let path = maker.die();
    let Ok(Adoption::Adopted(orphan)) = Orphan::adopt(&path, &Arc::default()) else { panic!("it has no owner") };
    assert!(matches!(Orphan::adopt(&path, &Arc::default()), Ok(Adoption::Held)));
    orphan.remove().unwrap();
    assert!(matches!(Orphan::adopt(&path, &Arc::default()), Ok(Adoption::Gone)));
}

#[test]
fn a_ring_says_who_made_it_to_anyone_who_looks() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(2);
    let memory = snapshot(maker.file.path()).unwrap();
    let header = memory.header();
    assert_eq!((header.pid, header.process_start, header.boot), (std::process::id(), 1, [3; 16]));
    assert_eq!(header.log_directory, run.path());
    assert_eq!(memory.ring().head(), maker.producer.head());
}

#[test]
fn a_directory_without_room_is_an_error_and_leaves_nothing_behind() {
    let run = Run::new();
    let descriptor: Arc<Descriptor> = Arc::default();
    let nowhere = run.rings().join("nowhere");
    assert!(RingFile::create(&nowhere, SMALL, &owner(&nowhere), &descriptor).is_err());
    // Larger than any disk.
    let sizes = undergird_core::ringfile::Sizes { data: 1 << 50, dictionary: 4096 };
    assert!(RingFile::create(&run.rings(), sizes, &owner(&run.rings()), &descriptor).is_err());
    assert!(run.left().is_empty());
    // A folder that was made for this ring alone goes too.
    fs::create_dir(&nowhere).unwrap();
    assert!(RingFile::create(&nowhere, sizes, &owner(&nowhere), &descriptor).is_err());
    assert!(!nowhere.exists());
}

/// A ring whose bytes were changed at random places. The dictionary's sinks are left as they are: a hostile one
/// would name files outside of the test.
fn damaged() -> impl Strategy<Value = Vec<(usize, u8)>> {
    let place = prop_oneof![
        (0usize..0x80),
        (HEAD..HEAD + 8),
        (TAIL..TAIL + 8),
        (0x200usize..0x208),
        // The dictionary behind the sink: route, shape, name.
        (CONTROL + 200..CONTROL + 400),
        (CONTROL + SMALLEST.dictionary..CONTROL + SMALLEST.dictionary + 2000),
    ];
    prop::collection::vec((place, any::<u8>()), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_ring_is_recovered_as_far_as_it_goes_or_left_alone(changes in damaged()) {
        let run = Run::new();
        let mut maker = Maker::new(&run.rings(), "a", &[&run.log()], SMALLEST);
        maker.define(&Entry::Name([b'x'; 100].into()));
        maker.log(20);
        let path = maker.die();
        let ring = change(&path, |ring| changes.iter().for_each(|(place, byte)| ring[*place] = *byte));
        let found = run.recover();
        match &found[0].outcome {
            Outcome::Recovered { .. } => prop_assert!(!path.exists()),
            Outcome::LeftAlone(_) => prop_assert_eq!(fs::read(&path).unwrap(), ring),
            other => prop_assert!(false, "{other:?}"),
        }
        let text = fs::read(run.log()).unwrap_or_default();
        prop_assert!(text.is_empty() || text.ends_with(b"\n"));
        prop_assert!(text.iter().filter(|byte| **byte == b'\n').count() <= 128);
    }
}

#[test]
fn a_lock_file_tells_where_the_rings_of_its_log_are() {
    let run = Run::new();
    assert!(rings_named_in(run.path()).unwrap().is_empty());
    let maker = run.maker("a");
    let mut sink = FileSink::new(&run.log());
    let mut locked = sink.lock(&mut || false).unwrap().unwrap();
    locked.point_to(maker.file.path()).unwrap();
    assert!(locked.open_journal().is_none());
    drop(locked);
    fs::write(run.path().join(".strange.lock"), b"not a lock file").unwrap();
    assert_eq!(rings_named_in(run.path()).unwrap(), [run.rings()]);
}

#[test]
fn nothing_but_the_ring_of_a_dead_process_is_discarded() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(2);
    maker.log_spilled();
    let path = maker.file.path().to_path_buf();
    assert_eq!(discard_ring(&path).unwrap(), None);
    maker.die();
    assert_eq!(discard_ring(&path).unwrap(), Some(3));
    assert!(run.left().is_empty());
    let strange = run.rings().join("strange.ring");
    fs::write(&strange, b"not a ring").unwrap();
    assert!(discard_ring(&strange).is_err());
    assert!(strange.exists());
}
