//! What is known of loggers, found by their address: nothing is stored in them.

use pyo3::ffi;
use pyo3::prelude::*;

use super::counts::count_off;
use super::decision::Decision;
use super::interpreter::{WeakReference, version_of_class};
use super::originals::originals;
use super::question::{Answer, ask};
use super::watchers::changes;
use crate::gil::{GilCell, attached};

/// What is known of a logger. It holds while its class has this version, and, where it was remembered, while nothing has
/// changed; else it is asked again.
#[derive(Clone, Copy)]
struct Entry {
    logger: *mut ffi::PyObject,
    /// A weak reference of ours, by which another logger at the same address is told.
    weak: *mut ffi::PyObject,
    changes: u64,
    version: u32,
    remembered: bool,
    /// Bit `n`: the level `10 * n` is switched off.
    off: u8,
    /// What becomes of its calls that are not, if that has been decided; owned.
    decision: *mut Decision,
}

// SAFETY: reached with the GIL held only.
unsafe impl Send for Entry {}

const EMPTY: Entry = Entry {
    logger: std::ptr::null_mut(),
    weak: std::ptr::null_mut(),
    changes: 0,
    version: 0,
    remembered: false,
    off: 0,
    decision: std::ptr::null_mut(),
};

/// A logger's entry is in one of so many places…
const WAYS: usize = 4;
/// …of a set, which its address tells.
const SETS: usize = 1024;

static ENTRIES: GilCell<[[Entry; WAYS]; SETS]> = GilCell::new([[EMPTY; WAYS]; SETS]);

/// What is known of a level of a logger.
pub enum Known<'a> {
    /// It is switched off, and the call has been counted.
    Off,
    /// What was decided, which may not hold any more.
    Decided(&'a Decision),
    Nothing,
}

/// What is to be remembered of a logger.
pub enum Fact {
    /// Bit `n`: the level `10 * n` is switched off.
    Off(u8),
    Decided(Box<Decision>),
}

fn set_of(py: Python<'_>, logger: *mut ffi::PyObject) -> &mut [Entry; WAYS] {
    // Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, 6.4): the upper bits are the mixed ones.
    let mixed = (logger as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    &mut ENTRIES.get(py)[(mixed >> (u64::BITS - SETS.ilog2())) as usize]
}

/// What is known of a level of a logger. A decision is to be let go before Python runs.
///
/// # Safety
/// A live logger, and the GIL is held.
#[inline(always)]
pub unsafe fn known<'a>(py: Python<'a>, logger: *mut ffi::PyObject, level: usize) -> Known<'a> {
    // SAFETY: the caller's promise; the entry's weak reference and decision are live while the entry is.
    unsafe {
        let Some(entry) = set_of(py, logger).iter().find(|entry| entry.logger == logger) else { return Known::Nothing };
        if entry.version != version_of_class(logger) || !entry.is_of_the_living() {
            return Known::Nothing;
        }
        let off = if entry.remembered {
            if entry.changes != changes() {
                return Known::Nothing;
            }
            entry.off & (1 << level) != 0
        } else {
            originals().is_some_and(|originals| matches!(ask(py, originals, logger, level), Answer::Off { .. }))
        };
        if off {
            count_off(py);
            return Known::Off;
        }
        entry.decision.as_ref().map_or(Known::Nothing, Known::Decided)
    }
}

/// Remembers something of a logger of which nothing has changed since.
///
/// # Safety
/// A live logger, a weak reference to it, and the GIL is held; letting go of what was known before may run Python code.
pub unsafe fn remember(
    py: Python<'_>,
    logger: *mut ffi::PyObject,
    weak: Bound<'_, PyAny>,
    version: u32,
    remembered: bool,
    fact: Fact,
) {
    // SAFETY: the caller's promise.
    let (weak, decision) = unsafe {
        let set = set_of(py, logger);
        let place = set
            .iter()
            .position(|entry| entry.logger == logger)
            .or_else(|| set.iter().position(|entry| !entry.is_of_the_living()))
            // All are taken: one of them has to go.
            .unwrap_or(logger as usize >> 6 & (WAYS - 1));
        let mut old = set[place];
        let mut fresh = Entry { logger, weak: weak.into_ptr(), changes: changes(), version, remembered, ..EMPTY };
        if old.is_of_the_living() && old.is_as_new_as(&fresh) {
            fresh.off = old.off;
            std::mem::swap(&mut fresh.decision, &mut old.decision);
        }
        match fact {
            Fact::Off(bits) => fresh.off |= bits,
            Fact::Decided(decision) => {
                let replaced = std::mem::replace(&mut fresh.decision, Box::into_raw(decision));
                old.decision = if replaced.is_null() { old.decision } else { replaced };
            }
        }
        set[place] = fresh;
        (old.weak, old.decision)
    };
    // SAFETY: null, or what the entry held and nothing holds now.
    unsafe { let_go(weak, decision) };
}

/// Lets go of what was decided for a logger that is gone.
///
/// # Safety
/// The address that it had, the weak reference to it, and the GIL is held.
pub unsafe fn forget(py: Python<'_>, logger: *mut ffi::PyObject, weak: *mut ffi::PyObject) {
    let Some(entry) = set_of(py, logger).iter_mut().find(|entry| entry.weak == weak) else { return };
    let old = std::mem::replace(entry, EMPTY);
    // SAFETY: what the entry held and nothing holds now.
    unsafe { let_go(old.weak, old.decision) };
}

/// # Safety
/// Each is null or owned by the caller, and the GIL is held; Python code may run.
unsafe fn let_go(weak: *mut ffi::PyObject, decision: *mut Decision) {
    // SAFETY: the caller's promise. PyO3 would put off the release of references: it has not been told of the GIL.
    unsafe {
        ffi::Py_XDECREF(weak);
        if !decision.is_null() {
            attached(|_| drop(Box::from_raw(decision)));
        }
    }
}

impl Entry {
    /// Whether its logger is still there.
    ///
    /// # Safety
    /// The GIL is held.
    #[inline(always)]
    unsafe fn is_of_the_living(&self) -> bool {
        // SAFETY: null, or a reference that the entry holds.
        unsafe { self.weak.cast::<WeakReference>().as_ref() }.is_some_and(|weak| weak.object == self.logger)
    }

    fn is_as_new_as(&self, other: &Self) -> bool {
        (self.logger, self.changes, self.version, self.remembered)
            == (other.logger, other.changes, other.version, other.remembered)
    }
}
