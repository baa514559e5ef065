//! A call of a native method: what is known of the logger decides, or else is found out.

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;

use super::counts::{Reason, count_fallback};
use super::enabled::{self, Outcome};
use super::finding::{Found, find_out};
use super::memory::{Known, known};
use super::originals::originals;
use crate::fast::call::contained;
use crate::fast::upcall::call_with;

/// One level's method. `LEVEL` is a tenth of the standard library's number.
///
/// # Safety
/// The interpreter calls it, with the GIL held.
pub unsafe extern "C" fn method<const LEVEL: usize, const REPLACES: bool>(
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter holds the GIL when it calls a method, and these are its arguments.
    unsafe {
        let level = if count > 0 && are_options(names, "self".len() as isize) { LEVEL } else { 0 };
        enter::<REPLACES>(Call { py: Python::assume_attached(), which: LEVEL, level, this, args, count, names })
    }
}

/// `log`: the level is the first argument.
///
/// # Safety
/// As above.
pub unsafe extern "C" fn log<const REPLACES: bool>(
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as above.
    unsafe {
        let level = if count > 1 && are_options(names, "level".len() as isize) { level_of(*args) } else { 0 };
        enter::<REPLACES>(Call { py: Python::assume_attached(), which: 0, level, this, args, count, names })
    }
}

/// A call as the interpreter hands it over.
#[derive(Clone, Copy)]
struct Call<'py> {
    py: Python<'py>,
    /// The method's place among [`super::originals::METHODS`].
    which: usize,
    /// A tenth of the level's number; 0 if the standard library has to look at the call.
    level: usize,
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
}

impl Call<'_> {
    /// The message and its `%` arguments.
    ///
    /// # Safety
    /// It has a level, and so a message.
    #[inline(always)]
    unsafe fn message(&self) -> &[*mut ffi::PyObject] {
        let before = usize::from(self.which == 0);
        // SAFETY: the interpreter's arguments; those of `log` begin with the level.
        unsafe { std::slice::from_raw_parts(self.args.add(before), self.count as usize - before) }
    }
}

/// What is known of a call decides; else it is found out.
///
/// # Safety
/// The interpreter's arguments, and the GIL is held.
#[inline(always)]
unsafe fn enter<const REPLACES: bool>(call: Call<'_>) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise.
    unsafe {
        let known = if call.level == 0 { Known::Nothing } else { known(call.py, call.this, call.level) };
        let reason = match known {
            Known::Off => return ffi::Py_NewRef(ffi::Py_None()),
            // What was decided does not say that this level is on.
            Known::Decided(decision) if !decision.was_enabled(call.level) => None,
            Known::Decided(decision) if call.names.is_null() => {
                match contained(|| enabled::log(call.py, decision, call.this, call.level, call.message())) {
                    Ok(Outcome::Logged) => return ffi::Py_NewRef(ffi::Py_None()),
                    Ok(Outcome::Stale) => None,
                    Ok(Outcome::Theirs(reason)) => Some(reason),
                    Err(error) => return raised(call.py, error),
                }
            }
            Known::Decided(_) => Some(Reason::Keyword),
            Known::Nothing => None,
        };
        pass_on::<REPLACES>(call, reason)
    }
}

#[cold]
fn raised(py: Python<'_>, error: PyErr) -> *mut ffi::PyObject {
    error.restore(py);
    std::ptr::null_mut()
}

/// A tenth of a level's number, if it is one of the standard library's; else 0.
unsafe fn level_of(number: *mut ffi::PyObject) -> usize {
    // SAFETY: a live object.
    unsafe {
        if ffi::Py_TYPE(number) != &raw mut ffi::PyLong_Type {
            return 0;
        }
        let mut overflow = 0;
        match ffi::PyLong_AsLongLongAndOverflow(number, &mut overflow) {
            number @ (10 | 20 | 30 | 40 | 50) => number as usize / 10,
            _ => 0,
        }
    }
}

/// Whether keywords are not called as a parameter is: the longest of these has so many letters, the shortest three.
#[inline(always)]
unsafe fn are_options(names: *mut ffi::PyObject, longest: isize) -> bool {
    // SAFETY: null or a live tuple of `str`.
    unsafe {
        names.is_null()
            || (0..ffi::PyTuple_GET_SIZE(names))
                .all(|at| !(3..=longest).contains(&ffi::PyUnicode_GET_LENGTH(ffi::PyTuple_GET_ITEM(names, at))))
    }
}

/// Finds out what becomes of a call unless a `reason` is known for the standard library's way, which it goes in the end
/// if it is not native.
///
/// # Safety
/// The interpreter's arguments, and the GIL is held.
#[inline(never)]
unsafe fn pass_on<const REPLACES: bool>(call: Call<'_>, reason: Option<Reason>) -> *mut ffi::PyObject {
    let Call { py, which, this, args, count, names, .. } = call;
    let outcome = || -> PyResult<*mut ffi::PyObject> {
        // SAFETY: the interpreter's arguments; the caller keeps `this` alive.
        unsafe {
            let reason = match reason {
                Some(reason) => reason,
                None => match contained(|| look(call))? {
                    Outcome::Logged => return Ok(ffi::Py_NewRef(ffi::Py_None())),
                    Outcome::Stale => Reason::Other,
                    Outcome::Theirs(reason) => reason,
                },
            };
            let originals =
                originals().ok_or_else(|| PyRuntimeError::new_err("undergird.logging has not been imported"))?;
            let (function, before) = if REPLACES {
                (originals.functions[which].bind(py).clone(), Some(this))
            } else {
                originals.beneath(py, which, this)?
            };
            // Where that is ours in place of the standard library's, it counts.
            if before.is_some() || ffi::PyCFunction_Check(function.as_ptr()) == 0 {
                count_fallback(py, reason);
            }
            Ok(call_with(&function, before, args, count as usize, names))
        }
    };
    outcome().unwrap_or_else(|error| raised(py, error))
}

/// Finds out what becomes of a call, and does it if it is native.
///
/// # Errors
/// What asking raises.
///
/// # Safety
/// As above.
unsafe fn look(call: Call<'_>) -> PyResult<Outcome> {
    if call.level == 0 {
        return Ok(Outcome::Theirs(Reason::Level));
    }
    // The first try may be what makes a decision ready to be used.
    for _ in 0..2 {
        // SAFETY: the caller's promise.
        let outcome = unsafe {
            match find_out(call.py, call.this, call.level)? {
                Found::Off => Outcome::Logged,
                Found::Theirs(reason) => Outcome::Theirs(reason),
                Found::Decided if !call.names.is_null() => Outcome::Theirs(Reason::Keyword),
                Found::Decided => match known(call.py, call.this, call.level) {
                    Known::Decided(decision) => enabled::log(call.py, decision, call.this, call.level, call.message())?,
                    _ => Outcome::Stale,
                },
            }
        };
        if !matches!(outcome, Outcome::Stale) {
            return Ok(outcome);
        }
    }
    Ok(Outcome::Stale)
}
