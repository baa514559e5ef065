//! Where in the program a call stands: function, file and line, remembered by code object and instruction.

use std::ffi::c_int;

use pyo3::ffi;
use pyo3::prelude::*;
use undergird_core::record::{Header, flags};
use undergird_core::scratch::Scratch;

use super::frames::{Place, all, innermost};
use super::limits::Noticed;
use super::values::{encode_text, text_of};
use crate::gil::GilCell;

const SLOTS: usize = 1024;
/// How many instructions may share a place.
const WAYS: usize = 4;

struct Slot {
    /// Held, so that an address cannot come to mean another code object.
    code: *mut ffi::PyObject,
    offset: c_int,
    /// Whether this is our own Python code, which is never the caller.
    ours: bool,
    /// The section as it stands in a record.
    section: Vec<u8>,
}

const EMPTY: Slot = Slot { code: std::ptr::null_mut(), offset: 0, ours: false, section: Vec::new() };

struct Cache([Slot; SLOTS]);

// SAFETY: lives in a `GilCell`: reached with the GIL held only.
unsafe impl Send for Cache {}

static CACHE: GilCell<Cache> = GilCell::new(Cache([EMPTY; SLOTS]));
/// How the file names of Python code begin that is never the caller: ours, and that of loggers over ours.
static OURS: GilCell<Vec<Box<[u8]>>> = GilCell::new(Vec::new());

/// Says how the file names of such code begin, besides those of earlier calls. Places that were met before stay what they
/// were.
#[pyfunction]
pub fn skip_frames_in(py: Python<'_>, beginning: &Bound<'_, pyo3::types::PyString>) {
    // SAFETY: a live str, and the GIL is held.
    let beginning = unsafe { text_of(beginning.as_ptr()) };
    OURS.get(py).push(beginning);
}

/// Appends the section of the place of the call.
///
/// # Safety
/// The GIL is held; Python code may run.
#[inline(never)]
pub unsafe fn encode_site(py: Python<'_>, header: &mut Header, out: &mut Scratch, noticed: &mut Noticed) {
    header.flags |= flags::SITE;
    // SAFETY: the caller's promise.
    let found = unsafe { innermost() }.is_some_and(|place| encode_place(py, &place, out, noticed));
    // SAFETY: as above.
    if !found && !unsafe { all() }.any(|place| encode_place(py, &place, out, noticed)) {
        // As the standard library calls them.
        out.text(b"(unknown function)");
        out.text(b"(unknown file)");
        out.bytes(&0u32.to_le_bytes());
    }
}

/// The place of the call; `None` if no Python code of the program's called.
///
/// # Safety
/// The GIL is held; Python code may run.
#[inline]
pub unsafe fn caller(py: Python<'_>) -> Option<Place> {
    let is_theirs = |place: &Place| with_place(py, place, &mut Noticed::default(), |_| ());
    // SAFETY: the caller's promise.
    unsafe { innermost().filter(is_theirs).or_else(|| all().find(is_theirs)) }
}

/// Appends a place, unless it is in our own Python code; whether it did.
#[inline]
fn encode_place(py: Python<'_>, place: &Place, out: &mut Scratch, noticed: &mut Noticed) -> bool {
    with_place(py, place, noticed, |section| out.bytes(section))
}

/// Shows the section of a place, unless it is in our own Python code; whether it did.
#[inline]
fn with_place(py: Python<'_>, place: &Place, noticed: &mut Noticed, found: impl FnOnce(&[u8])) -> bool {
    let hash = (place.code() as usize >> 4).wrapping_add(place.offset as usize).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let set = (hash >> 32) % (SLOTS / WAYS) * WAYS;
    let slots = &mut CACHE.get(py).0[set..set + WAYS];
    if let Some(slot) = slots.iter().find(|slot| slot.code == place.code() && slot.offset == place.offset) {
        if !slot.ours {
            found(&slot.section);
        }
        return !slot.ours;
    }
    // On CPython 3.11 making a frame object may collect garbage, and what makes room below may be freed.
    noticed.ran_python = true;
    let new = describe(py, place);
    let ours = new.ours;
    if !ours {
        found(&new.section);
    }
    let slots = &mut CACHE.get(py).0[set..set + WAYS];
    let at = slots.iter().position(|slot| slot.code.is_null()).unwrap_or((hash >> 16) % WAYS);
    let old = std::mem::replace(&mut slots[at], new);
    // SAFETY: null or the slot's reference; the slot has been replaced, for this may run Python code (a weak
    // reference's callback).
    unsafe { ffi::Py_XDECREF(old.code) };
    !ours
}

/// What is to be remembered of a place.
#[cold]
fn describe(py: Python<'_>, place: &Place) -> Slot {
    let mut section = Scratch::new();
    let mut noticed = Noticed::default();
    // SAFETY: a live code object, and the GIL is held.
    let code = unsafe { Bound::from_borrowed_ptr(py, place.code()) };
    // SAFETY: as above; its line table is read, and no Python code runs.
    let line = unsafe { ffi::PyCode_Addr2Line(place.code().cast(), place.offset) };
    let mut ours = false;
    for name in [pyo3::intern!(py, "co_name"), pyo3::intern!(py, "co_filename")] {
        let text = code.getattr(name).unwrap_or_else(|_| name.clone().into_any());
        // SAFETY: a live str.
        unsafe {
            encode_text(text.as_ptr(), &mut section, &mut noticed);
            let text = text_of(text.as_ptr());
            ours = OURS.get(py).iter().any(|beginning| text.starts_with(beginning));
        }
    }
    section.bytes(&u32::try_from(line).unwrap_or(0).to_le_bytes());
    // SAFETY: the reference is the slot's.
    unsafe { ffi::Py_INCREF(place.code()) };
    Slot { code: place.code(), offset: place.offset, ours, section: section.as_slice().into() }
}
