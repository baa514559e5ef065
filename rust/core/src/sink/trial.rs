//! Trying whether a log can be written, so that a run whose set-up fails has left nothing behind.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::{FileSink, is_at, lock_file_of};
use crate::descriptor::{Held, open_apart};
use crate::lockfile::LockFile;

/// Which files a trial has made: they were not there before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// The log.
    pub log: bool,
    /// Its lock file.
    pub lock: bool,
}

impl Made {
    /// Opens a log and its lock file as the writer would; what that has made.
    ///
    /// # Errors
    /// If one of them cannot be opened; then neither has been made.
    pub fn by_opening(path: &Path) -> io::Result<Self> {
        let mut sink = FileSink::new(path);
        let made = Self { log: is_absent(path), lock: sink.is_regular() && is_absent(&lock_file_of(path)) };
        let tried = sink.lock(&mut || false).map(drop);
        // Its descriptors may be the last ones, which taking back needs.
        drop(sink);
        tried.map(|()| made).inspect_err(|_| made.take_back(path))
    }

    /// Removes what was made, unless somebody has written to it since. Under the lock: who waits for it meanwhile finds
    /// out that the files are gone, and makes others.
    pub fn take_back(self, path: &Path) {
        let lock_path = lock_file_of(path);
        let Ok(file) = open_apart(OpenOptions::new().read(true).write(true), &lock_path) else { return };
        let Ok(held) = Held::new(file) else { return };
        if flock(held.file(), FlockOperation::NonBlockingLockExclusive).is_err() || !is_at(&lock_path, &held) {
            return;
        }
        // By links, too, it is the log itself that was made.
        if self.log
            && let Ok(log) = fs::canonicalize(path)
            && fs::metadata(&log).is_ok_and(|there| there.is_file() && there.len() == 0)
        {
            let _ = fs::remove_file(log);
        }
        if self.lock && says_nothing(&held) {
            let _ = fs::remove_file(lock_path);
        }
    }
}

fn is_absent(path: &Path) -> bool {
    fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Whether nobody has written to a log by this lock file.
fn says_nothing(lock: &Held) -> bool {
    let mut bytes = Vec::new();
    if lock.file().read_to_end(&mut bytes).is_err() {
        return false;
    }
    let (header, rest) = bytes.split_at(bytes.len().min(16));
    (header.is_empty() || header == LockFile::header()) && rest.iter().all(|byte| *byte == 0)
}
