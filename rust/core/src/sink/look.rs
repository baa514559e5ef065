//! A log and its lock file as others see them: nothing is touched.

use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{lock_file_of, unusable};
use crate::lockfile::{LockFile, SIZE};
use crate::ringfile::open_stranger;

/// What can be seen of a log's lock file.
#[derive(Clone, Debug)]
pub struct Look {
    /// Whether a process holds the lock at this moment.
    pub held: bool,
    /// What the file says.
    pub state: LockFile,
}

/// Looks at the lock file of the log at `path`; `None` if it has none.
///
/// # Errors
/// If there is one that cannot be read; `InvalidData` if it is another program's or a later version's.
pub fn look(path: &Path) -> io::Result<Option<Look>> {
    let lock_path = lock_file_of(path);
    let file = match open_stranger(&lock_path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    // Shared, and given back at once with the descriptor: a writer that tries meanwhile tries again.
    let held = match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => false,
        Err(Errno::WOULDBLOCK) => true,
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    file.take(SIZE).read_to_end(&mut bytes)?;
    let state = LockFile::parse(&bytes).map_err(|reason| unusable(&lock_path, reason))?;
    Ok(Some(Look { held, state }))
}
