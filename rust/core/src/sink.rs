//! A log file that several processes append to, each record exactly once.
//!
//! One batch: lock, see that the file at the path is still ours, write the journal, append, commit the cursor,
//! unlock. The file and its lock file are reached through descriptors of our own that are checked before each
//! batch: one that somebody else closed or reused is forgotten, never written to.
//!
//! A pipe or a device cannot be read back. It gets no lock file and no journal, and each record at least once; the
//! kernel keeps lines of up to 4 KiB whole. A pipe that nobody reads cannot be opened, or written to: its records wait.
//!
//! A handler's file is written through what the handler has opened. Its lock file is beside the ring: nothing is made
//! beside a log of somebody else's.

mod estate;
mod handed;
mod known;
mod links;
mod locked;
mod look;
mod trial;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, FileType, FlockOperation, OFlags, Stat, fallocate, flock, fstat, stat};
use rustix::io::Errno;

use crate::descriptor::{Descriptor, Held, identity, open_apart};
use crate::lockfile::{LockFile, SIZE, SLOT, Stream, Unusable};

pub use estate::Estate;
pub use handed::Handed;
use known::Known;
pub use links::puts_aside_as;
pub(crate) use links::{movable, target_of};
pub use locked::Locked;
pub use look::{Look, look};
pub use trial::Made;

/// Bytes of a lock file in which most logs find all their slots.
const PAGE: usize = 4096;

/// An open log file with its lock file.
#[derive(Debug)]
pub struct FileSink {
    log: Option<Arc<Held>>,
    lock: Option<Held>,
    /// Whether it could be read back when it was last locked.
    regular: bool,
    known: Known,
    estate: Arc<Estate>,
    /// Where it is lent, if it is a handler's, and its device and inode.
    handed: Option<(Arc<Handed>, (u64, u64))>,
}

/// Where a batch comes from, and what it takes to format it again.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The ring and the sink.
    pub stream: Stream,
    /// Where the ring's file is; empty if it has none.
    pub ring_path: &'a Path,
    /// Bytes of the ring's dictionary that were known.
    pub dictionary: u32,
    /// Position of the first record.
    pub from: u64,
    /// Position behind the last.
    pub to: u64,
    /// This process.
    pub pid: u32,
    /// Now, in nanoseconds since the epoch.
    pub stamp: u64,
}

impl FileSink {
    /// A sink for the file at `path`; files are opened at the first lock.
    pub fn new(path: &Path) -> Self {
        let lock_path = lock_file_of(path);
        let estate = Arc::new(Estate::new(path, &lock_path));
        Self { log: None, lock: None, regular: true, known: Known::default(), estate, handed: None }
    }

    /// A sink for a file that a handler has open. `lock` is where its lock file is; empty if there is none to be, because
    /// the ring ends with its process. A forked child closes its copy of it by the `descriptor`.
    pub fn of_handler(
        path: &Path,
        identity: (u64, u64),
        lent: Arc<Handed>,
        lock: &Path,
        descriptor: Arc<Descriptor>,
    ) -> Self {
        let estate = Estate { lock: descriptor, ..Estate::new(path, lock) };
        Self { estate: Arc::new(estate), handed: Some((lent, identity)), ..Self::new(path) }
    }

    /// What is lent of it, if it is a handler's.
    pub fn lent(&self) -> Option<&Handed> {
        self.handed.as_ref().map(|(lent, _)| &**lent)
    }

    /// Removes the lock file, whose ring is no more.
    pub(crate) fn remove_lock(&mut self) {
        self.lock = None;
        let path = self.estate.lock_path();
        let _ = fs::remove_file(path);
        // The ring's folder, if that was the last one in it.
        let _ = path.parent().map(fs::remove_dir);
    }

    /// A sink for the file that a parent left to this process.
    pub fn inherited(from: &Estate) -> Self {
        let estate = Estate::new(from.path(), from.lock_path());
        let (log, lock) = (Held::inherited(&from.log, &estate.log), Held::inherited(&from.lock, &estate.lock));
        Self {
            log: log.map(Arc::new),
            lock,
            regular: true,
            known: Known::default(),
            estate: Arc::new(estate),
            handed: None,
        }
    }

    /// Whether it is a file that can be read back now, as one that is not there yet will be; not, if it is a pipe or
    /// a device.
    pub fn is_regular(&self) -> bool {
        if self.handed.is_some() {
            return !self.estate.lock_path.is_empty();
        }
        !stat(self.path()).is_ok_and(|stat| !is_file(&stat))
    }

    /// What a forked child inherits, for the fork handler.
    pub fn estate(&self) -> &Arc<Estate> {
        &self.estate
    }

    /// The log file's path.
    pub fn path(&self) -> &Path {
        self.estate.path()
    }

    /// Takes the lock. While another process holds it, `wait` is called before each new try; `None` when it says no.
    ///
    /// # Errors
    /// If the log or its lock file cannot be opened or read. A lock file of another program or of a later version
    /// is `InvalidData`.
    pub fn lock(&mut self, wait: &mut dyn FnMut() -> bool) -> io::Result<Option<Locked<'_>>> {
        let size = loop {
            self.regular = self.is_regular();
            if self.regular {
                match self.take_lock(wait) {
                    Ok(true) => {}
                    Ok(false) => return Ok(None),
                    // Without one it is written at least once.
                    Err(_) if self.handed.is_some() => self.regular = false,
                    Err(error) => return Err(error),
                }
            }
            if self.handed.is_some() && self.regular && self.read_lock_file().is_err() {
                self.unlock();
                self.regular = false;
            }
            match self.look() {
                Ok(Some(size)) => break size,
                // It became another kind of file meanwhile.
                Ok(None) => self.unlock(),
                Err(error) => {
                    self.unlock();
                    return Err(error);
                }
            }
        };
        Ok(Some(Locked::new(self, size)))
    }

    /// Takes the lock like [`FileSink::lock`], for a call that waits for its line: the two looks at paths would cost it
    /// more than all the rest. They are left out for a millisecond, while the lock file is as it was left: whoever puts
    /// the log aside says so there. A log that others move away may get lines for so long.
    ///
    /// # Errors
    /// As [`FileSink::lock`].
    pub fn lock_in_haste(&mut self, now: u64, wait: &mut dyn FnMut() -> bool) -> io::Result<Option<Locked<'_>>> {
        if let Some(size) = self.take_fresh_lock(now) {
            return Ok(Some(Locked::new(self, size).again()));
        }
        let locked = self.lock(wait)?;
        Ok(locked.map(|locked| locked.looked(now)))
    }

    /// Takes the lock if it is free and everything is as it was left; the log's size.
    fn take_fresh_lock(&mut self, now: u64) -> Option<u64> {
        if self.handed.is_some() || !self.is_fresh(now) {
            return None;
        }
        let lock = self.lock.as_ref().filter(|held| held.check().is_some())?;
        flock(lock.file().as_fd(), FlockOperation::NonBlockingLockExclusive).ok()?;
        let known = self.read_lock_file().unwrap_or(false);
        let stat = self.log.as_ref().and_then(|held| held.check()).filter(|_| known);
        if stat.is_none() {
            self.unlock();
        }
        Some(stat?.st_size as u64)
    }

    /// Whether the paths were looked at a moment ago; then it is what it was, in haste.
    pub fn is_fresh(&self, now: u64) -> bool {
        self.regular && self.known.is_fresh(now)
    }

    /// Whether others may think that a batch is unfinished which is whole, and it is time to tell them.
    pub fn owes(&self, now: u64) -> bool {
        self.known.owed.is_some() && !self.is_fresh(now)
    }

    /// What the lock file says becomes known; the log's size, or `None` if it is another kind of file than was thought.
    fn look(&mut self) -> io::Result<Option<u64>> {
        if self.regular {
            self.read_lock_file()?;
        } else {
            self.known = Known::default();
        }
        let stat = self.open_log()?;
        Ok((self.handed.is_some() || is_file(&stat) == self.regular).then_some(stat.st_size as u64))
    }

    fn unlock(&mut self) {
        if self.handed.is_some() {
            // What is taken back is closed at once.
            self.log = None;
        }
        if let Some(held) = &self.lock {
            let _ = flock(held.file(), FlockOperation::Unlock);
        }
    }

    /// Takes the lock file's lock, as [`FileSink::lock`]; whether it has been taken.
    fn take_lock(&mut self, wait: &mut dyn FnMut() -> bool) -> io::Result<bool> {
        loop {
            if self.lock.as_ref().is_none_or(|held| held.check().is_none()) {
                self.lock = None;
                self.lock = Some(Held::shown(open_lock(self.estate.lock_path())?, &self.estate.lock)?);
            }
            let held = self.lock.as_ref().expect("just opened");
            match flock(held.file().as_fd(), FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => {
                    if wait() {
                        continue;
                    }
                    return Ok(false);
                }
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            // The file may have been deleted, or moved with its directory: then other processes lock another
            // file, and ours protects nothing.
            if is_at(self.estate.lock_path(), held) {
                return Ok(true);
            }
            self.lock = None;
        }
    }

    /// Reads the lock file; whether it is as it was left.
    fn read_lock_file(&mut self) -> io::Result<bool> {
        let file = self.lock.as_ref().expect("the lock file is open while the lock is held").file();
        let mut page = [0; PAGE];
        let mut filled = file.read_at(&mut page, 0)?;
        let mut whole = Vec::new();
        // Slots are taken in order, so one at the end of what was read that was never used ends the search.
        if filled == PAGE && page[PAGE - SLOT as usize..] != [0; SLOT as usize] {
            whole = vec![0; SIZE as usize];
            filled = file.read_at(&mut whole, 0)?;
        }
        let bytes = if whole.is_empty() { &page[..filled] } else { &whole[..filled] };
        let known = self.known.update(bytes).map_err(|reason| unusable(self.estate.lock_path(), reason))?;
        if filled < 16 || bytes[..16] == [0; 16] {
            // All blocks now, so that a full disk cannot keep us from saying what has been written.
            match fallocate(file, FallocateFlags::empty(), 0, SIZE) {
                Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
                Err(error) => return Err(error.into()),
            }
            file.write_all_at(&LockFile::header(), 0)?;
            self.known.forget();
        }
        Ok(known)
    }

    /// Sees to it that `log` is the file that is at the path now; its state.
    fn open_log(&mut self) -> io::Result<Stat> {
        if let Some((lent, identity)) = &self.handed {
            let held = match lent.file(*identity) {
                Some(held) => held,
                None => Arc::new(handed::reopen(self.path(), *identity)?),
            };
            let stat = fstat(held.file())?;
            self.log = Some(held);
            return Ok(stat);
        }
        if let Some(held) = self.log.as_ref().filter(|held| is_at(self.path(), held))
            && let Some(stat) = held.check()
        {
            return Ok(stat);
        }
        self.log = None;
        let mut options = OpenOptions::new();
        // A full pipe is an error like any other, not a reason to hang with the lock held.
        // Who opens a pipe for reading too is a reader of it: what nobody else reads would count as written.
        options.read(self.regular).append(true).create(true).mode(0o666).custom_flags(OFlags::NONBLOCK.bits() as i32);
        let file = match open_apart(&options, self.path()) {
            // It may be for writing only.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                open_apart(options.read(false).create(false), self.path())?
            }
            other => other?,
        };
        let held = self.log.insert(Arc::new(Held::shown(file, &self.estate.log)?));
        Ok(fstat(held.file())?)
    }

    fn log(&self) -> &Held {
        self.log.as_ref().expect("the log is open while the lock is held")
    }

    fn lock_file(&self) -> &File {
        self.lock.as_ref().expect("the lock file is open while the lock is held").file()
    }

    /// Asks the disk to have everything that was appended.
    ///
    /// # Errors
    /// What `fdatasync` says.
    pub fn sync(&self) -> io::Result<()> {
        self.log.as_ref().map_or(Ok(()), |held| held.file().sync_data())
    }
}

/// The lock file of the log at a path: one for a file, by whatever link it is reached and before it is there.
pub(crate) fn lock_file_of(path: &Path) -> PathBuf {
    lock_path(&target_of(path))
}

fn unusable(lock_path: &Path, reason: Unusable) -> io::Error {
    let why = match reason {
        Unusable::Foreign => "is not a lock file of undergird; move it away".into(),
        Unusable::Version(version) => format!("has format version {version}, which this version does not know"),
    };
    io::Error::new(ErrorKind::InvalidData, format!("{} {why}", lock_path.display()))
}

/// Where the lock file of a log is: beside it, hidden.
pub fn lock_path(log: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(log.file_name().unwrap_or(OsStr::from_bytes(b"log")));
    name.push(".lock");
    log.with_file_name(name)
}

/// Whether it is a file that can be read back.
fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode).is_file()
}

/// Whether a file that we hold is still the one at its path.
fn is_at(path: &Path, held: &Held) -> bool {
    match stat(path) {
        Ok(stat) => identity(&stat) == held.identity(),
        // A process that has lost the right to look there keeps what it has.
        Err(error) => matches!(error, Errno::ACCESS | Errno::PERM),
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o666);
    // When it was read is nobody's concern, and to note it costs more than to read it. Its owner only may say so.
    match open_apart(options.custom_flags(OFlags::NOATIME.bits() as i32), path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => open_apart(options.custom_flags(0), path),
        other => other,
    }
}
