//! Rings of other processes: taken over when their owners are dead, looked at while they live.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::{LARGEST, PID, RingMemory, remove};
use crate::descriptor::{Descriptor, Held, open_apart};
use crate::ring::{CONTROL, HEAD, TAIL};

/// How a file is opened of which only the name is known: no link is followed, and no pipe waited for.
const STRANGER: i32 = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits() as i32;

/// A ring file of which we hold the lock: its owner is dead, or has let go of it.
#[derive(Debug)]
pub struct Orphan {
    path: PathBuf,
    lock: Held,
}

/// What became of the attempt to take a ring file over.
#[derive(Debug)]
pub enum Adoption {
    /// It is ours to drain.
    Adopted(Orphan),
    /// Its process lives, or somebody else is draining it.
    Held,
    /// Somebody else has drained and removed it meanwhile.
    Gone,
}

impl Orphan {
    /// Tries to take a ring file over. A forked child closes its copy of the `descriptor`.
    ///
    /// # Errors
    /// If it cannot be opened, or belongs to another user: what it says would be done with our rights.
    pub fn adopt(path: &Path, descriptor: &Arc<Descriptor>) -> io::Result<Adoption> {
        let file = match open_apart(OpenOptions::new().read(true).write(true).custom_flags(STRANGER), path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Adoption::Gone),
            other => other?,
        };
        let owner = file.metadata()?.uid();
        if owner != geteuid().as_raw() {
            let message = format!("it belongs to user {owner}, who alone can recover it");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        let lock = Held::shown(file, descriptor)?;
        match flock(lock.file(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(Adoption::Held),
            Err(error) => return Err(error.into()),
        }
        if lock.file().metadata()?.nlink() == 0 {
            return Ok(Adoption::Gone);
        }
        if is_in_use(path, lock.file()) {
            return Ok(Adoption::Held);
        }
        Ok(Adoption::Adopted(Self { path: path.into(), lock }))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its bytes.
    ///
    /// # Errors
    /// If they cannot be read, or are more than any ring has.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        read_whole(self.lock.file())
    }

    /// Brings a part of the file up to date with a copy of it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn keep(&self, copy: &RingMemory, part: Range<usize>) -> io::Result<()> {
        // SAFETY: a copy is this process's own, and whoever changes it has done so.
        let bytes = unsafe { copy.region.bytes(part.start, part.len()) };
        self.lock.file().write_all_at(bytes, part.start as u64)
    }

    /// Removes the file: everything in it has been written.
    ///
    /// # Errors
    /// What the file system says.
    pub fn remove(self) -> io::Result<()> {
        remove(&self.path)
    }
}

/// Whether the process that made a ring still has it in its memory: somebody closed the descriptor that held the lock,
/// as daemonizers do, and its process, which will notice, has not got so far. Where the system does not say, it has not.
fn is_in_use(path: &Path, ring: &File) -> bool {
    let mut pid = [0; 4];
    let Some(name) = path.file_name().filter(|_| ring.read_exact_at(&mut pid, PID).is_ok()) else { return false };
    let maps = fs::read(format!("/proc/{}/maps", u32::from_le_bytes(pid))).unwrap_or_default();
    // The name has the ring's random id in it, and a child that was forked from that process has another number.
    memchr::memmem::find(&maps, name.as_bytes()).is_some()
}

/// Reads another process's ring file as it is now.
///
/// # Errors
/// If it cannot be read or is no ring (`InvalidData`).
pub fn snapshot(path: &Path) -> io::Result<RingMemory> {
    let file = open_stranger(path)?;
    // Its process may be writing. The positions come first, so that what they promise is there when the rest is
    // read; and `tail` after `head`, so that they are never further apart than the ring is long.
    let word = |at: usize| -> io::Result<u64> {
        let mut bytes = [0; 8];
        match file.read_exact_at(&mut bytes, at as u64) {
            // Too short to be a ring: the header says so in better words.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            other => other.map(|()| u64::from_le_bytes(bytes)),
        }
    };
    let head = word(HEAD)?;
    let tail = word(TAIL)?.min(head);
    let mut bytes = read_whole(&file)?;
    if bytes.len() >= CONTROL {
        bytes[TAIL..TAIL + 8].copy_from_slice(&tail.to_le_bytes());
        bytes[HEAD..HEAD + 8].copy_from_slice(&head.to_le_bytes());
    }
    RingMemory::copy_of(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Opens a file of which only the name is known, for reading.
///
/// # Errors
/// What the file system says; also if it is a link.
pub(crate) fn open_stranger(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(STRANGER).open(path)
}

fn read_whole(file: &File) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    if size > LARGEST {
        let message = format!("{size} bytes are more than a ring file has ({LARGEST})");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut bytes = vec![0; size as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
