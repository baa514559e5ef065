//! A ring as a file: its header, its creation, its ownership, and copies of other processes' rings.
//!
//! ```text
//! 0x000  magic · version u32 · byte order u32 · ring id 16 · boot id 16
//! 0x030  pid u32 · uid u32 · process start u64 · created u64 · dictionary at u64, bytes u64 · data at u64, bytes u64
//! 0x100  head    0x180  tail    0x200  dictionary length    0x208  accounts    0x308  truncated
//! 0x310  calls of the standard library's loggers
//! 0x400  the log directory, as text of at most 1,020 bytes    0x800  what was refused and is untold
//! 0x1000 the dictionary, and from its end downwards the accounts; then the data
//! ```
//!
//! Whoever holds the lock (`flock`) on a ring's file drains it: its process while that lives, afterwards whoever
//! gets the lock. Process ids prove nothing, and are for people. The lock is on a descriptor of its own, because
//! a mapping keeps the descriptor that it was made from alive, in forked children too.

mod account;
mod calls;
mod header;
mod look;
mod refusals;
mod stranger;

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::descriptor::{Descriptor, Held, open_apart};
use crate::dictionary::Entry;
use crate::dictionary_memory::DictionaryMemory;
use crate::lockfile::RingId;
use crate::region::Region;
use crate::ring::{CONTROL, Ring};
use crate::sync::Ordering;

pub use account::Account;
pub use calls::CALL_COUNTS;
pub use header::{NotARing, RingHeader};
pub use look::{Look, look};
pub use refusals::{ANY_LEVEL, Refused};
pub(crate) use stranger::open_stranger;
pub use stranger::{Adoption, Orphan, snapshot};

/// The first bytes of a ring file.
pub const MAGIC: [u8; 8] = *b"UGRDRING";
/// The version of this layout, of the dictionary's entries and of records: the first that is released. Whatever changes
/// them from then on is another version.
pub const VERSION: u32 = 1;
const BYTE_ORDER: u32 = 0x0102_0304;

/// Offset of the count of records cut (the producer's).
pub const TRUNCATED: usize = 0x308;
const PID: u64 = 0x30;
const LOG_DIRECTORY: usize = 0x400;
const LONGEST_LOG_DIRECTORY: usize = 1020;

/// No ring file is larger; a longer file is not read.
pub const LARGEST: u64 = 1 << 30;

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

/// A ring in memory: this process's own, or a copy of another's.
#[derive(Clone, Debug)]
pub struct RingMemory {
    region: Arc<Region>,
    header: RingHeader,
    dictionary: DictionaryMemory,
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
        Self::of(Arc::new(region), header)
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
        let memory = Self::of(Arc::new(Region::copy_of(bytes)), header);
        let (head, tail) = (memory.ring.head(), memory.ring.tail());
        if tail > head || head - tail > memory.ring.capacity() {
            return Err(NotARing::Damaged("its positions contradict each other"));
        }
        Ok(memory)
    }

    fn of(region: Arc<Region>, header: RingHeader) -> Self {
        let dictionary = DictionaryMemory::new(Arc::clone(&region), header.dictionary.0, header.dictionary.1);
        let ring = Ring::new(Arc::clone(&region), header.data.0, header.data.1);
        Self { region, header, dictionary, ring }
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
        self.dictionary.entries(read)
    }

    /// Appends an entry to the dictionary, and opens its account if it is a route or a sink; `false` if it does not fit
    /// into what `reserve` bytes leave.
    ///
    /// # Safety
    /// Only the producer calls this, one thread at a time.
    pub unsafe fn append_to_dictionary(&self, entry: &Entry, reserve: usize) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.dictionary.append(&entry.encode(), entry.has_account(), reserve) }
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
                    // It may have been made for this ring.
                    let _ = fs::remove_dir(directory);
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
        let file = open_apart(OpenOptions::new().read(true).write(true).create_new(true).mode(0o600), path)?;
        let lock = Held::shown(open_apart(OpenOptions::new().read(true), path)?, descriptor)?;
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

/// Removes a ring's file, and its folder if that was the last one.
fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    if let Some(folder) = path.parent() {
        let _ = fs::remove_dir(folder);
    }
    Ok(())
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
