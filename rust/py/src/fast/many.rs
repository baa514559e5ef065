//! `log.many`: rows go into the ring as blocks, their fields column by column.

use std::sync::atomic::Ordering;

use pyo3::prelude::*;
use pyo3::types::PyString;
use undergird_core::record::block::{Block, MOST_ROWS, encode_block};
use undergird_core::record::{HEADER, Header, INLINE, Kind, flags};
use undergird_core::scratch::Scratch;

use super::columns::Column;
use super::limits::{Noticed, countable};
use super::logger::Logger;
use super::values::{encode_text, text_of};
use super::{context, extras};
use crate::accept::accept;
use crate::current::current;
use crate::generation::generation;
use crate::host::wall_ns;

/// Bytes of rows in a block; one row may be more. So much stays in the processor's nearest memory.
const BYTES: usize = 16 << 10;

/// Logs rows, natively for as long as that can be done.
///
/// `level` is the level's index; `columns` hold for each of the `names` what
/// [`Column::read`] takes. All rows get one stamp, in nanoseconds since the epoch: now, if none is given.
///
/// Returns how many rows have been dealt with; the others have to go the standard library's way.
#[pyfunction]
#[pyo3(signature = (logger, level, message, names, columns, rows, stamp=None, /))]
pub fn many(
    logger: &Bound<'_, Logger>,
    level: usize,
    message: &Bound<'_, PyString>,
    names: Vec<Bound<'_, PyString>>,
    columns: Vec<(String, Bound<'_, PyAny>)>,
    rows: usize,
    stamp: Option<u64>,
) -> PyResult<usize> {
    let mut noticed = Noticed::default();
    let count = countable(names.len(), &mut noticed).into();
    let fields = names.iter().zip(columns).take(count);
    // Reading them may run Python; nothing below does.
    let columns = fields.map(|(name, (code, object))| Column::read(&code, &object, name, rows));
    let columns = columns.collect::<PyResult<Vec<_>>>()?;
    // SAFETY: live `str`s, and the GIL is held.
    let keys = names[..count].iter().map(|name| unsafe { text_of(name.as_ptr()) }).collect();
    let mut text = Scratch::new();
    // SAFETY: as above.
    unsafe { encode_text(message.as_ptr(), &mut text, &mut noticed) };
    let table =
        Table { level, text, keys, columns, rows, truncated: noticed.truncated, stamp: stamp.unwrap_or_else(wall_ns) };
    let mut done = 0;
    while done < rows {
        match table.log(logger, done)? {
            Some(more) => done = more,
            None => return Ok(done),
        }
    }
    Ok(rows)
}

/// What is to be logged.
struct Table {
    level: usize,
    /// The message, as a record has it.
    text: Scratch,
    keys: Vec<Box<[u8]>>,
    columns: Vec<Column>,
    rows: usize,
    /// Whether something that all rows have was cut.
    truncated: bool,
    stamp: u64,
}

impl Table {
    /// Logs the rows from `done` on until something changes; how many are done then. `None` if they are not for us.
    fn log(&self, logger: &Bound<'_, Logger>, mut done: usize) -> PyResult<Option<usize>> {
        let (py, logger) = (logger.py(), logger.get());
        let surroundings = logger.surroundings.get();
        let mut plan = surroundings.plan(py)?;
        if !plan.still_holds(py) {
            plan = surroundings.replan(py)?;
        }
        if plan.is_off(py, self.level) {
            return Ok(Some(self.rows));
        }
        // SAFETY: the GIL is held. It may be given away while a block waits for room: whoever puts another in the place
        // of this runtime moves the generation, which is looked at before the reference is used again.
        let runtime = match unsafe { current() } {
            Some(_) if plan.is_native(self.level) && plan.is_for_nobody(self.level) => return Ok(Some(self.rows)),
            Some(runtime) if plan.is_native(self.level) => runtime,
            _ => return Ok(None),
        };
        // SAFETY: the GIL is held; the reference ends here.
        let epoch = unsafe { runtime.gil() }.epoch;
        let in_use = extras::in_use();
        let context = if in_use & extras::CONTEXT == 0 { None } else { context::fields(py) };
        let around = [context.as_ref().map(Bound::get), logger.bound.as_ref().map(Py::get)];
        if let Some(fields) = around.iter().flatten().find(|fields| fields.shape(epoch).is_none()) {
            return Ok(fields.prepare()?.then_some(done));
        }
        let mut shared = Scratch::new();
        let mut header = Header {
            level: plan.level(self.level),
            flags: if self.columns.is_empty() { 0 } else { flags::FIELDS },
            route: plan.route_id(self.level),
            name: plan.name,
            stamp: self.stamp,
            ..Header::default()
        };
        if plan.name == INLINE {
            header.flags |= flags::NAME_INLINE;
            shared.text(&plan.name_text);
        }
        shared.bytes(self.text.as_slice());
        let (made_at, route, names) = (plan.generation, plan.route(self.level), plan.names);
        let mut noticed = Noticed { truncated: self.truncated, ..Noticed::default() };
        let planned = in_use & (plan.extras | extras::CLOCK);
        if planned != 0 {
            // SAFETY: the GIL is held; `plan` is not used again, for Python may run.
            unsafe { extras::encode(py, planned, names, 0, &mut header, &mut shared, &mut noticed)? };
        }
        for (fields, flag) in around.into_iter().zip([flags::CONTEXT, flags::BOUND]) {
            if let Some(fields) = fields {
                header.flags |= flag;
                fields.encode(py, fields.shape(epoch).unwrap_or(INLINE), &mut shared, &mut noticed);
            }
        }
        if noticed.truncated {
            header.flags |= flags::TRUNCATED;
        }
        if generation().load(Ordering::Relaxed) != made_at {
            return Ok(Some(done));
        }
        // SAFETY: the GIL is held; the reference is let go before it may be given away.
        let shape = unsafe { runtime.gil() }.shape(&runtime.memory, self.keys.clone());
        let largest = runtime.memory.ring().largest();
        let mut payload = Scratch::new();
        while done < self.rows && generation().load(Ordering::Relaxed) == made_at {
            let to = self.end_of_block(done, shared.len(), largest);
            payload.clear();
            self.encode(done, to, shared.as_slice(), shape, &mut payload);
            let mut header = Header { kind: Kind::Block as u8, ..header };
            // A value that was cut is so long that its row has a block to itself.
            if self.columns.iter().any(|column| column.is_cut(done)) {
                header.flags |= flags::TRUNCATED;
            }
            if HEADER + payload.len() > largest {
                // One row: a record by itself, which goes to a file of its own.
                header.kind = Kind::Log as u8;
                payload = single(&payload);
            }
            if !accept(py, runtime, route, header, payload.as_slice(), (to - done) as u64)? {
                break;
            }
            done = to;
        }
        Ok(Some(done))
    }

    /// Where a block ends that begins with the row `from`.
    fn end_of_block(&self, from: usize, shared: usize, largest: usize) -> usize {
        let keys: usize = self.keys.iter().map(|key| size_of::<u32>() + key.len()).sum();
        let columns: usize = self.columns.iter().map(Column::fixed).sum();
        let room = largest.saturating_sub(HEADER + 16 + shared + keys + columns).min(BYTES);
        let most = self.rows.min(from + MOST_ROWS);
        if self.columns.iter().all(Column::has_width) {
            let width: usize = self.columns.iter().map(|column| column.size(from)).sum();
            return most.min(from + (room / width.max(1)).max(1));
        }
        let (mut to, mut bytes) = (from, 0);
        while to < most {
            bytes += self.columns.iter().map(|column| column.size(to)).sum::<usize>();
            if bytes > room && to > from {
                break;
            }
            to += 1;
        }
        to
    }

    fn encode(&self, from: usize, to: usize, shared: &[u8], shape: u32, out: &mut Scratch) {
        encode_block(to - from, shared, shape, self.columns.len() as u16, out);
        for (key, column) in self.keys.iter().zip(&self.columns) {
            if shape == INLINE {
                out.text(key);
            }
            column.encode(from, to, out);
        }
    }
}

/// The only row of a block, as the payload of a record.
#[cold]
fn single(block: &Scratch) -> Scratch {
    let mut row = Scratch::new();
    let read = Block::parse(block.as_slice()).and_then(|mut block| block.next_row(&mut row));
    debug_assert!(read.is_ok(), "a block that was just made");
    row
}
