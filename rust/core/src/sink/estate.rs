//! How a forked child finds the files of a sink.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::descriptor::Descriptor;

/// What a forked child inherits of a sink. It may have lost the right to open the files again when it logs.
#[derive(Debug)]
pub struct Estate {
    pub(super) path: PathBuf,
    pub(super) lock_path: CString,
    pub(super) log: Arc<Descriptor>,
    pub(super) lock: Arc<Descriptor>,
}

impl Estate {
    pub(super) fn new(path: &Path, lock_path: &Path) -> Self {
        // A path with a zero in it cannot be opened: it is enough that it is none.
        let lock_path = CString::new(lock_path.as_os_str().as_bytes()).unwrap_or_default();
        Self { path: path.into(), lock_path, log: Arc::default(), lock: Arc::default() }
    }

    /// The log file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lock file's path.
    pub(super) fn lock_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(self.lock_path.as_bytes()))
    }

    /// For the child's side of a fork: keeps the log, which is only appended to, and makes the lock file's
    /// descriptor one of its own. Allocates nothing and waits for nobody.
    pub fn pass_on(&self) {
        self.lock.reopen_in_child(&self.lock_path);
    }
}
