//! What a lock file says, remembered from one lock to the next: what is as it was left need not be understood again.

use crate::lockfile::{LockFile, Unusable};

/// Nanoseconds for which a caller in haste does not look at paths again.
const FRESH: u64 = 1_000_000;

/// A lock file as it was read and has been written since.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) state: LockFile,
    bytes: Vec<u8>,
    /// When the paths of the log and its lock file were looked at.
    looked: Option<u64>,
    /// The slot of a cursor that stands in `state` and not yet in the file.
    pub(super) owed: Option<u32>,
}

impl Known {
    /// The present bytes are these; whether they were known.
    ///
    /// # Errors
    /// [`Unusable`] if they are not ours to read.
    pub(super) fn update(&mut self, bytes: &[u8]) -> Result<bool, Unusable> {
        let same = !self.bytes.is_empty() && self.bytes == bytes;
        if !same {
            self.state = LockFile::parse(bytes)?;
            // Who changed it has settled our batch, or it is to be settled now.
            self.owed = None;
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes);
        }
        Ok(same)
    }

    /// What was written at an offset.
    pub(super) fn note(&mut self, bytes: &[u8], offset: u64) {
        let place = offset as usize..offset as usize + bytes.len();
        match self.bytes.get_mut(place) {
            Some(known) => known.copy_from_slice(bytes),
            None => self.bytes.clear(),
        }
    }

    /// It may say anything now.
    pub(super) fn forget(&mut self) {
        self.bytes.clear();
    }

    /// The paths were looked at just now.
    pub(super) fn looked(&mut self, now: u64) {
        self.looked = Some(now);
    }

    /// Whether that was a moment ago.
    pub(super) fn is_fresh(&self, now: u64) -> bool {
        self.looked.and_then(|looked| now.checked_sub(looked)).is_some_and(|age| age < FRESH)
    }
}
