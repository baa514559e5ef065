//! The lock file beside a log: who writes now, what is being written, and how far each ring has been written.
//!
//! ```text
//! 0x000  magic · version u32 · byte order u32
//! 0x010  rollover: at u64 · schedule u64 · sum u64
//! 0x040  journal: ring id 16 · sink u32 · slot u32 · pid u32 · dictionary u32 · from u64 · to u64 · device u64
//!                 · inode u64 · offset u64 · length u64 · stamp u64 · ring path text (at most 512 bytes) · sum u64
//! 0x400  cursor slots of 64 bytes: ring id 16 · sink u32 · 0 u32 · position u64 · stamp u64 · sum u64
//! ```
//!
//! The truth about what has been written lives next to what has been written. A journal is *open* while its
//! stream's cursor is before `to`: committing the cursor closes it, with one write. The journal's `from` says as much as a
//! cursor: what comes before it is in the log. Every write lies within one
//! page and carries a sum, so a reader sees it whole or not at all. A slot of zeros was never used, and neither
//! was any behind it; one that was given back holds [`VACANT`]. This module knows bytes only; the
//! [`crate::sink`] does the reading, writing and locking.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::record::{Bytes, Malformed};

/// The first bytes of a lock file.
pub const MAGIC: [u8; 8] = *b"UGRDLOCK";
/// The version of this layout.
pub const VERSION: u32 = 1;
const BYTE_ORDER: u32 = 0x0102_0304;

/// Offset of the time of the next rotation.
pub const ROLLOVER: u64 = 0x10;
/// Offset of the journal.
pub const JOURNAL: u64 = 0x40;
/// Offset of the first cursor slot.
pub const SLOTS: u64 = 0x400;
/// Bytes of a cursor slot.
pub const SLOT: u64 = 64;
/// How many rings a log can have at the same time.
pub const MOST_SLOTS: u32 = 1024;
/// Bytes of a lock file with all its slots.
pub const SIZE: u64 = SLOTS + SLOT * MOST_SLOTS as u64;
const LONGEST_PATH: usize = 512;

/// A slot that was used before.
pub const VACANT: [u8; SLOT as usize] = [0xFF; SLOT as usize];

/// What names a ring for good: 16 random bytes.
pub type RingId = [u8; 16];

/// A ring's records on their way to one of its sinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// The ring.
    pub ring: RingId,
    /// The sink's number in the ring's dictionary.
    pub sink: u32,
}

/// A batch that is being appended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// Where it comes from.
    pub stream: Stream,
    /// The stream's cursor slot.
    pub slot: u32,
    /// The process that appends.
    pub pid: u32,
    /// Bytes of the ring's dictionary that were known when the batch was formatted.
    pub dictionary: u32,
    /// Position in the ring of the batch's first record.
    pub from: u64,
    /// Position behind its last.
    pub to: u64,
    /// Device of the log file.
    pub device: u64,
    /// Inode of the log file.
    pub inode: u64,
    /// The log file's size before.
    pub offset: u64,
    /// Bytes of the batch.
    pub length: u64,
    /// When, in nanoseconds since the epoch: the holder's heartbeat.
    pub stamp: u64,
    /// Where the ring's file is; empty if it is nowhere or its path is too long.
    pub ring_path: Vec<u8>,
}

/// How far a stream has been written to this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The stream.
    pub stream: Stream,
    /// Everything before this position is in the log.
    pub position: u64,
    /// When, in nanoseconds since the epoch.
    pub stamp: u64,
}

/// When the log is put aside next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollover {
    /// In seconds since the epoch.
    pub at: i64,
    /// Whose time it is: [`crate::rotation::Rotation::fingerprint`].
    pub schedule: u64,
}

/// A lock file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockFile {
    /// When the log is put aside next, if that can be read.
    pub rollover: Option<Rollover>,
    /// The last batch, if it can be read.
    pub journal: Option<Journal>,
    /// The cursors by slot; a free or torn slot is `None`.
    pub cursors: Vec<Option<Cursor>>,
}

/// Why a lock file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It begins with something else.
    Foreign,
    /// It was made by a later version, or on a machine of the other byte order.
    Version(u32),
}

impl LockFile {
    /// The bytes before the journal.
    pub fn header() -> [u8; 16] {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..].copy_from_slice(&BYTE_ORDER.to_le_bytes());
        out
    }

    /// Reads a lock file. What is torn counts as absent; an empty file is an empty lock file.
    ///
    /// # Errors
    /// [`Unusable`] if it is not ours to read.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unusable> {
        if bytes.is_empty() || bytes.iter().take(16).all(|byte| *byte == 0) {
            return Ok(Self::default());
        }
        let mut header = Bytes(bytes);
        let (Ok(MAGIC), Ok(version), Ok(order)) = (header.array::<8>(), header.u32(), header.u32()) else {
            return Err(Unusable::Foreign);
        };
        if version != VERSION || order != BYTE_ORDER {
            return Err(Unusable::Version(version));
        }
        let rollover = bytes.get(ROLLOVER as usize..).and_then(|bytes| Rollover::parse(bytes).ok());
        let journal = bytes.get(JOURNAL as usize..).and_then(|bytes| Journal::parse(bytes).ok());
        let slots = bytes.get(SLOTS as usize..).unwrap_or_default().chunks(SLOT as usize);
        let mut cursors: Vec<_> = slots.take(MOST_SLOTS as usize).map(|slot| Cursor::parse(slot).ok()).collect();
        if let Some(journal) = &journal
            && let Some(Some(cursor)) = cursors.get_mut(journal.slot as usize)
            && cursor.stream == journal.stream
        {
            cursor.position = cursor.position.max(journal.from);
        }
        Ok(Self { rollover, journal, cursors })
    }

    /// The slot and cursor of a stream.
    pub fn cursor(&self, stream: Stream) -> Option<(u32, Cursor)> {
        (0..)
            .zip(&self.cursors)
            .find_map(|(slot, cursor)| cursor.filter(|cursor| cursor.stream == stream).map(|c| (slot, c)))
    }

    /// The first free slot, if there is one.
    pub fn free_slot(&self) -> Option<u32> {
        let free = self.cursors.iter().position(Option::is_none).unwrap_or(self.cursors.len()) as u32;
        (free < MOST_SLOTS).then_some(free)
    }

    /// The slot that can be taken from its stream at the least risk, where none is free: the one that has been
    /// still for longest, of a ring that is no more if there is such a one.
    pub fn stillest_slot(&self, is_there: &dyn Fn(&RingId) -> bool) -> u32 {
        let rank = |cursor: &Option<Cursor>| cursor.map(|cursor| (is_there(&cursor.stream.ring), cursor.stamp));
        (0..).zip(&self.cursors).min_by_key(|(_, cursor)| rank(cursor)).map_or(0, |(slot, _)| slot)
    }

    /// The journal of a batch that was begun and not committed.
    pub fn open_journal(&self) -> Option<&Journal> {
        self.journal.as_ref().filter(|journal| {
            let cursor = self.cursors.get(journal.slot as usize).copied().flatten();
            journal.length > 0 && !cursor.is_some_and(|c| c.stream == journal.stream && c.position >= journal.to)
        })
    }
}

impl Rollover {
    /// Its bytes.
    pub fn encode(&self) -> [u8; 24] {
        let mut out = [0; 24];
        out[..8].copy_from_slice(&self.at.to_le_bytes());
        out[8..16].copy_from_slice(&self.schedule.to_le_bytes());
        let sum = sum(&out[..16]);
        out[16..].copy_from_slice(&sum.to_le_bytes());
        out
    }

    fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut rest = Bytes(bytes);
        let rollover = Self { at: rest.u64()? as i64, schedule: rest.u64()? };
        if rest.u64()? == sum(&bytes[..16]) { Ok(rollover) } else { Err(Malformed) }
    }
}

impl Journal {
    /// The directory of the ring, if it is known.
    pub fn ring_directory(&self) -> Option<&Path> {
        Path::new(OsStr::from_bytes(&self.ring_path)).parent()
    }

    /// The journal's bytes. One with a length of 0 is closed.
    pub fn encode(&self) -> Vec<u8> {
        let path = if self.ring_path.len() <= LONGEST_PATH { &self.ring_path[..] } else { &[] };
        let mut out = Vec::with_capacity(128 + path.len());
        out.extend_from_slice(&self.stream.ring);
        for word in [self.stream.sink, self.slot, self.pid, self.dictionary] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        for word in [self.from, self.to, self.device, self.inode, self.offset, self.length, self.stamp] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&(path.len() as u32).to_le_bytes());
        out.extend_from_slice(path);
        let sum = sum(&out);
        out.extend_from_slice(&sum.to_le_bytes());
        out
    }

    fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut rest = Bytes(bytes);
        let journal = Self {
            stream: Stream { ring: rest.array()?, sink: rest.u32()? },
            slot: rest.u32()?,
            pid: rest.u32()?,
            dictionary: rest.u32()?,
            from: rest.u64()?,
            to: rest.u64()?,
            device: rest.u64()?,
            inode: rest.u64()?,
            offset: rest.u64()?,
            length: rest.u64()?,
            stamp: rest.u64()?,
            ring_path: rest.text()?.into(),
        };
        let summed = bytes.len() - rest.0.len();
        let sane = rest.u64()? == sum(&bytes[..summed])
            && journal.from <= journal.to
            && journal.ring_path.len() <= LONGEST_PATH;
        if sane { Ok(journal) } else { Err(Malformed) }
    }
}

impl Cursor {
    /// The slot's bytes.
    pub fn encode(&self) -> [u8; SLOT as usize] {
        let mut out = [0; SLOT as usize];
        out[..16].copy_from_slice(&self.stream.ring);
        out[16..20].copy_from_slice(&self.stream.sink.to_le_bytes());
        out[24..32].copy_from_slice(&self.position.to_le_bytes());
        out[32..40].copy_from_slice(&self.stamp.to_le_bytes());
        let sum = sum(&out[..40]);
        out[40..48].copy_from_slice(&sum.to_le_bytes());
        out
    }

    fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        // Most slots were never used, and a sum costs more than this look.
        if bytes == [0; SLOT as usize] {
            return Err(Malformed);
        }
        let mut rest = Bytes(bytes);
        let stream = Stream { ring: rest.array()?, sink: rest.u32()? };
        let reserved = rest.u32()?;
        let cursor = Self { stream, position: rest.u64()?, stamp: rest.u64()? };
        if rest.u64()? == sum(&bytes[..40]) && reserved == 0 { Ok(cursor) } else { Err(Malformed) }
    }
}

/// FNV-1a (Fowler, Noll, Vo 1991), 64 bits; it guards against torn writes, not against malice.
pub fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn journal() -> Journal {
        Journal {
            stream: Stream { ring: [7; 16], sink: 2 },
            slot: 1,
            pid: 42,
            dictionary: 96,
            from: 64,
            to: 640,
            device: 3,
            inode: 4,
            offset: 1000,
            length: 90,
            stamp: 5,
            ring_path: b"/dev/shm/ring".to_vec(),
        }
    }

    fn file(journal: &[u8], cursors: &[Cursor]) -> Vec<u8> {
        let mut out = vec![0; SLOTS as usize];
        out[..16].copy_from_slice(&LockFile::header());
        out[JOURNAL as usize..JOURNAL as usize + journal.len()].copy_from_slice(journal);
        cursors.iter().for_each(|cursor| out.extend_from_slice(&cursor.encode()));
        out
    }

    fn cursor(ring: u8, position: u64) -> Cursor {
        Cursor { stream: Stream { ring: [ring; 16], sink: 2 }, position, stamp: u64::from(ring) }
    }

    #[test]
    fn a_journal_is_open_until_its_cursor_reaches_its_end() {
        for (position, open) in [(0, true), (64, true), (639, true), (640, false), (700, false)] {
            let parsed = LockFile::parse(&file(&journal().encode(), &[cursor(9, 5), cursor(7, position)])).unwrap();
            assert_eq!(parsed.journal, Some(journal()));
            assert_eq!(parsed.open_journal().is_some(), open, "cursor at {position}");
        }
    }

    #[test]
    fn a_journal_whose_slot_belongs_to_another_ring_is_open() {
        let parsed = LockFile::parse(&file(&journal().encode(), &[cursor(9, 5), cursor(8, 9999)])).unwrap();
        assert!(parsed.open_journal().is_some());
    }

    #[test]
    fn a_torn_journal_or_cursor_counts_as_absent() {
        let whole = file(&journal().encode(), &[cursor(7, 64)]);
        for at in JOURNAL as usize..JOURNAL as usize + journal().encode().len() {
            let mut torn = whole.clone();
            torn[at] ^= 0x10;
            assert_eq!(LockFile::parse(&torn).unwrap().journal, None, "byte {at}");
        }
        for at in SLOTS as usize..SLOTS as usize + 48 {
            let mut torn = whole.clone();
            torn[at] ^= 0x10;
            assert_eq!(LockFile::parse(&torn).unwrap().cursors, vec![None], "byte {at}");
        }
    }

    #[test]
    fn a_new_ring_takes_the_first_free_slot_and_then_the_stillest() {
        let mut parsed =
            LockFile { cursors: vec![Some(cursor(1, 0)), None, Some(cursor(3, 0))], ..LockFile::default() };
        assert_eq!(parsed.free_slot(), Some(1));
        parsed.cursors =
            (0..MOST_SLOTS).map(|slot| Some(Cursor { stamp: u64::from(slot ^ 5), ..cursor(slot as u8, 0) })).collect();
        assert_eq!(parsed.free_slot(), None);
        assert_eq!(parsed.stillest_slot(&|_| true), 5);
        assert_eq!(parsed.stillest_slot(&|ring| ring[0] != 9), 9, "one whose ring is gone comes first");
    }

    #[test]
    fn a_vacant_slot_is_free_but_does_not_look_unused() {
        assert_eq!(Cursor::parse(&VACANT), Err(Malformed));
        assert_ne!(VACANT, [0; SLOT as usize]);
    }

    #[test]
    fn a_file_of_somebody_else_or_of_a_later_version_is_refused() {
        assert_eq!(LockFile::parse(b"#!/bin/sh -- something else"), Err(Unusable::Foreign));
        let mut later = file(&[], &[]);
        later[8] = 2;
        assert_eq!(LockFile::parse(&later), Err(Unusable::Version(2)));
        assert_eq!(LockFile::parse(b""), Ok(LockFile::default()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = LockFile::parse(&bytes);
            let mut ours = file(&[], &[]);
            ours.extend_from_slice(&bytes);
            let _ = LockFile::parse(&ours);
        }
    }
}
