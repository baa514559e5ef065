//! The keys of a call, known by the tuple that the call site carries.
//!
//! A call `log.info("…", a=1, b=2)` passes its keyword names as a tuple that is a constant of the code, so the
//! tuple's address says which keys these are. The cache holds the tuple, so an address cannot come to mean others.

use std::cell::UnsafeCell;

use pyo3::ffi;
use undergird_core::record::INLINE;

use super::redaction::{Hidden, is_active};
use super::values::utf8;
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
    /// Which fields must not be seen; `None` while Python has not been asked.
    pub hidden: Option<Hidden>,
}

struct Slot {
    names: *mut ffi::PyObject,
    epoch: u64,
    shape: Shape,
}

struct Cache(UnsafeCell<[Slot; SLOTS]>);

// SAFETY: touched with the GIL held only.
unsafe impl Sync for Cache {}

const EMPTY: Slot = Slot { names: std::ptr::null_mut(), epoch: 0, shape: Shape { id: INLINE, hidden: None } };
static CACHE: Cache = Cache(UnsafeCell::new([EMPTY; SLOTS]));

/// Where a tuple may be.
///
/// # Safety
/// The GIL is held, and nothing runs Python while the reference lives.
#[inline]
unsafe fn slots<'a>(names: *mut ffi::PyObject) -> &'a mut [Slot] {
    let set = (names as usize >> 4) % (SLOTS / WAYS) * WAYS;
    // SAFETY: the caller's promise.
    unsafe { &mut (&mut (*CACHE.0.get()))[set..set + WAYS] }
}

/// Remembers which fields of a call's keywords must not be seen; whether the keywords are known.
///
/// # Safety
/// `names` is a tuple of `str`, and the GIL is held.
pub unsafe fn hide(names: *mut ffi::PyObject, hidden: Hidden) -> bool {
    // SAFETY: the caller's promise.
    let slot = unsafe { slots(names) }.iter_mut().find(|slot| slot.names == names);
    slot.map(|slot| slot.shape.hidden = Some(hidden)).is_some()
}

/// Forgets all tuples.
///
/// # Safety
/// The GIL is held.
pub unsafe fn forget() {
    // SAFETY: the caller's promise. An epoch that no ring has; the tuples go when others take their places.
    unsafe { &mut *CACHE.0.get() }.iter_mut().for_each(|slot| slot.epoch = 0);
}

/// The shape of a call's keywords. `None` if they are not for us: one is the standard library's own, or has a lone
/// surrogate; then Python code may have run.
///
/// # Safety
/// `names` is a tuple of `str`, and the GIL is held.
#[inline]
pub unsafe fn shape(names: *mut ffi::PyObject, runtime: &Runtime, gil: &mut GilSide) -> Option<Shape> {
    // SAFETY: the GIL is held, and the reference is let go at once.
    for slot in unsafe { slots(names) } {
        if slot.names == names && slot.epoch == gil.epoch {
            return Some(slot.shape);
        }
    }
    // SAFETY: the caller's promise.
    unsafe { find(names, runtime, gil) }
}

/// # Safety
/// As [`shape`].
#[cold]
unsafe fn find(names: *mut ffi::PyObject, runtime: &Runtime, gil: &mut GilSide) -> Option<Shape> {
    let mut keys = Vec::new();
    // SAFETY: a live tuple of str.
    for at in 0..unsafe { ffi::PyTuple_GET_SIZE(names) } {
        // SAFETY: as above.
        let key = unsafe { utf8(ffi::PyTuple_GET_ITEM(names, at)) }.filter(|key| !SPECIAL.contains(key))?;
        keys.push(Box::from(key));
    }
    let hidden = (!is_active()).then_some(Hidden::default());
    let shape = Shape { id: gil.shape(&runtime.memory, keys), hidden };
    // SAFETY: nothing below runs Python.
    let slots = unsafe { slots(names) };
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
    Some(shape)
}
