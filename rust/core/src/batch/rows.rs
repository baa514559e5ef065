//! The rows of a block on their way to a sink.

use super::{Batch, ERROR};
use crate::dictionary::Dictionary;
use crate::format::{Formatter, Style};
use crate::record::block::{Block, offset_behind, rows_before, rows_in};
use crate::record::{Header, Record};
use crate::scratch::Scratch;

/// A block of the ring.
pub(super) struct Rows<'a> {
    /// Its header, which is that of each of its rows.
    pub(super) header: Header,
    /// Its payload.
    pub(super) payload: &'a [u8],
    /// The position behind it.
    pub(super) next: u64,
}

impl Rows<'_> {
    /// Appends the rows' lines, from the one at `batch.to` on, until `out` holds `enough` bytes or `until` is reached.
    pub(super) fn format<S: Style>(
        &self,
        (until, enough): (u64, usize),
        (formatter, dictionary): (&mut Formatter<S>, &Dictionary),
        out: &mut Vec<u8>,
        mut ends: Option<&mut Vec<(usize, u64)>>,
        batch: &mut Batch,
    ) {
        let begin = self.header.position;
        let (done, count) = (rows_before(batch.to.saturating_sub(begin)), rows_in(self.payload));
        let mut block = Block::parse(self.payload).ok();
        let mut payload = Scratch::new();
        for row in 0..count {
            payload.clear();
            block = block.and_then(|mut block| block.next_row(&mut payload).map(|()| block).ok());
            if row < done {
                continue;
            }
            batch.to = if row + 1 < count { begin + offset_behind(row + 1) } else { self.next };
            let record = Record { header: self.header, payload: payload.as_slice() };
            if block.is_some() && formatter.line(&record, dictionary, out).is_ok() {
                batch.records += 1;
                batch.severe |= self.header.level >= ERROR;
                if let Some(ends) = &mut ends {
                    ends.push((out.len(), batch.to));
                }
            } else {
                batch.failed += 1;
            }
            if batch.to >= until || out.len() >= enough {
                return;
            }
        }
        batch.to = self.next;
    }
}
