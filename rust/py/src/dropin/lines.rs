//! A message and the lines that handlers make of it, in one piece of memory.

use std::ops::Range;

/// A message and its lines. Before each stand four bytes that say how long it is, as in a record.
pub struct Lines {
    bytes: Vec<u8>,
    /// Where the lines begin.
    behind: usize,
    count: usize,
}

/// Bytes that say how long a line is.
pub const LENGTH: usize = 4;

impl Lines {
    /// None yet.
    pub fn of(message: Vec<u8>) -> Self {
        Self { behind: message.len(), bytes: message, count: 0 }
    }

    /// Adds what `append` appends, which is told where the message stands; `None` if it is too long.
    pub fn add(&mut self, append: impl FnOnce(Range<usize>, &mut Vec<u8>)) -> Option<()> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; LENGTH]);
        append(0..self.behind, &mut self.bytes);
        let length = u32::try_from(self.bytes.len() - start - LENGTH).ok()?;
        self.bytes[start..start + LENGTH].copy_from_slice(&length.to_le_bytes());
        self.count += 1;
        Some(())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Each line, with its length before it.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.bytes[self.behind..];
        std::iter::from_fn(move || {
            let length = u32::from_le_bytes(*rest.first_chunk()?) as usize;
            let (line, behind) = rest.split_at(LENGTH + length);
            rest = behind;
            Some(line)
        })
    }
}
