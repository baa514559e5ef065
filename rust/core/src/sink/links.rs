//! Symbolic links by which a log is reached.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{PROC_SUPER_MAGIC, statfs};

use crate::rotation::Rotation;

/// A path, and where its links lead: to another link each, and the last one to what is none.
fn names_of(path: &Path) -> impl Iterator<Item = PathBuf> {
    let next = |name: &PathBuf| Some(name.parent().unwrap_or(Path::new("")).join(fs::read_link(name).ok()?));
    // As many links as the kernel follows.
    std::iter::successors(Some(path.to_path_buf()), next).take(41)
}

/// Where the links lead that a path may be.
pub(crate) fn target_of(path: &Path) -> PathBuf {
    names_of(path).last().unwrap_or_default()
}

/// What is put aside when the log at a path is: the file, not a link to it, for who comes by the link would find another
/// file there, with another lock.
///
/// # Errors
/// If it is somebody's open file, as `/dev/stdout` may be: wherever that is moved, the path leads to it.
pub(crate) fn movable(path: &Path) -> io::Result<PathBuf> {
    if names_of(path).any(|name| name.parent().is_some_and(is_in_proc)) {
        return Err(io::Error::other(format!(
            "{} is a file that was opened by others; name it itself",
            path.display()
        )));
    }
    Ok(target_of(path))
}

fn is_in_proc(directory: &Path) -> bool {
    statfs(directory).is_ok_and(|found| found.f_type == PROC_SUPER_MAGIC)
}

/// Whether rules put the log at a path aside under a name of another, or of a link by which that is reached.
pub fn puts_aside_as(log: &Path, rules: &Rotation, other: &Path) -> bool {
    movable(log).is_ok_and(|log| names_of(other).any(|name| rules.names.give(&log, &name)))
}
