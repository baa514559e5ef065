//! Which of the things that most programs do without are in use: one byte, so that a plain call asks one question for
//! all of them.

use std::sync::atomic::{AtomicU8, Ordering};

/// Fields of the surrounding context.
pub const CONTEXT: u8 = 1;

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
