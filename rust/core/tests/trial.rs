//! Trying whether a log can be written: what was made for it can be taken back, and nothing else goes.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::*;
use rustix::fs::{CWD, Mode, OFlags, mkfifoat};
use rustix::io::Errno;
use std::os::unix::fs::OpenOptionsExt;
use undergird_core::sink::{FileSink, Made, lock_path};

const BOTH: Made = Made { log: true, lock: true };

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.log");
    (directory, path)
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_was_made_is_taken_back() {
    let (directory, path) = place();
    let made = Made::by_opening(&path).unwrap();
    assert_eq!(made, BOTH);
    assert_eq!(names(directory.path()), [".run.log.lock", "run.log"]);
    made.take_back(&path);
    assert_eq!(names(directory.path()), [""; 0]);
}

#[test]
fn what_was_there_before_stays() {
    let (directory, path) = place();
    File::create(&path).unwrap();
    let made = Made::by_opening(&path).unwrap();
    assert_eq!(made, Made { log: false, lock: true });
    made.take_back(&path);
    assert_eq!(names(directory.path()), ["run.log"]);
    Made::by_opening(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let made = Made::by_opening(&path).unwrap();
    assert_eq!(made, Made { log: true, lock: false });
    made.take_back(&path);
    assert_eq!(names(directory.path()), [".run.log.lock"]);
}

#[test]
fn what_a_link_leads_to_is_taken_back_and_the_link_stays() {
    let (directory, path) = place();
    symlink("real.log", &path).unwrap();
    let made = Made::by_opening(&path).unwrap();
    assert_eq!(made, BOTH);
    assert_eq!(names(directory.path()), [".real.log.lock", "real.log", "run.log"]);
    made.take_back(&path);
    assert_eq!(names(directory.path()), ["run.log"]);
}

#[test]
fn what_others_use_meanwhile_stays() {
    let run = Run::new();
    let made = Made::by_opening(&run.log()).unwrap();
    let mut maker = run.maker("a");
    maker.log(1);
    drain(&mut maker.writer());
    made.take_back(&run.log());
    assert!(lock_path(&run.log()).exists());
    assert_eq!(fs::read_to_string(run.log()).unwrap().lines().count(), 1);

    let (directory, path) = place();
    let made = Made::by_opening(&path).unwrap();
    File::options().append(true).open(&path).unwrap().write_all(b"theirs\n").unwrap();
    made.take_back(&path);
    assert_eq!(names(directory.path()), ["run.log"]);

    let (directory, path) = place();
    let made = Made::by_opening(&path).unwrap();
    let mut sink = FileSink::new(&path);
    let locked = sink.lock(&mut || false).unwrap().unwrap();
    made.take_back(&path);
    assert_eq!(names(directory.path()), [".run.log.lock", "run.log"], "its lock is held");
    drop(locked);
    made.take_back(&path);
    assert_eq!(names(directory.path()), [""; 0]);
    // Who had it open makes it anew.
    sink.lock(&mut || false).unwrap().unwrap().write(b"line\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "line\n");
}

#[test]
fn a_log_that_cannot_be_opened_leaves_no_lock_file() {
    let (directory, path) = place();
    fs::create_dir(&path).unwrap();
    assert_eq!(Made::by_opening(&path).unwrap_err().kind(), ErrorKind::IsADirectory);
    assert_eq!(names(directory.path()), ["run.log"]);
}

#[test]
fn a_pipe_that_nobody_reads_cannot_be_written() {
    let (directory, path) = place();
    mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
    let nobody = Some(Errno::NXIO.raw_os_error());
    assert_eq!(Made::by_opening(&path).unwrap_err().raw_os_error(), nobody);
    let reader = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(&path).unwrap();
    assert_eq!(Made::by_opening(&path).unwrap(), Made::default());
    let mut sink = FileSink::new(&path);
    sink.lock(&mut || false).unwrap().unwrap().write(b"read\n").unwrap();
    drop(reader);
    let mut locked = sink.lock(&mut || false).unwrap().unwrap();
    assert_eq!(locked.write(b"lost\n").unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(names(directory.path()), ["run.log"]);
}
