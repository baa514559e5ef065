//! Writes what dead processes left behind.

use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::announcement::{Announcement, due};
use crate::batch::{Source, remove_all_spills};
use crate::descriptor::Descriptor;
use crate::lockfile::{LockFile, SLOTS};
use crate::ring::{Producer, TAIL};
use crate::ringfile::{Adoption, NotARing, Orphan, RingHeader, RingMemory, SUFFIX, UNFINISHED, open_stranger};
use crate::writer::{Host, LOCK, Writer};

/// What was found in one ring file, and what became of it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// Its header, if it is a ring.
    pub header: Option<RingHeader>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a ring file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is in the files now, and the ring is gone: how many records it took.
    Recovered {
        /// Records that were missing in the files.
        written: u64,
        /// Records that could not be read.
        failed: u64,
    },
    /// Something is left, because a file could not be written.
    Unfinished {
        /// Records that were missing in the files and are there now.
        written: u64,
        /// What stands in the way.
        error: String,
    },
    /// Its process lives, or somebody else recovers it.
    Alive,
    /// It is not a ring, or a later version's; it was left alone.
    LeftAlone(String),
}

/// The ring files in a directory, unfinished ones of dead processes removed. A forked child closes its copy of the
/// `lock`.
///
/// # Errors
/// If the directory cannot be read.
pub fn ring_files(directory: &Path, lock: &Arc<Descriptor>) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(SUFFIX) {
            found.push(path);
        } else if name.ends_with(UNFINISHED)
            && let Ok(Adoption::Adopted(orphan)) = Orphan::adopt(&path, lock)
        {
            let _ = orphan.remove();
        } else if let Some((ring, _)) = name.strip_suffix(LOCK).and_then(|stem| stem.rsplit_once('-'))
            && ring.ends_with(SUFFIX)
            && !path.with_file_name(ring).exists()
        {
            // Of a ring that its process removed before it was killed.
            let _ = fs::remove_file(&path);
        }
    }
    found.sort();
    Ok(found)
}

/// Recovers every ring of a directory whose process is gone, except the one at `own`.
///
/// # Errors
/// If the directory cannot be read.
pub fn recover(directory: &Path, own: Option<&Path>, host: &mut dyn Host) -> io::Result<Vec<Found>> {
    let files = ring_files(directory, &host.ring_lock())?;
    Ok(files.into_iter().filter(|path| Some(&**path) != own).filter_map(|path| recover_ring(&path, host)).collect())
}

/// Whether there is a ring in a directory whose process is gone, except the one at `own`.
///
/// # Errors
/// If the directory cannot be read.
pub fn has_orphans(directory: &Path, own: &Path, host: &mut dyn Host) -> io::Result<bool> {
    let lock = host.ring_lock();
    let orphaned = |path: &PathBuf| path != own && matches!(Orphan::adopt(path, &lock), Ok(Adoption::Adopted(_)));
    Ok(ring_files(directory, &lock)?.iter().any(orphaned))
}

/// Removes the ring of a dead process with what it holds; the number of records, or `None` if its process lives.
///
/// # Errors
/// If it cannot be opened or removed.
pub fn discard_ring(path: &Path) -> io::Result<Option<u64>> {
    let Adoption::Adopted(orphan) = Orphan::adopt(path, &Arc::default())? else { return Ok(None) };
    let memory =
        RingMemory::copy_of(&orphan.read()?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let (tail, head) = (memory.ring().tail(), memory.ring().head());
    let records = Source::count(&memory, &|_| true, tail, tail, head);
    remove_all_spills(path);
    orphan.remove()?;
    Ok(Some(records))
}

/// The folders of rings that the lock files in a log directory name.
///
/// # Errors
/// If the directory cannot be read.
pub fn rings_named_in(log_directory: &Path) -> io::Result<Vec<PathBuf>> {
    let named = |entry: fs::DirEntry| {
        let path = entry.path();
        let name = path.file_name()?.as_bytes();
        if !name.starts_with(b".") || !name.ends_with(b".lock") {
            return None;
        }
        let mut bytes = Vec::new();
        open_stranger(&path).and_then(|file| file.take(SLOTS).read_to_end(&mut bytes)).ok()?;
        LockFile::parse(&bytes).ok()?.journal?.ring_directory().map(Path::to_path_buf)
    };
    Ok(fs::read_dir(log_directory)?.flatten().filter_map(named).collect())
}

/// Recovers one ring; `None` if it is gone by now.
pub fn recover_ring(path: &Path, host: &mut dyn Host) -> Option<Found> {
    let left_alone = |why: String| Some(Found { path: path.into(), header: None, outcome: Outcome::LeftAlone(why) });
    let orphan = match Orphan::adopt(path, &host.ring_lock()) {
        Ok(Adoption::Adopted(orphan)) => orphan,
        Ok(Adoption::Gone) => return None,
        Ok(Adoption::Held) => return Some(Found { path: path.into(), header: None, outcome: Outcome::Alive }),
        Err(error) => return left_alone(error.to_string()),
    };
    let memory = match orphan.read() {
        Ok(bytes) => RingMemory::copy_of(&bytes).map_err(|error: NotARing| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let memory = match memory {
        Ok(memory) => memory,
        Err(why) => return left_alone(why),
    };
    let header = memory.header().clone();
    let outcome = drain(memory, orphan, host);
    Some(Found { path: path.into(), header: Some(header), outcome })
}

fn drain(memory: RingMemory, orphan: Orphan, host: &mut dyn Host) -> Outcome {
    let mut writer = Writer::new(Source::new(memory, orphan.path()));
    writer.refresh(host);
    let outcome = drain_with(&mut writer, orphan, host);
    writer.close(host);
    outcome
}

fn drain_with(writer: &mut Writer, orphan: Orphan, host: &mut dyn Host) -> Outcome {
    let source = writer.source();
    if !source.is_understood() {
        // What comes behind may be another file, or say which files a record goes to.
        return Outcome::LeftAlone("its dictionary holds something that this version cannot read".into());
    }
    if writer.outlets().is_empty() && !writer.is_done() {
        return Outcome::LeftAlone("it holds records, but its dictionary names no file for them".into());
    }
    loop {
        let round = writer.round(host, true);
        if writer.is_done() {
            match announce(writer.source().memory(), &orphan, host) {
                Ok(true) => continue,
                Ok(false) => break,
                Err(error) => return Outcome::Unfinished { written: written(writer).0, error: error.to_string() },
            }
        }
        if !round.more && round.written == 0 {
            let trouble = writer.outlets().iter().find_map(|outlet| outlet.trouble());
            let error = trouble.map(|trouble| trouble.error.clone()).unwrap_or_default();
            return Outcome::Unfinished { written: written(writer).0, error };
        }
    }
    let (written, failed) = written(writer);
    remove_all_spills(orphan.path());
    // The ring goes before its cursors: whoever found it without them would write everything again.
    match orphan.remove() {
        Ok(()) => {
            writer.forget(host);
            Outcome::Recovered { written, failed }
        }
        Err(error) => Outcome::Unfinished { written, error: error.to_string() },
    }
}

/// How many records were written, and how many could not be read.
fn written(writer: &Writer) -> (u64, u64) {
    let entries = writer.outlets().iter().map(|outlet| outlet.account().read().unwrap_or_default());
    entries.fold((0, 0), |(written, failed), entry| (written + entry.kept, failed + entry.lost))
}

/// Has a ring say what its process refused and did not come to say; whether there is now something to be written.
///
/// The announcements go into the dead ring, as its process would have put them there: so each reaches each of its files
/// once, whoever is killed meanwhile. The ring is drained, so there is room.
fn announce(memory: &RingMemory, orphan: &Orphan, host: &mut dyn Host) -> io::Result<bool> {
    let due = due(memory, host.now());
    if due.is_empty() {
        return Ok(false);
    }
    // SAFETY: the process that pushed into this ring is dead, and this is our own copy of it.
    let mut producer = unsafe { Producer::new(memory.ring().clone()) };
    // All of it is in its files. Without this the head would be further from the tail than the ring is long.
    orphan.keep(memory, TAIL..TAIL + 8)?;
    let mut said = false;
    for Announcement { header, payload } in due {
        said |= memory.tell(&mut producer, header, payload.as_slice(), |part| orphan.keep(memory, part))?;
    }
    Ok(said)
}
