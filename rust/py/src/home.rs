//! Where the ring of this process is made, and how a run wants it.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use undergird_core::descriptor::Descriptor;
use undergird_core::directory::{SHARED_MEMORY, make_private, ring_directory};
use undergird_core::ringfile::{Owner, RingFile, RingMemory, Sizes};

use crate::durability::Fsync;
use crate::host::{boot_id, process_start, user, wall_ns};
use crate::overload::Overload;

/// How a run wants its ring.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the logs are; it names the folder of the rings.
    pub log_directory: PathBuf,
    /// The folder above the ring folders, if not shared memory.
    pub ring_base: Option<PathBuf>,
    /// Bytes of records in a ring.
    pub ring_size: usize,
    /// Bytes of records in the ring of a forked child.
    pub worker_ring_size: usize,
    /// Whether a line is in the file when the call returns.
    pub sync: bool,
    /// What happens when the ring is full.
    pub overload: Overload,
    /// When to ask the disk.
    pub fsync: Fsync,
}

/// Where a ring is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In a folder that was asked for, or in shared memory.
    Wanted,
    /// Beside the log, for want of room.
    BesideTheLog,
    /// In the heap: it does not outlive the process.
    Heap,
}

impl Placement {
    /// The word for it in `stats()`.
    pub fn word(self) -> &'static str {
        match self {
            Placement::Wanted => "wanted",
            Placement::BesideTheLog => "beside the log",
            Placement::Heap => "heap",
        }
    }
}

/// A ring and where it is.
pub struct Home {
    pub memory: RingMemory,
    /// Its file, if it has one.
    pub file: Option<RingFile>,
    pub placement: Placement,
    /// The file's lock, for the fork handler.
    pub lock: Arc<Descriptor>,
}

impl Home {
    /// Makes a ring where the settings want it, else beside the log, else in the heap.
    ///
    /// # Errors
    /// If the system has no random numbers, which name a ring.
    pub fn make(settings: &Settings, forked: bool) -> std::io::Result<Self> {
        let sizes = Sizes::of(if forked { settings.worker_ring_size } else { settings.ring_size });
        let owner = Owner {
            pid: std::process::id(),
            uid: user(),
            process_start: process_start(),
            created: wall_ns(),
            boot: boot_id(),
            log_directory: &settings.log_directory,
        };
        let lock = Arc::new(Descriptor::default());
        let wanted = settings.ring_base.clone().unwrap_or_else(|| SHARED_MEMORY.into());
        let beside = settings.log_directory.join(BESIDE);
        for (base, placement) in [(wanted, Placement::Wanted), (beside, Placement::BesideTheLog)] {
            if placement == Placement::BesideTheLog {
                let _ = std::fs::create_dir(&base);
            }
            let directory = ring_directory(&base, owner.uid, &settings.log_directory);
            let make = || {
                make_private(&directory, owner.uid)?;
                RingFile::create(&directory, sizes, &owner, &lock)
            };
            // Whoever removes the last ring of a folder removes the folder, perhaps between our two steps.
            let gone = |made: &std::io::Result<_>| matches!(made, Err(error) if error.kind() == ErrorKind::NotFound);
            let made = std::iter::repeat_with(make).take(8).find(|made| !gone(made));
            if let Some(Ok(file)) = made {
                return Ok(Self { memory: file.memory().clone(), file: Some(file), placement, lock });
            }
        }
        Ok(Self { memory: RingMemory::on_heap(sizes, &owner)?, file: None, placement: Placement::Heap, lock })
    }
}

/// The folder for rings in a log's own directory.
pub const BESIDE: &str = ".undergird";
