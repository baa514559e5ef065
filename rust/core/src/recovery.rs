//! Writes what dead processes left behind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::batch::{Source, remove_all_spills};
use crate::ringfile::{Adoption, NotARing, Orphan, RingHeader, RingMemory, SUFFIX, UNFINISHED};
use crate::writer::{Host, Writer};

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

/// The ring files in a directory, unfinished ones of dead processes removed.
///
/// # Errors
/// If the directory cannot be read.
pub fn ring_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(SUFFIX) {
            found.push(path);
        } else if name.ends_with(UNFINISHED)
            && let Ok(Adoption::Adopted(orphan)) = Orphan::adopt(&path)
        {
            let _ = orphan.remove();
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
    let files = ring_files(directory)?;
    Ok(files.into_iter().filter(|path| Some(&**path) != own).filter_map(|path| recover_ring(&path, host)).collect())
}

/// Recovers one ring; `None` if it is gone by now.
pub fn recover_ring(path: &Path, host: &mut dyn Host) -> Option<Found> {
    let left_alone = |why: String| Some(Found { path: path.into(), header: None, outcome: Outcome::LeftAlone(why) });
    let orphan = match Orphan::adopt(path) {
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
    writer.refresh();
    if writer.outlets().is_empty() && !writer.is_done() {
        return Outcome::LeftAlone("it holds records, but its dictionary names no file for them".into());
    }
    loop {
        let round = writer.round(host, true);
        if writer.is_done() {
            break;
        }
        if !round.more && round.written == 0 {
            let written =
                writer.outlets().iter().map(|outlet| outlet.ledger().read().unwrap_or_default().written).sum();
            let trouble = writer.outlets().iter().find_map(|outlet| outlet.trouble());
            let error = trouble.map_or_else(|| "another process holds the log's lock".into(), |t| t.error.clone());
            return Outcome::Unfinished { written, error };
        }
    }
    let entries = writer.outlets().iter().map(|outlet| outlet.ledger().read().unwrap_or_default());
    let (written, failed) = entries.fold((0, 0), |(w, f), entry| (w + entry.written, f + entry.failed));
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
