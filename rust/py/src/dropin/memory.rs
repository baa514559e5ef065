//! What is known of loggers, found by their address: nothing is stored in them.

use pyo3::ffi;
use pyo3::prelude::*;

use super::interpreter::{WeakReference, version_of_class};
use super::originals::{Originals, originals};
use super::question::{Answer, ask};
use super::setters;
use super::watchers::{changes, watch};
use crate::fast::upcall::call;
use crate::gil::GilCell;

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
};

/// A logger's entry is in one of so many places…
const WAYS: usize = 4;
/// …of a set, which its address tells.
const SETS: usize = 1024;

static ENTRIES: GilCell<[[Entry; WAYS]; SETS]> = GilCell::new([[EMPTY; WAYS]; SETS]);
static ANSWERED: GilCell<u64> = GilCell::new(0);

fn set_of(py: Python<'_>, logger: *mut ffi::PyObject) -> &mut [Entry; WAYS] {
    // Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, 6.4): the upper bits are the mixed ones.
    let mixed = (logger as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    &mut ENTRIES.get(py)[(mixed >> (u64::BITS - SETS.ilog2())) as usize]
}

/// How many calls were answered here.
pub fn answered(py: Python<'_>) -> u64 {
    *ANSWERED.get(py)
}

/// Whether a level of a logger is known to be switched off.
///
/// # Safety
/// A live logger, and the GIL is held.
#[inline(always)]
pub unsafe fn is_off(py: Python<'_>, logger: *mut ffi::PyObject, level: usize) -> bool {
    // SAFETY: the caller's promise; the entry's weak reference is live while the entry is.
    let off = unsafe {
        let Some(entry) = set_of(py, logger).iter().find(|entry| entry.logger == logger) else { return false };
        if entry.version != version_of_class(logger) || !entry.is_of_the_living() {
            return false;
        }
        if entry.remembered {
            entry.changes == changes() && entry.off & (1 << level) != 0
        } else {
            originals().is_some_and(|originals| matches!(ask(py, originals, logger, level), Answer::Off { .. }))
        }
    };
    *ANSWERED.get(py) += u64::from(off);
    off
}

/// Finds out whether a level of a logger is switched off, as the standard library would; remembers it if it is, and will be
/// until something changes that is noticed. `false` also where only the standard library can tell.
///
/// # Errors
/// What asking raises.
///
/// # Safety
/// A live logger, and the GIL is held.
#[cold]
pub unsafe fn find_out(py: Python<'_>, logger: *mut ffi::PyObject, level: usize) -> PyResult<bool> {
    let Some(originals) = originals() else { return Ok(false) };
    // SAFETY: live objects.
    unsafe {
        if !originals.are_in_place() || !originals.asks(py, ffi::Py_TYPE(logger)) {
            return Ok(false);
        }
        match ask(py, originals, logger, level) {
            Answer::Off { .. } => {}
            Answer::NotInCache { number } => {
                let number = Bound::from_borrowed_ptr(py, number);
                call(originals.is_enabled_for.bind(py), [&Bound::from_borrowed_ptr(py, logger), &number])?;
            }
            Answer::Other => return Ok(false),
        }
        let weak = Bound::from_owned_ptr_or_err(py, ffi::PyWeakref_NewRef(logger, std::ptr::null_mut()))?;
        // From here on nothing runs Python code.
        let off = remember(py, originals, logger, level, &weak);
        *ANSWERED.get(py) += u64::from(off);
        Ok(off)
    }
}

/// Remembers that a level is switched off, if it still is; gives whether it is.
///
/// # Safety
/// Live objects, and the GIL is held.
unsafe fn remember(
    py: Python<'_>,
    originals: &Originals,
    logger: *mut ffi::PyObject,
    level: usize,
    weak: &Bound<'_, PyAny>,
) -> bool {
    // SAFETY: the caller's promise.
    let old = unsafe {
        let class = ffi::Py_TYPE(logger);
        if !originals.are_in_place() || !originals.asks(py, class) {
            return false;
        }
        let Answer::Off { attributes, cache } = ask(py, originals, logger, level) else { return false };
        let remembered = setters::tell(py, class)
            && watch(attributes)
            && cache.is_none_or(|cache| watch(cache))
            && watch(originals.module.as_ptr());
        let version = version_of_class(logger);
        if version == 0 {
            return true;
        }
        let set = set_of(py, logger);
        let place = set
            .iter()
            .position(|entry| entry.logger == logger)
            .or_else(|| set.iter().position(|entry| !entry.is_of_the_living()))
            // All are taken: one of them has to go.
            .unwrap_or(logger as usize >> 6 & (WAYS - 1));
        let old = set[place];
        let weak = weak.clone().into_ptr();
        let fresh = Entry { logger, weak, changes: changes(), version, remembered, off: 1 << level };
        let known = if old.is_of_the_living() && old.is_as_new_as(&fresh) { old.off } else { 0 };
        set[place] = Entry { off: fresh.off | known, ..fresh };
        old.weak
    };
    // SAFETY: null, or the reference that the entry held.
    unsafe { ffi::Py_XDECREF(old) };
    true
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
