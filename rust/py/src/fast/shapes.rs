//! The keys of a call, known by the tuple that the call site carries.
//!
//! A call `log.info("…", a=1, b=2)` passes its keyword names as a tuple that is a constant of the code, so the
//! tuple's address says which keys these are. The cache holds the tuple, so an address cannot come to mean others.

use std::cell::UnsafeCell;

use pyo3::ffi;
use undergird_core::record::INLINE;

use super::values::with_text;
use crate::producer::GilSide;
use crate::runtime::Runtime;

/// Keyword arguments that are the standard library's, not fields.
const SPECIAL: [&[u8]; 4] = [b"exc_info", b"stack_info", b"stacklevel", b"extra"];
const SLOTS: usize = 1024;
/// How many tuples may share an address's place.
const WAYS: usize = 4;

/// What is known of a tuple of keywords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The number in the dictionary, or [`INLINE`].
    pub id: u32,
    /// Whether a keyword is the standard library's own.
    pub special: bool,
}

struct Slot {
    names: *mut ffi::PyObject,
    epoch: u64,
    shape: Shape,
}

struct Cache(UnsafeCell<[Slot; SLOTS]>);

// SAFETY: touched with the GIL held only.
unsafe impl Sync for Cache {}

const EMPTY: Slot = Slot { names: std::ptr::null_mut(), epoch: 0, shape: Shape { id: INLINE, special: false } };
static CACHE: Cache = Cache(UnsafeCell::new([EMPTY; SLOTS]));

/// The shape of a call's keywords.
///
/// # Safety
/// `names` is a tuple of `str`, and the GIL is held.
#[inline]
pub unsafe fn shape(names: *mut ffi::PyObject, runtime: &Runtime, gil: &mut GilSide) -> Shape {
    let set = (names as usize >> 4) % (SLOTS / WAYS) * WAYS;
    // SAFETY: the GIL is held, and nothing here runs Python while the reference lives.
    let slots = unsafe { &mut (&mut (*CACHE.0.get()))[set..set + WAYS] };
    for slot in &*slots {
        if slot.names == names && slot.epoch == gil.epoch {
            return slot.shape;
        }
    }
    // SAFETY: the caller's promise.
    unsafe { find(names, slots, runtime, gil) }
}

/// # Safety
/// As [`shape`].
#[cold]
unsafe fn find(names: *mut ffi::PyObject, slots: &mut [Slot], runtime: &Runtime, gil: &mut GilSide) -> Shape {
    let mut keys = Vec::new();
    let mut special = false;
    // SAFETY: a live tuple of str; encoding a str runs no Python code.
    unsafe {
        for at in 0..ffi::PyTuple_GET_SIZE(names) {
            with_text(ffi::PyTuple_GET_ITEM(names, at), |key| {
                special |= SPECIAL.contains(&key);
                keys.push(Box::from(key));
            });
        }
    }
    let id = if special { INLINE } else { gil.shape(&runtime.memory, keys) };
    let shape = Shape { id, special };
    // A tuple that nobody else holds any more was a call's own (`**fields`) and makes room first; a constant of
    // the code gives way to another constant only.
    // SAFETY: slots hold live tuples or null.
    let free = |slot: &Slot| slot.names.is_null() || slot.names == names || unsafe { ffi::Py_REFCNT(slot.names) } == 1;
    let at = slots.iter().position(free).unwrap_or((names as usize >> 13) % WAYS);
    // SAFETY: live tuples of strings: releasing one runs no Python code.
    unsafe {
        ffi::Py_INCREF(names);
        let old = std::mem::replace(&mut slots[at], Slot { names, epoch: gil.epoch, shape });
        ffi::Py_XDECREF(old.names);
    }
    shape
}
