//! A ring as a file: its header, its creation, its ownership, and copies of other processes' rings.
//!
//! ```text
//! 0x000  magic · version u32 · byte order u32 · ring id 16 · boot id 16
//! 0x030  pid u32 · uid u32 · process start u64 · created u64 · dictionary at u64, bytes u64 · data at u64, bytes u64
//! 0x100  head    0x180  tail    0x200  dictionary length    0x280  written, failed    0x300  dropped, truncated
//! 0x400  the log directory, as text of at most 1,020 bytes
//! 0x1000 the dictionary, then the data
//! ```
//!
//! Whoever holds the lock (`flock`) on a ring's file drains it: its process while that lives, afterwards whoever
//! gets the lock. Process ids prove nothing, and are for people. The lock is on a descriptor of its own, because
//! a mapping keeps the descriptor that it was made from alive, in forked children too.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, FlockOperation, OFlags, fallocate, flock};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::descriptor::{Descriptor, Held};
use crate::lockfile::RingId;
use crate::record::Bytes;
use crate::region::Region;
use crate::ring::{CONTROL, HEAD, Ring, TAIL};
use crate::sync::Ordering;

/// The first bytes of a ring file.
pub const MAGIC: [u8; 8] = *b"UGRDRING";
/// The version of this layout.
pub const VERSION: u32 = 1;
const BYTE_ORDER: u32 = 0x0102_0304;

/// Offset of the dictionary's length. Written by the producer, after the entries.
pub const DICTIONARY: usize = 0x200;
/// Offset of the count of records written (the consumer's).
pub const WRITTEN: usize = 0x280;
/// Offset of the count of records that could not be written (the consumer's).
pub const FAILED: usize = 0x288;
/// Offset of the count of records refused (the producer's).
pub const DROPPED: usize = 0x300;
/// Offset of the count of records cut (the producer's).
pub const TRUNCATED: usize = 0x308;
const LOG_DIRECTORY: usize = 0x400;
const LONGEST_LOG_DIRECTORY: usize = 1020;

/// No ring file is larger; a longer file is not read.
pub const LARGEST: u64 = 1 << 30;

/// How a file is opened of which only the name is known: no link is followed, and no pipe waited for.
const STRANGER: i32 = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits() as i32;

/// How the names of ring files end.
pub const SUFFIX: &str = ".ring";
/// How the names of ring files in the making end.
pub const UNFINISHED: &str = ".ring-new";

/// Sizes of a ring, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// For records: a power of two.
    pub data: usize,
    /// For the dictionary: a multiple of 4096.
    pub dictionary: usize,
}

impl Sizes {
    /// For about `bytes` of records, and a sixteenth of it for the dictionary.
    pub fn of(bytes: usize) -> Self {
        let data = bytes.next_power_of_two().max(64 * 1024);
        Self { data, dictionary: (data / 16).max(16 * 1024) }
    }

    fn total(self) -> usize {
        CONTROL + self.dictionary + self.data
    }
}

/// Who makes a ring.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The process.
    pub pid: u32,
    /// The user.
    pub uid: u32,
    /// When the process started, in the kernel's ticks since boot.
    pub process_start: u64,
    /// Now, in nanoseconds since the epoch.
    pub created: u64,
    /// The kernel's boot id.
    pub boot: [u8; 16],
    /// Where the logs are.
    pub log_directory: &'a Path,
}

/// What the header of a ring says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingHeader {
    /// The ring's name for good.
    pub id: RingId,
    /// The boot in which it was made.
    pub boot: [u8; 16],
    /// The process that made it.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// When that process started, in ticks since boot.
    pub process_start: u64,
    /// When the ring was made, in nanoseconds since the epoch.
    pub created: u64,
    /// Where the logs are.
    pub log_directory: PathBuf,
    dictionary: (usize, usize),
    data: (usize, usize),
}

/// Why bytes are not a ring that can be read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotARing {
    /// They begin with something else.
    Foreign,
    /// A later version, or another byte order.
    Version(u32),
    /// The header contradicts itself or the file's size.
    Damaged(&'static str),
}

impl std::fmt::Display for NotARing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotARing::Foreign => f.write_str("not a ring file"),
            NotARing::Version(version) => {
                write!(f, "a ring of format version {version}, which this version does not know")
            }
            NotARing::Damaged(what) => write!(f, "a damaged ring: {what}"),
        }
    }
}

impl std::error::Error for NotARing {}

/// A ring in memory: this process's own, or a copy of another's.
#[derive(Clone, Debug)]
pub struct RingMemory {
    region: Arc<Region>,
    header: RingHeader,
    ring: Ring,
}

impl RingMemory {
    fn create(region: Region, id: RingId, sizes: Sizes, owner: &Owner<'_>) -> Self {
        let data = (CONTROL + sizes.dictionary, sizes.data);
        let header = RingHeader {
            id,
            boot: owner.boot,
            pid: owner.pid,
            uid: owner.uid,
            process_start: owner.process_start,
            created: owner.created,
            log_directory: owner.log_directory.into(),
            dictionary: (CONTROL, sizes.dictionary),
            data,
        };
        // SAFETY: nobody else knows the region yet.
        unsafe { region.write(0, &header.encode()) };
        let region = Arc::new(region);
        let ring = Ring::new(Arc::clone(&region), data.0, data.1);
        Self { region, header, ring }
    }

    /// A ring in the heap of this process, for want of a better place.
    pub fn on_heap(sizes: Sizes, owner: &Owner<'_>) -> io::Result<Self> {
        Ok(Self::create(Region::heap(sizes.total()), random_id()?, sizes, owner))
    }

    /// A ring from the bytes of a file.
    ///
    /// # Errors
    /// [`NotARing`] if it cannot be read here.
    pub fn copy_of(bytes: &[u8]) -> Result<Self, NotARing> {
        let header = RingHeader::parse(bytes)?;
        let region = Arc::new(Region::copy_of(bytes));
        let ring = Ring::new(Arc::clone(&region), header.data.0, header.data.1);
        let (head, tail) = (ring.head(), ring.tail());
        if tail > head || head - tail > ring.capacity() {
            return Err(NotARing::Damaged("its positions contradict each other"));
        }
        Ok(Self { region, header, ring })
    }

    /// What the header says.
    pub fn header(&self) -> &RingHeader {
        &self.header
    }

    /// The records.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// One of the counters named by this module's offsets.
    pub fn counter(&self, offset: usize) -> u64 {
        self.region.atomic(offset).load(Ordering::Relaxed)
    }

    /// Sets a counter; each has one writer.
    #[inline]
    pub fn set_counter(&self, offset: usize, value: u64) {
        self.region.atomic(offset).store(value, Ordering::Relaxed);
    }

    /// Adds to a counter; each has one writer.
    #[inline]
    pub fn add(&self, offset: usize, count: u64) {
        let counter = self.region.atomic(offset);
        counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
    }

    /// The dictionary's bytes from `read` on.
    pub fn dictionary(&self, read: usize) -> &[u8] {
        let (at, capacity) = self.header.dictionary;
        // ORDERING: Acquire pairs with the Release in `append_to_dictionary`: the entries are seen.
        let length = (self.region.atomic(DICTIONARY).load(Ordering::Acquire) as usize).min(capacity);
        // SAFETY: entries before the published length are never written again.
        unsafe { self.region.bytes(at + read.min(length), length - read.min(length)) }
    }

    /// Appends an entry to the dictionary; `false` if it does not fit into what `reserve` bytes leave.
    ///
    /// # Safety
    /// Only the producer calls this, one thread at a time.
    pub unsafe fn append_to_dictionary(&self, entry: &[u8], reserve: usize) -> bool {
        let (at, capacity) = self.header.dictionary;
        let length = self.region.atomic(DICTIONARY).load(Ordering::Relaxed) as usize;
        if length + entry.len() + reserve > capacity {
            return false;
        }
        // SAFETY: behind the published length, where readers do not look; we are the only writer.
        unsafe { self.region.write(at + length, entry) };
        // ORDERING: Release pairs with the Acquire in `dictionary`.
        self.region.atomic(DICTIONARY).store((length + entry.len()) as u64, Ordering::Release);
        true
    }
}

impl RingHeader {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(CONTROL);
        out.extend_from_slice(&MAGIC);
        for word in [VERSION, BYTE_ORDER] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&self.id);
        out.extend_from_slice(&self.boot);
        for word in [self.pid, self.uid] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        let places = [self.dictionary.0, self.dictionary.1, self.data.0, self.data.1].map(|place| place as u64);
        for word in [self.process_start, self.created].into_iter().chain(places) {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.resize(LOG_DIRECTORY, 0);
        let path = self.log_directory.as_os_str().as_bytes();
        let path = if path.len() <= LONGEST_LOG_DIRECTORY { path } else { &[] };
        out.extend_from_slice(&(path.len() as u32).to_le_bytes());
        out.extend_from_slice(path);
        out
    }

    /// Reads and checks a header; `bytes` is the whole file.
    ///
    /// # Errors
    /// [`NotARing`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NotARing> {
        let short = |_| NotARing::Damaged("it is too short");
        let mut rest = Bytes(bytes);
        if rest.array::<8>().map_err(|_| NotARing::Foreign)? != MAGIC {
            return Err(NotARing::Foreign);
        }
        let (version, order) = (rest.u32().map_err(short)?, rest.u32().map_err(short)?);
        if version != VERSION || order != BYTE_ORDER {
            return Err(NotARing::Version(version));
        }
        if bytes.len() < CONTROL {
            return Err(NotARing::Damaged("it is too short"));
        }
        let id = rest.array().map_err(short)?;
        let boot = rest.array().map_err(short)?;
        let (pid, uid) = (rest.u32().map_err(short)?, rest.u32().map_err(short)?);
        let (process_start, created) = (rest.u64().map_err(short)?, rest.u64().map_err(short)?);
        let mut place = || rest.u64().ok().and_then(|place| usize::try_from(place).ok()).unwrap_or(usize::MAX);
        let dictionary = (place(), place());
        let data = (place(), place());
        let fits = |(at, length): (usize, usize)| {
            at >= CONTROL && at.checked_add(length).is_some_and(|end| end <= bytes.len())
        };
        if !fits(dictionary) || !fits(data) || !data.1.is_power_of_two() || data.1 < 128 || !data.0.is_multiple_of(8) {
            return Err(NotARing::Damaged("its parts do not lie in the file"));
        }
        let mut rest = Bytes(&bytes[LOG_DIRECTORY..CONTROL]);
        let log_directory = rest.text().map_err(|_| NotARing::Damaged("its log directory is cut"))?;
        let log_directory = PathBuf::from(std::ffi::OsStr::from_bytes(log_directory));
        Ok(Self { id, boot, pid, uid, process_start, created, log_directory, dictionary, data })
    }
}

/// The ring of this process, in a file that outlives it.
#[derive(Debug)]
pub struct RingFile {
    memory: RingMemory,
    path: PathBuf,
    // Held for its lock: while it is open, nobody else drains this ring.
    lock: Held,
}

impl RingFile {
    /// Makes a ring file in a directory: allocated, faulted in and locked before it appears under its name.
    ///
    /// # Errors
    /// What the file system says; a full one says so here, and not by a signal later.
    pub fn create(directory: &Path, sizes: Sizes, owner: &Owner<'_>, descriptor: &Arc<Descriptor>) -> io::Result<Self> {
        let mut tries = 10;
        loop {
            let id = random_id()?;
            let stem = format!("{}-{}", owner.pid, name_of(&id));
            let unfinished = directory.join(format!("{stem}{UNFINISHED}"));
            let path = directory.join(format!("{stem}{SUFFIX}"));
            let made = Self::create_unfinished(&unfinished, id, sizes, owner, descriptor)
                .and_then(|(memory, lock)| fs::rename(&unfinished, &path).map(|()| (memory, lock)));
            match made {
                Ok((memory, lock)) => return Ok(Self { memory, path, lock }),
                // Before it was locked, somebody may have taken it for the rest of a dead process.
                Err(error)
                    if tries > 0 && matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::WouldBlock) =>
                {
                    tries -= 1;
                    let _ = fs::remove_file(&unfinished);
                }
                Err(error) => {
                    let _ = fs::remove_file(&unfinished);
                    return Err(error);
                }
            }
        }
    }

    fn create_unfinished(
        path: &Path,
        id: RingId,
        sizes: Sizes,
        owner: &Owner<'_>,
        descriptor: &Arc<Descriptor>,
    ) -> io::Result<(RingMemory, Held)> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        let lock = Held::shown(File::open(path)?, descriptor)?;
        flock(lock.file().as_fd(), FlockOperation::NonBlockingLockExclusive)?;
        match fallocate(&file, FallocateFlags::empty(), 0, sizes.total() as u64) {
            Ok(()) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                let zeros = vec![0; 1 << 16];
                let mut at = 0;
                while at < sizes.total() {
                    let count = zeros.len().min(sizes.total() - at);
                    file.write_all_at(&zeros[..count], at as u64)?;
                    at += count;
                }
            }
            Err(error) => return Err(error.into()),
        }
        let region = Region::map(&file, sizes.total())?;
        Ok((RingMemory::create(region, id, sizes, owner), lock))
    }

    /// The ring.
    pub fn memory(&self) -> &RingMemory {
        &self.memory
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is still at its path.
    pub fn is_there(&self) -> bool {
        self.lock.check().is_some_and(|stat| stat.st_nlink > 0)
    }

    /// Removes the file: nothing in it is needed any more.
    pub fn remove(&self) {
        let _ = remove(&self.path);
    }
}

/// A ring file of which we hold the lock: its owner is dead, or has let go of it.
#[derive(Debug)]
pub struct Orphan {
    path: PathBuf,
    lock: File,
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
    /// Tries to take a ring file over.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn adopt(path: &Path) -> io::Result<Adoption> {
        let lock = match OpenOptions::new().read(true).write(true).custom_flags(STRANGER).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Adoption::Gone),
            other => other?,
        };
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(Adoption::Held),
            Err(error) => return Err(error.into()),
        }
        if lock.metadata()?.nlink() == 0 {
            return Ok(Adoption::Gone);
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
        read_whole(&self.lock)
    }

    /// Removes the file: everything in it has been written.
    ///
    /// # Errors
    /// What the file system says.
    pub fn remove(self) -> io::Result<()> {
        remove(&self.path)
    }
}

/// Removes a ring's file, and its folder if that was the last one.
fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    if let Some(folder) = path.parent() {
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// Reads another process's ring file as it is now.
///
/// # Errors
/// If it cannot be read or is no ring (`InvalidData`).
pub fn snapshot(path: &Path) -> io::Result<RingMemory> {
    let file = OpenOptions::new().read(true).custom_flags(STRANGER).open(path)?;
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

/// The part of a ring file's name that comes from its id.
fn name_of(id: &RingId) -> String {
    format!("{:016x}", u64::from_le_bytes(*id.first_chunk().expect("16 bytes")))
}

/// The first eight bytes of the ids of the rings in a directory, as their names tell them.
///
/// # Errors
/// If the directory cannot be read.
pub fn ids_in(directory: &Path) -> io::Result<HashSet<[u8; 8]>> {
    let id_of = |name: &str| {
        let (_, id) = name.strip_suffix(SUFFIX)?.split_once('-')?;
        Some(u64::from_str_radix(id, 16).ok()?.to_le_bytes())
    };
    Ok(fs::read_dir(directory)?.flatten().filter_map(|entry| id_of(entry.file_name().to_str()?)).collect())
}

fn random_id() -> io::Result<RingId> {
    let mut id = [0; 16];
    getrandom(&mut id, GetRandomFlags::empty())?;
    Ok(id)
}
