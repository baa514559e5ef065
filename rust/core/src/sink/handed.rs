//! A file that a handler has open, and through which this process writes too: so its mode and its place are the handler's.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, FileExt};
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::tell;
use rustix::io::Errno;

use super::target_of;
use crate::batch::passes;
use crate::descriptor::{Held, open_apart};

/// What a process lends its writer of a handler's file. The lock is held for a moment only.
#[derive(Debug, Default)]
pub struct Handed {
    file: Mutex<Option<Arc<Held>>>,
    /// The number of the error that keeps it from getting on; 0 for none.
    stuck: AtomicI32,
}

impl Handed {
    /// Lends a file, in place of what was lent before; `None` takes it back.
    pub fn lend(&self, file: Option<Held>) {
        let before = {
            let mut place = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *place, file.map(Arc::new))
        };
        // Closed when nobody uses it any more, and not under the lock.
        drop(before);
    }

    /// What is lent now, if it still is that file.
    pub(super) fn file(&self, identity: (u64, u64)) -> Option<Arc<Held>> {
        let lent = self.file.lock().unwrap_or_else(PoisonError::into_inner).clone();
        lent.filter(|held| held.identity() == identity && held.check().is_some())
    }

    /// Whether these bytes stand right before where the next ones will be written, as they do once they have been.
    pub fn shows(&self, bytes: &[u8]) -> bool {
        let lent = self.file.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let found = lent.filter(|held| held.check().is_some()).and_then(|held| {
            let at = tell(held.file()).ok()?.checked_sub(bytes.len() as u64)?;
            let mut found = vec![0; bytes.len()];
            readable(held.file()).ok()?.read_exact_at(&mut found, at).ok().map(|()| found)
        });
        found.is_some_and(|found| found == bytes)
    }

    /// The system's number of the error by which the last try to write to it failed, if it did.
    pub fn stuck(&self) -> Option<i32> {
        // Relaxed: whoever reads it too late logs into the ring, where nothing is lost.
        Some(self.stuck.load(Ordering::Relaxed)).filter(|error| *error != 0)
    }

    /// Says by what the last try failed, if it did.
    pub(crate) fn sticks(&self, error: Option<&io::Error>) {
        let number = error.map_or(0, |error| error.raw_os_error().unwrap_or(Errno::IO.raw_os_error()));
        self.stuck.store(number, Ordering::Relaxed);
    }
}

/// Opens a handler's file anew, to append to: at its path, or beside it under a name that begins as its own, as those of
/// logs do that are put aside. Under any other it may be a new file that got the number of a deleted one.
///
/// # Errors
/// `NotFound` if it is in neither place.
pub(super) fn reopen(path: &Path, identity: (u64, u64)) -> io::Result<Held> {
    let options = || {
        let mut options = OpenOptions::new();
        options.append(true);
        options
    };
    if let Ok(file) = open_apart(&options(), path)
        && let held = Held::new(file)?
        && held.identity() == identity
    {
        return Ok(held);
    }
    let target = target_of(path);
    let stem = target.file_stem().unwrap_or_default().as_bytes();
    beside(&target, identity, &options(), &|name| name.as_bytes().starts_with(stem))?
        .ok_or_else(|| io::Error::new(ErrorKind::NotFound, "the file that a handler had open is not there any more"))
}

/// The file of this identity among those in the directory of a path that have such names.
///
/// # Errors
/// What keeps it from being found out.
pub(super) fn beside(
    path: &Path,
    identity: (u64, u64),
    options: &OpenOptions,
    may_be: &dyn Fn(&OsStr) -> bool,
) -> io::Result<Option<Held>> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    for entry in entries.flatten().filter(|entry| entry.ino() == identity.1) {
        if !may_be(&entry.file_name()) || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let file = match open_apart(options, &entry.path()) {
            Err(error) if passes(&error) => return Err(error),
            Err(_) => continue,
            Ok(file) => file,
        };
        let held = Held::new(file)?;
        if held.identity() == identity {
            return Ok(Some(held));
        }
    }
    Ok(None)
}

/// The same file to be read: handlers open theirs to write only.
///
/// # Errors
/// If it cannot be opened so.
pub(super) fn readable(file: &File) -> io::Result<File> {
    open_apart(OpenOptions::new().read(true), Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))
}
