//! Finding out what becomes of a call, as the standard library would; it is remembered until something changes that is
//! noticed.

use pyo3::ffi;
use pyo3::prelude::*;

use super::counts::{Reason, count_off};
use super::decision::Decision;
use super::interpreter::version_of_class;
use super::memory::{Fact, Known, forget, known, remember};
use super::originals::{Originals, originals};
use super::question::{Answer, ask};
use super::setters;
use super::watchers::{changes, watch};
use crate::fast::upcall::call;
use crate::gil::attached;

/// What becomes of a call.
pub enum Found {
    /// It is switched off, and has been counted.
    Off,
    /// It has been decided, and is known now.
    Decided,
    /// The standard library knows.
    Theirs(Reason),
}

/// Finds out.
///
/// # Errors
/// What asking raises.
///
/// # Safety
/// A live logger, and the GIL is held.
#[cold]
pub unsafe fn find_out(py: Python<'_>, logger: *mut ffi::PyObject, level: usize) -> PyResult<Found> {
    let Some(originals) = originals() else { return Ok(Found::Theirs(Reason::Other)) };
    // SAFETY: live objects.
    unsafe {
        if !originals.are_in_place() || !originals.asks(py, ffi::Py_TYPE(logger)) {
            return Ok(Found::Theirs(Reason::Patched));
        }
        let mut answer = ask(py, originals, logger, level);
        if let Answer::NotInCache { number } = answer {
            let number = Bound::from_borrowed_ptr(py, number);
            call(originals.is_enabled_for.bind(py), [&Bound::from_borrowed_ptr(py, logger), &number])?;
            answer = ask(py, originals, logger, level);
        }
        match answer {
            Answer::Off { .. } => remember_off(py, originals, logger, level),
            Answer::On { .. } => decide(py, originals, logger, level),
            _ => Ok(Found::Theirs(Reason::Other)),
        }
    }
}

/// Remembers that a level is switched off, if it still is.
///
/// # Safety
/// Live objects, and the GIL is held.
unsafe fn remember_off(
    py: Python<'_>,
    originals: &Originals,
    logger: *mut ffi::PyObject,
    level: usize,
) -> PyResult<Found> {
    // SAFETY: the caller's promise.
    unsafe {
        let weak = Bound::from_owned_ptr_or_err(py, ffi::PyWeakref_NewRef(logger, std::ptr::null_mut()))?;
        // From here on nothing runs Python code before it is remembered.
        let Some(remembered) = is_told_of(py, originals, logger, level, |answer| matches!(answer, Answer::Off { .. }))
        else {
            return Ok(Found::Theirs(Reason::Other));
        };
        count_off(py);
        let version = version_of_class(logger);
        if version != 0 {
            remember(py, logger, weak, version, remembered, Fact::Off(1 << level));
        }
        Ok(Found::Off)
    }
}

/// Decides what becomes of enabled calls, and remembers it if it will be told of changes.
///
/// # Safety
/// Live objects, and the GIL is held.
unsafe fn decide(py: Python<'_>, originals: &Originals, logger: *mut ffi::PyObject, level: usize) -> PyResult<Found> {
    // SAFETY: the caller's promise.
    unsafe {
        if !setters::tell(py, ffi::Py_TYPE(logger)) {
            return Ok(Found::Theirs(Reason::Unwatched));
        }
        if let Known::Decided(decision) = known(py, logger, level)
            && decision.holds(py)
        {
            return Ok(Found::Decided);
        }
        let on = |answer: &Answer| matches!(answer, Answer::On { .. });
        // Before asking: a change while Python answers makes the answer void.
        if is_told_of(py, originals, logger, level, on) != Some(true) {
            return Ok(Found::Theirs(Reason::Unwatched));
        }
        // The first question may change something itself: what tells of changes is put into its place then.
        for _ in 0..2 {
            let before = changes();
            let weak = weak_reference(py, logger)?;
            let Some(decision) = Decision::make(originals, &Bound::from_borrowed_ptr(py, logger))? else { break };
            let version = version_of_class(logger);
            let still = is_told_of(py, originals, logger, level, on) == Some(true);
            if still && changes() == before && version != 0 && decision.holds(py) {
                remember(py, logger, weak, version, true, Fact::Decided(Box::new(decision)));
                return Ok(Found::Decided);
            }
            // PyO3 would put off the release of references: it has not been told of the GIL.
            attached(|_| drop(decision));
        }
        Ok(Found::Theirs(Reason::Other))
    }
}

/// Whether all changes of a logger's own are told of from now on; `None` if the answer is another one now.
///
/// # Safety
/// Live objects, and the GIL is held.
unsafe fn is_told_of(
    py: Python<'_>,
    originals: &Originals,
    logger: *mut ffi::PyObject,
    level: usize,
    expected: impl Fn(&Answer) -> bool,
) -> Option<bool> {
    // SAFETY: the caller's promise.
    unsafe {
        let class = ffi::Py_TYPE(logger);
        if !originals.are_in_place() || !originals.asks(py, class) {
            return None;
        }
        let answer = ask(py, originals, logger, level);
        let (attributes, cache) = match answer {
            Answer::Off { attributes, cache } if expected(&answer) => (attributes, cache),
            Answer::On { attributes, cache } if expected(&answer) => (attributes, Some(cache)),
            _ => return None,
        };
        Some(
            setters::tell(py, class)
                && watch(attributes)
                && cache.is_none_or(|cache| watch(cache))
                && watch(originals.module.as_ptr()),
        )
    }
}

/// A weak reference by which what was decided for a logger goes with it.
unsafe fn weak_reference(py: Python<'_>, logger: *mut ffi::PyObject) -> PyResult<Bound<'_, PyAny>> {
    struct Definition(ffi::PyMethodDef);
    // SAFETY: it is never written to.
    unsafe impl Sync for Definition {}
    static GONE: Definition = Definition(ffi::PyMethodDef {
        ml_name: c"gone".as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: gone },
        ml_flags: ffi::METH_O,
        ml_doc: std::ptr::null(),
    });
    // SAFETY: live objects; the definition is there for ever, and nothing writes to it.
    unsafe {
        let address = Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromVoidPtr(logger.cast()))?;
        let definition = (&raw const GONE.0).cast_mut();
        let callback = Bound::from_owned_ptr_or_err(
            py,
            ffi::PyCFunction_NewEx(definition, address.as_ptr(), std::ptr::null_mut()),
        )?;
        Bound::from_owned_ptr_or_err(py, ffi::PyWeakref_NewRef(logger, callback.as_ptr()))
    }
}

/// A logger is gone, whose address this function has.
///
/// # Safety
/// The interpreter calls it, with the GIL held.
unsafe extern "C" fn gone(address: *mut ffi::PyObject, weak: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: an integer that was made of an address.
    unsafe {
        let logger = ffi::PyLong_AsVoidPtr(address);
        forget(Python::assume_attached(), logger.cast(), weak);
        ffi::Py_NewRef(ffi::Py_None())
    }
}
