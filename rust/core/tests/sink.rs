//! A log and its lock file: who may write, what is remembered, and whose files are left alone.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::support::*;
use undergird_core::lockfile::{LockFile, MOST_SLOTS, SIZE, Stream};
use undergird_core::rotation::Rotation;
use undergird_core::sink::{FileSink, Locked, Origin, lock_path};

fn stream(number: u32) -> Stream {
    let mut ring = [7; 16];
    ring[..4].copy_from_slice(&number.to_le_bytes());
    Stream { ring, sink: number % 3 }
}

fn origin(number: u32, from: u64, to: u64) -> Origin<'static> {
    Origin {
        stream: stream(number),
        ring_path: Path::new(""),
        dictionary: 0,
        from,
        to,
        pid: 1,
        stamp: u64::from(number),
    }
}

fn lock(sink: &mut FileSink) -> Locked<'_> {
    sink.lock(&mut || false).expect("it can be opened").expect("it is free")
}

fn sink() -> (tempfile::TempDir, PathBuf, FileSink) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.log");
    let sink = FileSink::new(&path);
    (directory, path, sink)
}

#[test]
fn what_was_committed_is_known_to_the_next_who_locks() {
    let (_directory, path, mut sink) = sink();
    {
        let mut locked = lock(&mut sink);
        assert_eq!(locked.cursor(stream(1)), None);
        locked.append(&origin(1, 64, 128), b"one\n").unwrap();
        locked.append(&origin(2, 0, 32), b"two\n").unwrap();
        locked.append(&origin(1, 128, 192), b"three\n").unwrap();
        assert!(locked.open_journal().is_none());
    }
    let mut other = FileSink::new(&path);
    let locked = lock(&mut other);
    assert_eq!((locked.cursor(stream(1)), locked.cursor(stream(2))), (Some(192), Some(32)));
    assert!(locked.open_journal().is_none());
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
    assert_eq!(fs::metadata(lock_path(&path)).unwrap().len(), SIZE, "all its blocks are there from the start");
}

#[test]
fn who_may_write_to_a_log_may_take_its_lock() {
    let (_directory, path, mut sink) = sink();
    lock(&mut sink).append(&origin(1, 0, 64), b"line\n").unwrap();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:")).expect("the kernel tells it");
    let mode = 0o666 & !u32::from_str_radix(umask.trim(), 8).unwrap();
    for file in [&path, &lock_path(&path)] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, mode, "{}", file.display());
    }
}

#[test]
fn a_log_has_one_lock_by_whatever_link_it_is_reached() {
    // Also when the first who comes makes the file that the link leads to.
    for there in [true, false] {
        let (directory, path, mut sink) = sink();
        if there {
            File::create(&path).unwrap();
        }
        symlink("run.log", directory.path().join("inner")).unwrap();
        symlink(directory.path().join("inner"), directory.path().join("outer")).unwrap();
        let mut linked = FileSink::new(&directory.path().join("outer"));
        let mut held = lock(&mut linked);
        held.append(&origin(1, 0, 64), b"one\n").unwrap();
        assert!(sink.lock(&mut || false).unwrap().is_none(), "the log is there before: {there}");
        drop(held);
        lock(&mut sink).append(&origin(2, 0, 64), b"two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(lock(&mut FileSink::new(&path)).cursor(stream(1)), Some(64));
    }
}

#[test]
fn one_at_a_time_holds_the_lock() {
    let (_directory, path, mut sink) = sink();
    let mut other = FileSink::new(&path);
    let held = lock(&mut sink);
    let mut waits = 0;
    let refused = other.lock(&mut || {
        waits += 1;
        waits < 3
    });
    assert!(refused.unwrap().is_none());
    assert_eq!(waits, 3);
    drop(held);
    drop(lock(&mut other));
}

#[test]
fn cursors_behind_one_that_was_given_back_are_still_found() {
    let (_directory, path, mut sink) = sink();
    let count = 300;
    let mut locked = lock(&mut sink);
    for number in 0..count {
        locked.commit(stream(number), u64::from(number) + 1, 1).unwrap();
    }
    for vacant in 0..count - 1 {
        locked.forget(stream(vacant)).unwrap();
        drop(locked);
        sink = FileSink::new(&path);
        locked = lock(&mut sink);
        assert_eq!(locked.cursor(stream(vacant)), None);
        assert_eq!(locked.cursor(stream(count - 1)), Some(u64::from(count)), "after {vacant} were given back");
    }
    // What was given back is taken again.
    locked.commit(stream(9999), 5, 1).unwrap();
    drop(locked);
    let state = LockFile::parse(&fs::read(lock_path(&path)).unwrap()).unwrap();
    assert_eq!(state.cursor(stream(9999)).map(|(slot, _)| slot), Some(0));
}

#[test]
fn a_full_lock_file_gives_up_what_has_been_still_for_longest() {
    let (_directory, path, mut sink) = sink();
    let mut locked = lock(&mut sink);
    for number in 0..MOST_SLOTS + 6 {
        locked.append(&origin(number + 1, 0, 64), b"line\n").unwrap();
        assert!(locked.open_journal().is_none(), "a committed batch stays committed");
    }
    drop(locked);
    let state = LockFile::parse(&fs::read(lock_path(&path)).unwrap()).unwrap();
    assert_eq!(state.cursors.iter().flatten().count(), MOST_SLOTS as usize);
    for number in 1..=6 {
        assert_eq!(state.cursor(stream(number)), None);
    }
    assert!(state.open_journal().is_none());
    assert_eq!(fs::metadata(lock_path(&path)).unwrap().len(), SIZE);
}

#[test]
fn giving_a_slot_back_does_not_open_its_last_batch_again() {
    let (_directory, path, mut sink) = sink();
    lock(&mut sink).append(&origin(1, 0, 64), b"line\n").unwrap();
    lock(&mut sink).forget(stream(1)).unwrap();
    let mut other = FileSink::new(&path);
    assert!(lock(&mut other).open_journal().is_none());
}

#[test]
fn a_file_that_is_no_lock_file_is_neither_used_nor_changed() {
    let (_directory, path, mut sink) = sink();
    fs::write(lock_path(&path), "#!/bin/sh -- not ours").unwrap();
    let error = sink.lock(&mut || false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(fs::read_to_string(lock_path(&path)).unwrap(), "#!/bin/sh -- not ours");
    assert!(!path.exists());
}

#[test]
fn a_lock_file_of_a_later_version_is_left_alone() {
    let (_directory, path, mut sink) = sink();
    let mut later = LockFile::header().to_vec();
    later[8] = 2;
    later.resize(200, 9);
    fs::write(lock_path(&path), &later).unwrap();
    let error = sink.lock(&mut || false).unwrap_err();
    assert!(error.to_string().contains("version 2"), "{error}");
    assert_eq!(fs::read(lock_path(&path)).unwrap(), later);
}

#[test]
fn a_lock_file_that_was_emptied_is_begun_again() {
    let (_directory, path, mut sink) = sink();
    lock(&mut sink).append(&origin(1, 0, 64), b"line\n").unwrap();
    File::create(lock_path(&path)).unwrap();
    let mut locked = lock(&mut sink);
    assert_eq!(locked.cursor(stream(1)), None);
    locked.append(&origin(1, 64, 128), b"line\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "line\nline\n");
}

#[test]
fn a_lock_file_that_was_deleted_while_another_waits_for_it_is_not_the_one_that_is_taken() {
    let (_directory, path, mut sink) = sink();
    let mut other = FileSink::new(&path);
    drop(lock(&mut other));
    let mut held = Some(lock(&mut sink));
    let mut third = FileSink::new(&path);
    let taken = other.lock(&mut || {
        fs::remove_file(lock_path(&path)).ok();
        held = None;
        true
    });
    let taken = taken.unwrap().expect("it is free now");
    assert!(third.lock(&mut || false).unwrap().is_none(), "both look at the same file");
    drop(taken);
}

#[test]
fn a_directory_that_cannot_be_written_to_is_an_error_and_later_a_success() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("logs");
    let mut sink = FileSink::new(&inner.join("run.log"));
    assert_eq!(sink.lock(&mut || false).unwrap_err().kind(), ErrorKind::NotFound);
    fs::create_dir(&inner).unwrap();
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write everywhere.
    if File::create(inner.join("probe")).is_err() {
        assert_eq!(sink.lock(&mut || false).unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
    lock(&mut sink).append(&origin(1, 0, 64), b"line\n").unwrap();
    assert_eq!(fs::read_to_string(inner.join("run.log")).unwrap(), "line\n");
}

#[test]
fn who_cannot_use_a_lock_file_leaves_the_lock_to_others() {
    let (_directory, path, mut sink) = sink();
    fs::write(lock_path(&path), b"something of somebody else's").unwrap();
    assert_eq!(sink.lock(&mut || false).unwrap_err().kind(), ErrorKind::InvalidData);
    // The same file, so that it has the same lock.
    fs::write(lock_path(&path), b"").unwrap();
    lock(&mut FileSink::new(&path)).append(&origin(1, 0, 64), b"line\n").unwrap();
}

#[test]
fn word_of_a_ring_does_not_take_the_place_of_an_open_batch() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(1);
    fs::write(run.log(), b"").unwrap();
    let journal = maker.journal(&run.log());
    leave_lock_file(&run.log(), Some(&journal), &[]);
    let mut sink = FileSink::new(&run.log());
    let mut locked = lock(&mut sink);
    locked.point_to(Path::new("/elsewhere/1-2.ring")).unwrap();
    assert_eq!(locked.open_journal(), Some(&journal));
}

#[test]
fn a_pipe_gets_the_lines_and_no_journal() {
    let (_directory, path, mut sink) = sink();
    let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: a string that ends in a zero byte.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    // Open for both, so that neither side waits for the other.
    let mut reader = File::options().read(true).write(true).open(&path).unwrap();
    let mut locked = lock(&mut sink);
    locked.append(&origin(1, 0, 64), b"line\n").unwrap();
    assert!(locked.open_journal().is_none());
    assert!(!lock_path(&path).exists(), "so /dev/stdout can be a log where nobody may make files");
    let mut found = [0; 5];
    reader.read_exact(&mut found).unwrap();
    assert_eq!(&found, b"line\n");
}

/// What a daemon does that closes every descriptor, after which the numbers belong to others.
#[test]
fn descriptors_that_were_closed_and_reused_are_never_written_to() {
    let (directory, path, mut sink) = sink();
    lock(&mut sink).append(&origin(1, 0, 64), b"one\n").unwrap();
    let theirs = directory.path().join("theirs");
    let file = File::create(&theirs).unwrap();
    for number in descriptors_of(&[&path, &lock_path(&path)]) {
        // SAFETY: the sink finds out that these are no longer its files, and does not close them.
        assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), number) }, number);
    }
    lock(&mut sink).append(&origin(1, 64, 128), b"two\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "");
}

fn descriptors_of(paths: &[&Path]) -> Vec<i32> {
    let numbers = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    numbers
        .filter(|(_, link)| fs::read_link(link).is_ok_and(|target| paths.contains(&&*target)))
        .map(|(number, _)| number)
        .collect()
}

#[test]
fn the_lock_file_stands_beside_the_log_and_is_hidden() {
    assert_eq!(lock_path(Path::new("/var/log/run.log")), Path::new("/var/log/.run.log.lock"));
    assert_eq!(lock_path(Path::new("run.log")), Path::new(".run.log.lock"));
    // So does the test's own helper see it.
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(1);
    drain(&mut maker.writer());
    assert!(run.path().join(".run.log.lock").exists());
}

fn lock_in_haste(sink: &mut FileSink, now: u64) -> Locked<'_> {
    sink.lock_in_haste(now, &mut || false).expect("it can be opened").expect("it is free")
}

const MILLISECOND: u64 = 1_000_000;

#[test]
fn in_haste_a_log_that_others_have_moved_is_noticed_after_a_millisecond() {
    let (directory, path, mut sink) = sink();
    let moved = directory.path().join("run.log.1");
    // A lock file that was made just now is read again.
    drop(lock(&mut sink));
    lock_in_haste(&mut sink, 0).append(&origin(1, 0, 1), b"one\n").unwrap();
    fs::rename(&path, &moved).unwrap();
    lock_in_haste(&mut sink, MILLISECOND - 1).append(&origin(1, 1, 2), b"two\n").unwrap();
    assert!(!path.exists());
    lock_in_haste(&mut sink, MILLISECOND).append(&origin(1, 2, 3), b"three\n").unwrap();
    assert_eq!(fs::read(moved).unwrap(), b"one\ntwo\n");
    assert_eq!(fs::read(path).unwrap(), b"three\n");
}

#[test]
fn in_haste_a_log_that_another_has_put_aside_is_noticed_at_once() {
    let (directory, path, mut sink) = sink();
    let mut other = FileSink::new(&path);
    let rotation = Rotation { max_bytes: 10, ..Rotation::default() };
    for again in 0..3 {
        lock_in_haste(&mut sink, again).append(&origin(1, 3 * again, 3 * again + 1), b"before\n").unwrap();
        lock(&mut other).rotate(&rotation, 0).unwrap();
        let mut locked = lock_in_haste(&mut sink, again);
        assert_eq!(locked.size(), 0);
        locked.append(&origin(1, 3 * again + 1, 3 * again + 2), b"behind\n").unwrap();
        drop(locked);
        fs::remove_file(directory.path().join("run.log.1")).unwrap();
        // By one that has nothing to write afterwards, twice in a row.
        lock(&mut other).rotate(&rotation, 0).unwrap();
        assert_eq!(lock_in_haste(&mut sink, again).size(), 0);
        lock(&mut other).rotate(&rotation, 0).unwrap();
        assert_eq!(lock_in_haste(&mut sink, again).size(), 0);
    }
}

#[test]
fn in_haste_what_others_have_written_is_known() {
    let (_directory, path, mut sink) = sink();
    let mut other = FileSink::new(&path);
    for to in 1..20 {
        lock_in_haste(&mut sink, 0).append(&origin(1, to - 1, to), b"ours\n").unwrap();
        let mut theirs = lock(&mut other);
        // What seems unfinished is settled first, as by a writer.
        if let Some(journal) = theirs.open_journal().cloned() {
            theirs.commit(journal.stream, journal.to, 0).unwrap();
        }
        theirs.append(&origin(2, to - 1, to), b"theirs\n").unwrap();
        drop(theirs);
        let locked = lock_in_haste(&mut sink, 0);
        assert_eq!((locked.cursor(stream(1)), locked.cursor(stream(2))), (Some(to), Some(to)));
        assert_eq!(locked.size(), 12 * to);
    }
}

#[test]
fn in_haste_a_descriptor_that_changed_hands_is_never_written_to() {
    for which in ["run.log", ".run.log.lock"] {
        let (directory, path, mut sink) = sink();
        lock_in_haste(&mut sink, 0).append(&origin(1, 0, 1), b"one\n").unwrap();
        let theirs = directory.path().join("theirs");
        fs::write(&theirs, b"theirs").unwrap();
        put_in_place_of(&directory.path().join(which), &File::open(&theirs).unwrap());
        lock_in_haste(&mut sink, 0).append(&origin(1, 1, 2), b"two\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\n");
        assert_eq!(fs::read(&theirs).unwrap(), b"theirs");
    }
}

/// Puts another file under the number of each of our descriptors of a file.
fn put_in_place_of(path: &Path, other: &File) {
    for entry in fs::read_dir("/proc/self/fd").unwrap().flatten() {
        if fs::read_link(entry.path()).is_ok_and(|target| target == path) {
            let number = entry.file_name().to_str().unwrap().parse().unwrap();
            // SAFETY: what an unruly neighbour does; the number stays open, and nobody else owns it.
            let mut target = std::mem::ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(number) });
            rustix::io::dup2(other, &mut target).unwrap();
        }
    }
}
