//! Where rings live: one private folder per user and log directory, in shared memory if there is room.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::lockfile::sum;

/// The shared memory of this machine, as a file system.
pub const SHARED_MEMORY: &str = "/dev/shm";

/// The folder for the rings of one user and log directory below `base`.
pub fn ring_directory(base: &Path, uid: u32, log_directory: &Path) -> PathBuf {
    let hash = sum(log_directory.as_os_str().as_bytes());
    base.join(format!("undergird-{uid}")).join(format!("{hash:016x}"))
}

/// Makes the folder, private, and checks that it and its parent are what they should be.
///
/// # Errors
/// If it cannot be made, is a symbolic link, belongs to somebody else, or others may write to it.
pub fn make_private(directory: &Path, uid: u32) -> io::Result<()> {
    if let Some(parent) = directory.parent() {
        make_one(parent, uid)?;
    }
    make_one(directory, uid)
}

fn make_one(directory: &Path, uid: u32) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(directory)?;
    let refuse = |why: &str| {
        let message = format!("{}: {why}", directory.display());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
    };
    if !found.is_dir() {
        return refuse("is not a directory (symbolic links are not followed)");
    }
    if found.uid() != uid {
        return refuse("belongs to another user");
    }
    if found.mode() & 0o022 != 0 {
        return refuse("may be written by others");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn uid() -> u32 {
        rustix::process::getuid().as_raw()
    }

    #[test]
    fn the_folder_is_private_and_may_be_there_already() {
        let base = tempfile::tempdir().unwrap();
        let directory = ring_directory(base.path(), uid(), Path::new("/var/log/sim"));
        make_private(&directory, uid()).unwrap();
        make_private(&directory, uid()).unwrap();
        assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
        assert_ne!(directory, ring_directory(base.path(), uid(), Path::new("/var/log/other")));
    }

    #[test]
    fn links_strangers_and_open_doors_are_refused() {
        let base = tempfile::tempdir().unwrap();
        let (real, link) = (base.path().join("real"), base.path().join("link"));
        make_private(&real, uid()).unwrap();
        symlink(&real, &link).unwrap();
        assert!(make_private(&link, uid()).is_err());
        assert!(make_private(&real, uid() + 1).is_err());
        fs::set_permissions(&real, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(make_private(&real, uid()).is_err());
    }
}
