//! What can be done to a log while its lock is held.

mod rotation;

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::fstat;
use rustix::io::Errno;

use super::handed::{beside, readable};
use super::{FileSink, Origin, target_of};
use crate::lockfile::{Cursor, JOURNAL, Journal, LockFile, SLOT, SLOTS, Stream, VACANT};
use crate::ringfile::ids_in;

/// A sink whose lock is held, until this value is dropped.
#[derive(Debug)]
pub struct Locked<'a> {
    sink: &'a mut FileSink,
    size: u64,
    /// Whether it is as its last holder left it, which was this one, a moment ago.
    again: bool,
}

impl<'a> Locked<'a> {
    /// A sink whose lock was taken and whose lock file was read, and how long its log is.
    pub(super) fn new(sink: &'a mut FileSink, size: u64) -> Self {
        Self { sink, size, again: false }
    }

    /// Nobody else has held the lock since this sink did, a moment ago.
    pub(super) fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Its paths were looked at just now.
    pub(super) fn looked(self, now: u64) -> Self {
        self.sink.known.looked(now);
        self
    }
}

impl Locked<'_> {
    /// What the lock file says.
    fn state(&self) -> &LockFile {
        &self.sink.known.state
    }

    fn state_mut(&mut self) -> &mut LockFile {
        &mut self.sink.known.state
    }

    /// Writes into the lock file.
    fn say(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let said = self.sink.lock_file().write_all_at(bytes, offset);
        match said {
            Ok(()) => self.sink.known.note(bytes, offset),
            Err(_) => self.sink.known.forget(),
        }
        said
    }

    /// The batch that somebody, perhaps we, began and did not finish.
    pub fn open_journal(&self) -> Option<&Journal> {
        self.state().open_journal()
    }

    /// How far a stream has been written, if this log knows it.
    pub fn cursor(&self, stream: Stream) -> Option<u64> {
        self.state().cursor(stream).map(|(_, cursor)| cursor.position)
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
        let options = OpenOptions::new().read(true).append(true).clone();
        let Some(held) = beside(&target_of(self.sink.path()), (journal.device, journal.inode), &options, &|_| true)?
        else {
            return Ok(false);
        };
        self.sink.log = Some(Arc::new(held));
        self.measure()?;
        Ok(true)
    }

    /// Turns to the file at the path.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn come_back(&mut self) -> io::Result<()> {
        self.size = self.sink.open_log()?.st_size as u64;
        Ok(())
    }

    fn measure(&mut self) -> io::Result<()> {
        self.size = fstat(self.sink.log().file())?.st_size as u64;
        Ok(())
    }

    /// The log file's path.
    pub fn path(&self) -> &Path {
        self.sink.path()
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
        let anew = self.sink.handed.as_ref().and_then(|_| readable(self.sink.log().file()).ok());
        let file = anew.as_ref().unwrap_or_else(|| self.sink.log().file());
        let mut bytes = vec![0; length.min(self.size.saturating_sub(offset) as usize)];
        let mut filled = 0;
        while filled < bytes.len() {
            match file.read_at(&mut bytes[filled..], offset + filled as u64) {
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
        if !self.sink.regular {
            return self.write(bytes);
        }
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
        self.enter(journal)?;
        self.write(bytes)?;
        let cursor = Cursor { stream: origin.stream, position: origin.to, stamp: origin.stamp };
        if self.again {
            self.owe(slot, cursor)
        } else {
            self.store(slot, Some(cursor))?
        }
        Ok(())
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

    fn enter(&mut self, journal: Journal) -> io::Result<()> {
        match self.sink.known.owed {
            // Where it begins is where the cursor is.
            Some(slot) if slot == journal.slot && journal.length > 0 => self.sink.known.owed = None,
            _ => self.pay()?,
        }
        self.say(&journal.encode(), JOURNAL)?;
        self.state_mut().journal = Some(journal);
        Ok(())
    }

    /// Leaves word beside the log of where its rings are, for who will look for them there.
    ///
    /// # Errors
    /// If the lock file cannot be written.
    pub fn point_to(&mut self, ring: &Path) -> io::Result<()> {
        let known = self.state().journal.as_ref().map(|journal| journal.ring_directory());
        if !self.sink.regular || known == Some(ring.parent()) || self.open_journal().is_some() {
            return Ok(());
        }
        // Of a batch of no bytes, which is closed.
        self.enter(Journal { ring_path: ring.as_os_str().as_bytes().to_vec(), ..Journal::default() })
    }

    /// Asks the disk to have everything that was appended.
    ///
    /// # Errors
    /// What `fdatasync` says.
    pub fn sync(&self) -> io::Result<()> {
        self.sink.sync()
    }

    /// Says that everything of a stream before `position` is in the log.
    ///
    /// # Errors
    /// If the lock file cannot be written.
    pub fn commit(&mut self, stream: Stream, position: u64, stamp: u64) -> io::Result<()> {
        if !self.sink.regular {
            return Ok(());
        }
        let slot = self.state().cursor(stream).map_or_else(|| self.new_slot(), |(slot, _)| slot);
        self.store(slot, Some(Cursor { stream, position, stamp }))
    }

    fn new_slot(&self) -> u32 {
        self.state().free_slot().unwrap_or_else(|| {
            // Rings are in the directory of the last one, as far as can be known here.
            let last = self.state().journal.as_ref().and_then(Journal::ring_directory);
            let there = last.and_then(|directory| ids_in(directory).ok()).unwrap_or_default();
            self.state().stillest_slot(&|ring| there.contains(&ring[..8]))
        })
    }

    /// Closes an open journal without committing: its batch will be written again.
    ///
    /// # Errors
    /// If the lock file cannot be written.
    pub fn discard_journal(&mut self) -> io::Result<()> {
        match self.state().journal.clone() {
            Some(journal) => self.enter(Journal { length: 0, ..journal }),
            None => Ok(()),
        }
    }

    /// Gives the slot of a stream back whose ring is no more.
    ///
    /// # Errors
    /// If the lock file cannot be written.
    pub fn forget(&mut self, stream: Stream) -> io::Result<()> {
        let Some((slot, _)) = self.state().cursor(stream) else { return Ok(()) };
        if self.state().journal.as_ref().is_some_and(|journal| journal.stream == stream) {
            // Without its cursor it would look as if it had not been committed.
            self.discard_journal()?;
        }
        self.store(slot, None)
    }

    /// The stream's slot, taken now if it has none: a journal must not be open without a cursor to close it.
    fn slot(&mut self, origin: &Origin<'_>) -> io::Result<u32> {
        if let Some((slot, _)) = self.state().cursor(origin.stream) {
            return Ok(slot);
        }
        if self.state().free_slot().is_none() {
            // It may be about the stream that loses its slot now.
            self.discard_journal()?;
        }
        self.commit(origin.stream, origin.from, origin.stamp)?;
        Ok(self.state().cursor(origin.stream).map_or(0, |(slot, _)| slot))
    }

    /// Leaves a cursor to the next journal, which says it too, or to [`Locked::pay`]. Until then the batch looks
    /// unfinished to others, who will find it whole: that costs them much more than it saves, so this is for who is alone.
    fn owe(&mut self, slot: u32, cursor: Cursor) {
        self.place(slot, Some(cursor));
        self.sink.known.owed = Some(slot);
    }

    /// Writes the cursor that is owed, if there is one.
    ///
    /// # Errors
    /// If the lock file cannot be written.
    pub fn pay(&mut self) -> io::Result<()> {
        let owed =
            self.sink.known.owed.and_then(|slot| self.state().cursors[slot as usize].map(|cursor| (slot, cursor)));
        owed.map_or(Ok(()), |(slot, cursor)| self.store(slot, Some(cursor)))
    }

    fn store(&mut self, slot: u32, cursor: Option<Cursor>) -> io::Result<()> {
        let bytes = cursor.map_or(VACANT, |cursor| cursor.encode());
        self.say(&bytes, SLOTS + u64::from(slot) * SLOT)?;
        self.place(slot, cursor);
        if self.sink.known.owed == Some(slot) {
            self.sink.known.owed = None;
        }
        Ok(())
    }

    fn place(&mut self, slot: u32, cursor: Option<Cursor>) {
        let cursors = &mut self.state_mut().cursors;
        if cursors.len() <= slot as usize {
            cursors.resize(slot as usize + 1, None);
        }
        cursors[slot as usize] = cursor;
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.sink.unlock();
    }
}
