//! Processes that live beside each other, on one log and in one folder of rings.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::support::process::{Child, Shared, alone};
use crate::support::*;
use undergird_core::dictionary::SinkEntry;
use undergird_core::recovery::{Outcome, recover};
use undergird_core::ringfile::{Adoption, Orphan};
use undergird_core::rotation::Rotation;
use undergird_core::sink::FileSink;

#[test]
fn processes_that_rotate_one_log_write_to_nothing_that_was_put_aside() {
    let run = Run::new();
    rotate_from_all_sides(&run, &[run.log()]);
}

#[test]
fn a_log_that_is_reached_by_links_is_put_aside_and_the_links_stay() {
    let run = Run::new();
    let (link, link_to_it) = (run.path().join("links/app.log"), run.path().join("current.log"));
    fs::create_dir(run.path().join("links")).expect("a directory");
    symlink("../run.log", &link).expect("a link");
    symlink("links/app.log", &link_to_it).expect("a link");
    rotate_from_all_sides(&run, &[run.log(), link.clone(), link_to_it.clone()]);
    assert!(link.is_symlink() && link_to_it.is_symlink());
    let locks = |directory: &Path| fs::read_dir(directory).expect("readable").flatten().filter(is_lock_file).count();
    assert_eq!((locks(run.path()), locks(&run.path().join("links"))), (1, 0));
}

fn is_lock_file(entry: &fs::DirEntry) -> bool {
    entry.path().extension().is_some_and(|extension| extension == "lock")
}

/// Four processes, two of which begin later, write one log, whose names they take in turn, and put it aside.
fn rotate_from_all_sides(run: &Run, logs: &[PathBuf]) {
    let _alone = alone();
    let rotation = Rotation { max_bytes: 4000, ..Rotation::default() };
    let names = ["a", "b", "c", "d"];
    let begun = Shared::new();
    let process = |(index, log): (usize, &PathBuf)| {
        if index >= 2 {
            begun.wait_for(0);
        }
        let sink = SinkEntry { rotation: rotation.clone(), ..SinkEntry::file(log.as_os_str().as_bytes()) };
        let mut maker = Maker::with_sinks(&run.rings(), names[index], std::iter::once(sink), SMALL);
        let mut writer = maker.writer();
        for batch in 0..100 {
            maker.log(5);
            drain(&mut writer);
            if batch == 20 {
                begun.set(0, 1);
            }
        }
        maker.file.remove();
    };
    let sides = logs.iter().cycle().take(4).enumerate();
    let children: Vec<Child> = sides.map(|side| Child::start(|| process(side))).collect();
    children.iter().for_each(Child::join);
    let found = records(&run.whole_text(&rotation));
    for name in names {
        let numbers: Vec<u64> = found.iter().filter(|(maker, _)| maker == name).map(|(_, number)| *number).collect();
        assert_eq!(numbers, (0..500).collect::<Vec<_>>(), "records of {name} in the order of the files");
    }
    assert!(run.parts(&rotation).len() > 50);
    assert!(run.parts(&rotation).iter().all(|part| fs::metadata(part).expect("there").len() < 4000));
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
            over.wait_for(0);
        });
        ready.set(1, grandchild.0 as u64);
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    ready.wait_for(0);
    ready.wait_for(1);
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
        over.wait_for(0);
    });
    ready.wait_for(0);
    let found = run.recover();
    assert_eq!(found[0].outcome, Outcome::Alive);
    assert!(matches!(Orphan::adopt(&found[0].path, &Arc::default()), Ok(Adoption::Held)));
    assert!(!run.log().exists());
    over.set(0, 1);
    child.join();
    run.recover_all();
    assert_exactly(&run.log(), "a", 3);
}
