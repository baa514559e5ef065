//! A log file that several processes append to, each record exactly once.
//!
//! One batch: lock, see that the file at the path is still ours, write the journal, append, commit the cursor,
//! unlock. The file and its lock file are reached through descriptors of our own that are checked before each
//! batch: one that somebody else closed or reused is forgotten, never written to.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, FileType, FlockOperation, OFlags, fallocate, flock, fstat, stat};
use rustix::io::Errno;

use crate::descriptor::{Descriptor, Held, identity};
use crate::lockfile::{Cursor, JOURNAL, Journal, LockFile, SIZE, SLOT, SLOTS, Stream, Unusable, VACANT};
use crate::ringfile::ids_in;

/// An open log file with its lock file.
#[derive(Debug)]
pub struct FileSink {
    path: PathBuf,
    lock_path: PathBuf,
    log: Option<Held>,
    lock: Option<Held>,
    lock_descriptor: Arc<Descriptor>,
    regular: bool,
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
        // One lock for a file, by whatever link it is reached.
        let target = fs::canonicalize(path);
        let lock_path = lock_path(target.as_deref().unwrap_or(path));
        Self { path: path.into(), lock_path, log: None, lock: None, lock_descriptor: Arc::default(), regular: true }
    }

    /// Whether it was a file that can be read back, when it was last locked; not, if it is a pipe or a device.
    pub fn is_regular(&self) -> bool {
        self.regular
    }

    /// The lock file's descriptor, for the fork handler: a child must not keep the lock of its parent alive.
    pub fn lock_descriptor(&self) -> &Arc<Descriptor> {
        &self.lock_descriptor
    }

    /// The log file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the lock. While another process holds it, `wait` is called before each new try; `None` when it says no.
    ///
    /// # Errors
    /// If the log or its lock file cannot be opened or read. A lock file of another program or of a later version
    /// is `InvalidData`.
    pub fn lock(&mut self, wait: &mut dyn FnMut() -> bool) -> io::Result<Option<Locked<'_>>> {
        loop {
            if self.lock.as_ref().is_none_or(|held| held.check().is_none()) {
                self.lock = None;
                self.lock = Some(Held::shown(open_lock(&self.lock_path)?, &self.lock_descriptor)?);
            }
            let held = self.lock.as_ref().expect("just opened");
            match flock(held.file().as_fd(), FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => {
                    if wait() {
                        continue;
                    }
                    return Ok(None);
                }
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            // The file may have been deleted, or moved with its directory: then other processes lock another
            // file, and ours protects nothing.
            if is_at(&self.lock_path, held) {
                break;
            }
            self.lock = None;
        }
        let mut locked = Locked { sink: self, state: LockFile::default(), size: 0, regular: true };
        locked.read_state()?;
        locked.come_back()?;
        Ok(Some(locked))
    }

    /// Sees to it that `log` is the file that is at the path now.
    fn open_log(&mut self) -> io::Result<()> {
        if self.log.as_ref().is_some_and(|held| held.check().is_some() && is_at(&self.path, held)) {
            return Ok(());
        }
        self.log = None;
        let mut options = OpenOptions::new();
        // A full pipe is an error like any other, not a reason to hang with the lock held.
        options.read(true).append(true).create(true).mode(0o666).custom_flags(OFlags::NONBLOCK.bits() as i32);
        let file = match options.open(&self.path) {
            // A pipe or device may be writable only.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                options.read(false).create(false).open(&self.path)?
            }
            other => other?,
        };
        self.log = Some(Held::new(file)?);
        Ok(())
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

/// Where the lock file of a log is: beside it, hidden.
pub fn lock_path(log: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(log.file_name().unwrap_or(OsStr::from_bytes(b"log")));
    name.push(".lock");
    log.with_file_name(name)
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
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o666).open(path)?;
    Ok(file)
}

/// A sink whose lock is held, until this value is dropped.
#[derive(Debug)]
pub struct Locked<'a> {
    sink: &'a mut FileSink,
    state: LockFile,
    size: u64,
    /// A pipe or a device cannot be read back: it gets no journal, and at least once instead of exactly once.
    regular: bool,
}

impl Locked<'_> {
    fn read_state(&mut self) -> io::Result<()> {
        let file = self.sink.lock_file();
        let mut bytes = vec![0; 4096];
        let mut filled = 0;
        loop {
            let count = file.read_at(&mut bytes[filled..], filled as u64)?;
            filled += count;
            let full = filled == bytes.len();
            // Slots are taken in order, so one at the end of what was read that was never used ends the search.
            if !full || filled as u64 >= SIZE || bytes[filled - SLOT as usize..] == [0; SLOT as usize] {
                break;
            }
            bytes.resize(bytes.len() * 2, 0);
        }
        bytes.truncate(filled);
        self.state = LockFile::parse(&bytes).map_err(|reason| {
            let why = match reason {
                Unusable::Foreign => "is not a lock file of undergird".into(),
                Unusable::Version(version) => format!("has format version {version}, which this version does not know"),
            };
            io::Error::new(ErrorKind::InvalidData, format!("{}: {why}", self.sink.lock_path.display()))
        })?;
        if filled < 16 || bytes[..16] == [0; 16] {
            // All blocks now, so that a full disk cannot keep us from saying what has been written.
            match fallocate(file, FallocateFlags::empty(), 0, SIZE) {
                Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
                Err(error) => return Err(error.into()),
            }
            file.write_all_at(&LockFile::header(), 0)?;
        }
        Ok(())
    }

    /// The batch that somebody, perhaps we, began and did not finish.
    pub fn open_journal(&self) -> Option<&Journal> {
        self.state.open_journal()
    }

    /// How far a stream has been written, if this log knows it.
    pub fn cursor(&self, stream: Stream) -> Option<u64> {
        self.state.cursor(stream).map(|(_, cursor)| cursor.position)
    }

    /// Whether the journal's file is the one at the path now.
    pub fn is_current(&self, journal: &Journal) -> bool {
        self.sink.log().identity() == (journal.device, journal.inode)
    }

    /// Turns to the file that a journal is about, until [`Locked::come_back`]: the one at the path, or one beside it
    /// under another name, for logs are moved away by programs that know nothing of the lock. Whether it could be
    /// found and opened.
    ///
    /// # Errors
    /// What `fstat` says.
    pub fn turn_to(&mut self, journal: &Journal) -> io::Result<bool> {
        if self.is_current(journal) {
            return Ok(true);
        }
        let directory = match self.sink.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let Ok(entries) = fs::read_dir(directory) else { return Ok(false) };
        for entry in entries.flatten().filter(|entry| entry.ino() == journal.inode) {
            if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                continue;
            }
            let Ok(file) = OpenOptions::new().read(true).append(true).open(entry.path()) else { continue };
            let held = Held::new(file)?;
            if held.identity() == (journal.device, journal.inode) {
                self.sink.log = Some(held);
                self.measure()?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Turns to the file at the path.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn come_back(&mut self) -> io::Result<()> {
        self.sink.open_log()?;
        self.measure()
    }

    fn measure(&mut self) -> io::Result<()> {
        let stat = fstat(self.sink.log().file().as_fd())?;
        self.size = stat.st_size as u64;
        self.regular = FileType::from_raw_mode(stat.st_mode).is_file();
        self.sink.regular = self.regular;
        Ok(())
    }

    /// The log file's path.
    pub fn path(&self) -> &Path {
        &self.sink.path
    }

    /// The log's size in bytes when it was locked or last appended to.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads up to `length` bytes of the log.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length.min(self.size.saturating_sub(offset) as usize)];
        let mut filled = 0;
        while filled < bytes.len() {
            match self.sink.log().file().read_at(&mut bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Appends a batch and commits it.
    ///
    /// # Errors
    /// If a write fails: nothing was committed, and the journal stays open if the log may have been touched.
    pub fn append(&mut self, origin: &Origin<'_>, bytes: &[u8]) -> io::Result<()> {
        let slot = self.slot(origin)?;
        let (device, inode) = self.sink.log().identity();
        let journal = Journal {
            stream: origin.stream,
            slot,
            pid: origin.pid,
            dictionary: origin.dictionary,
            from: origin.from,
            to: origin.to,
            device,
            inode,
            offset: self.size,
            length: bytes.len() as u64,
            stamp: origin.stamp,
            ring_path: origin.ring_path.as_os_str().as_bytes().to_vec(),
        };
        if self.regular {
            self.sink.lock_file().write_all_at(&journal.encode(), JOURNAL)?;
            self.state.journal = Some(journal);
        }
        self.write(bytes)?;
        self.commit(origin.stream, origin.to, origin.stamp)
    }

    /// Appends bytes to the log, without a journal.
    ///
    /// # Errors
    /// If the write fails; part of the bytes may have been written.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut left = bytes;
        while !left.is_empty() {
            match rustix::io::write(self.sink.log().file().as_fd(), left) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    left = &left[count..];
                    self.size += count as u64;
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Says that everything of a stream before `position` is in the log.
    ///
    /// # Errors
    /// If the lock file cannot be written.
    pub fn commit(&mut self, stream: Stream, position: u64, stamp: u64) -> io::Result<()> {
        let slot = self.state.cursor(stream).map_or_else(|| self.new_slot(), |(slot, _)| slot);
        self.store(slot, Some(Cursor { stream, position, stamp }))
    }

    fn new_slot(&self) -> u32 {
        self.state.free_slot().unwrap_or_else(|| {
            // Rings are in the directory of the last one, as far as can be known here.
            let last = self.state.journal.as_ref().map(|journal| Path::new(OsStr::from_bytes(&journal.ring_path)));
            let there = last.and_then(Path::parent).and_then(|directory| ids_in(directory).ok()).unwrap_or_default();
            self.state.stillest_slot(&|ring| there.contains(&ring[..8]))
        })
    }

    /// Closes an open journal without committing: its batch will be written again.
    ///
    /// # Errors
    /// If the lock file cannot be written.
    pub fn discard_journal(&mut self) -> io::Result<()> {
        if let Some(journal) = &mut self.state.journal {
            journal.length = 0;
            let bytes = journal.encode();
            self.sink.lock_file().write_all_at(&bytes, JOURNAL)?;
        }
        Ok(())
    }

    /// Gives the slot of a stream back whose ring is no more.
    ///
    /// # Errors
    /// If the lock file cannot be written.
    pub fn forget(&mut self, stream: Stream) -> io::Result<()> {
        let Some((slot, _)) = self.state.cursor(stream) else { return Ok(()) };
        if self.state.journal.as_ref().is_some_and(|journal| journal.stream == stream) {
            // Without its cursor it would look as if it had not been committed.
            self.discard_journal()?;
        }
        self.store(slot, None)
    }

    /// The stream's slot, taken now if it has none: a journal must not be open without a cursor to close it.
    fn slot(&mut self, origin: &Origin<'_>) -> io::Result<u32> {
        if let Some((slot, _)) = self.state.cursor(origin.stream) {
            return Ok(slot);
        }
        if self.state.free_slot().is_none() {
            // It may be about the stream that loses its slot now.
            self.discard_journal()?;
        }
        self.commit(origin.stream, origin.from, origin.stamp)?;
        Ok(self.state.cursor(origin.stream).map_or(0, |(slot, _)| slot))
    }

    fn store(&mut self, slot: u32, cursor: Option<Cursor>) -> io::Result<()> {
        let bytes = cursor.map_or(VACANT, |cursor| cursor.encode());
        self.sink.lock_file().write_all_at(&bytes, SLOTS + u64::from(slot) * SLOT)?;
        if self.state.cursors.len() <= slot as usize {
            self.state.cursors.resize(slot as usize + 1, None);
        }
        self.state.cursors[slot as usize] = cursor;
        Ok(())
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if let Some(held) = &self.sink.lock {
            let _ = flock(held.file().as_fd(), FlockOperation::Unlock);
        }
    }
}
