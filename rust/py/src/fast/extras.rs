//! Which of the things that most programs do without are in use: one byte, so that a plain call asks one question for
//! all of them.

use std::sync::atomic::{AtomicU8, Ordering};

use pyo3::prelude::*;
use undergird_core::record::{Header, flags};
use undergird_core::scratch::Scratch;

use super::clock::encode_time;
use super::limits::Noticed;
use super::names::Names;
use super::site::encode_site;

/// Fields of the surrounding context.
pub const CONTEXT: u8 = 1;
/// The place of the call in the program.
pub const SITE: u8 = 1 << 1;
/// Names of thread, process and task, and the fields of the run.
pub const NAMES: u8 = 1 << 2;
/// A clock beside the wall clock.
pub const CLOCK: u8 = 1 << 3;
/// Records that are held back now and then.
pub const SAMPLING: u8 = 1 << 4;
/// Those that a plan says, for all that go to the same files.
pub const PLANNED: u8 = SITE | NAMES;

/// A bit for each that is in use.
static IN_USE: AtomicU8 = AtomicU8::new(0);

/// The bits of those that are in use; 0 for most programs.
#[inline(always)]
pub fn in_use() -> u8 {
    // Relaxed: read and written with the GIL held.
    IN_USE.load(Ordering::Relaxed)
}

/// Says whether one is in use.
pub fn set(bit: u8, used: bool) {
    let others = in_use() & !bit;
    // Relaxed: as above.
    IN_USE.store(if used { others | bit } else { others }, Ordering::Relaxed);
}

/// Appends the sections of some extras, in the record's order.
///
/// # Errors
/// Only what is not for a logger to swallow.
///
/// # Safety
/// The GIL is held; Python code may run.
#[inline(never)]
pub unsafe fn encode(
    py: Python<'_>,
    extras: u8,
    names: Names,
    held_back: u64,
    header: &mut Header,
    out: &mut Scratch,
    noticed: &mut Noticed,
) -> PyResult<()> {
    if extras & CLOCK != 0 {
        encode_time(py, header, out, noticed)?;
    }
    if held_back > 0 {
        header.flags |= flags::HELD_BACK;
        out.bytes(&held_back.to_le_bytes());
    }
    if extras & SITE != 0 {
        // SAFETY: the caller's promise.
        unsafe { encode_site(py, header, out, noticed) };
    }
    if extras & NAMES != 0 {
        // SAFETY: as above.
        unsafe { names.encode(py, header, out, noticed)? };
    }
    Ok(())
}
