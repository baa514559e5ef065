//! What to do about a batch that somebody began and did not finish: it is formatted again and compared with the
//! file. What is there is committed, what is missing is written.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::io::Errno;

use crate::batch::{Source, passes, waits};
use crate::lockfile::{Journal, Stream};
use crate::ringfile::snapshot;
use crate::sink::Locked;

/// Bytes of other programs that are searched for the beginning of a batch.
const FOREIGN: usize = 16 << 20;

/// What was found and done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settled {
    /// Whose batch it was.
    pub(super) stream: Option<Stream>,
    /// Its lines that were not whole in the file, and are now.
    pub(super) written: u64,
    /// Torn lines that were closed.
    pub(super) torn: u64,
}

/// A batch formatted again: its bytes, and for each line its end and the position behind its record.
type Again = (Vec<u8>, Vec<(usize, u64)>);

/// Finishes the open batch, if there is one.
pub(super) fn settle(locked: &mut Locked<'_>, own: &Source, stamp: u64) -> io::Result<Settled> {
    let Some(journal) = locked.open_journal().cloned() else { return Ok(Settled::default()) };
    let current = locked.is_current(&journal);
    let settled = if locked.turn_to(&journal)? && journal.offset <= locked.size() {
        match format_again(&journal, own)? {
            // A file elsewhere is the moved log if a line of the batch proves it; it may as well be somebody's new
            // file that got the inode of a deleted log.
            Some((lines, ends)) if current || begins(locked, &journal, &lines, &ends)? => {
                finish(locked, &journal, &lines, &ends, stamp)?
            }
            None if current => close(locked, &journal, stamp)?,
            _ => discard(locked)?,
        }
    } else {
        // The file was deleted or cut since: what of the batch was in it is gone. It is written again.
        discard(locked)?
    };
    locked.come_back()?;
    Ok(settled)
}

/// The journal's batch from its ring, if that can be read and gives as many bytes as were promised. An error, if that
/// cannot be said now: who took it for a no would write the batch a second time.
fn format_again(journal: &Journal, own: &Source) -> io::Result<Option<Again>> {
    let (memory, path) = if own.memory().header().id == journal.stream.ring {
        (own.memory().clone(), own.path())
    } else {
        let path = Path::new(OsStr::from_bytes(&journal.ring_path));
        match snapshot(path) {
            Ok(memory) if memory.header().id == journal.stream.ring => (memory, path),
            Err(error) if passes(&error) => return Err(error),
            _ => return Ok(None),
        }
    };
    // What is released belongs to the producer again, and beyond the head there is nothing.
    if journal.from < memory.ring().tail() || journal.to > memory.ring().head() {
        return Ok(None);
    }
    let mut source = Source::as_of(memory, path, journal.dictionary);
    let (mut lines, mut ends) = (Vec::new(), Vec::new());
    let Ok(length) = usize::try_from(journal.length) else { return Ok(None) };
    let enough = length.saturating_add(1);
    let batch = source.format(journal.stream.sink, journal.from, journal.to, enough, &mut lines, Some(&mut ends));
    if batch.waits {
        return Err(waits());
    }
    Ok((lines.len() == length).then_some((lines, ends)))
}

fn discard(locked: &mut Locked<'_>) -> io::Result<Settled> {
    locked.discard_journal()?;
    Ok(Settled::default())
}

/// Whether the first line of a batch is where the journal says.
fn begins(locked: &Locked<'_>, journal: &Journal, lines: &[u8], ends: &[(usize, u64)]) -> io::Result<bool> {
    let first = &lines[..ends.first().map_or(0, |(end, _)| *end)];
    Ok(locked.read(journal.offset, first.len())? == first)
}

/// Compares the file with the batch as it must be, and brings the two together.
fn finish(
    locked: &mut Locked<'_>,
    journal: &Journal,
    lines: &[u8],
    ends: &[(usize, u64)],
    stamp: u64,
) -> io::Result<Settled> {
    let found = match locked.read(journal.offset, lines.len() + FOREIGN) {
        // A log that we may only write to.
        Err(error) if is_write_only(&error) => return close(locked, journal, stamp),
        found => found?,
    };
    let first = &lines[..ends.first().map_or(0, |(end, _)| *end)];
    // Who does not know the lock may have appended between the journal and the batch.
    let begin = if found.len() < first.len() { 0 } else { memchr::memmem::find(&found, first).unwrap_or(0) };
    let matching = found[begin..].iter().zip(lines).take_while(|(a, b)| a == b).count();
    let whole = ends.iter().take_while(|(end, _)| *end <= matching).count();
    let at_end = locked.size() == journal.offset + (begin + matching) as u64;
    let mut settled = Settled { stream: Some(journal.stream), written: 0, torn: 0 };
    if matching == lines.len() {
        locked.commit(journal.stream, journal.to, stamp)?;
    } else if at_end {
        locked.write(&lines[matching..])?;
        settled.written = (ends.len() - whole) as u64;
        locked.commit(journal.stream, journal.to, stamp)?;
    } else {
        // Who does not know the lock wrote into the batch. Its whole lines count as written; the torn one is
        // closed, so that the next one stands alone.
        settled.torn = end_line(locked)?;
        if let Some((_, position)) = whole.checked_sub(1).map(|last| ends[last]) {
            locked.commit(journal.stream, position, stamp)?;
        }
        locked.discard_journal()?;
    }
    Ok(settled)
}

/// Whether a log was opened for writing alone.
fn is_write_only(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::BADF.raw_os_error())
}

/// Closes the journal of a batch that cannot be formatted again, or not be compared.
fn close(locked: &mut Locked<'_>, journal: &Journal, stamp: u64) -> io::Result<Settled> {
    let mut settled = Settled { stream: Some(journal.stream), written: 0, torn: 0 };
    if locked.size().checked_sub(journal.offset) == Some(journal.length) {
        // As many bytes as were promised are there.
        locked.commit(journal.stream, journal.to, stamp)?;
    } else {
        if locked.size() > journal.offset {
            settled.torn = end_line(locked)?;
        }
        locked.discard_journal()?;
    }
    Ok(settled)
}

/// Ends the last line of the log if it is torn; how many were.
fn end_line(locked: &mut Locked<'_>) -> io::Result<u64> {
    let size = locked.size();
    let torn = size > 0
        && match locked.read(size - 1, 1) {
            Err(error) if is_write_only(&error) => true,
            last => last? != b"\n",
        };
    if torn {
        locked.write(b"\n")?;
    }
    Ok(u64::from(torn))
}
