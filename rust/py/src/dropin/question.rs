//! Whether a logger's level is switched off, asked as `Logger.isEnabledFor` asks, without running Python code.

use pyo3::ffi;
use pyo3::prelude::*;

use super::interpreter::{_PyObject_GetDictPtr, _PyType_Lookup};
use super::originals::Originals;

/// What can be said without Python. All objects are borrowed.
pub enum Answer {
    /// The level is switched off, which was read from the logger's `__dict__` and, unless it is disabled, from its cache.
    Off { attributes: *mut ffi::PyObject, cache: Option<*mut ffi::PyObject> },
    /// The cache does not know the level, which has this number.
    NotInCache { number: *mut ffi::PyObject },
    /// The level is switched on.
    On { attributes: *mut ffi::PyObject, cache: *mut ffi::PyObject },
    /// It takes the standard library to say.
    Other,
}

/// Asks a logger.
///
/// # Safety
/// A live logger of a class that asks as the standard library does; the GIL is held.
#[inline]
pub unsafe fn ask(py: Python<'_>, originals: &Originals, logger: *mut ffi::PyObject, level: usize) -> Answer {
    // SAFETY: live objects.
    unsafe {
        let Some(attributes) = _PyObject_GetDictPtr(logger).as_ref().copied().filter(|found| !found.is_null()) else {
            return Answer::Other;
        };
        if !item(attributes, pyo3::intern!(py, "isEnabledFor").as_ptr()).is_null() {
            return Answer::Other;
        }
        let disabled = item(attributes, pyo3::intern!(py, "disabled").as_ptr());
        if disabled == ffi::Py_True() {
            return Answer::Off { attributes, cache: None };
        }
        let cache = item(attributes, pyo3::intern!(py, "_cache").as_ptr());
        if disabled != ffi::Py_False() || cache.is_null() || !reads_as_a_dict(py, cache) {
            return Answer::Other;
        }
        let number = item(originals.module.as_ptr(), originals.levels[level].as_ptr());
        if number.is_null() || ffi::Py_TYPE(number) != &raw mut ffi::PyLong_Type {
            return Answer::Other;
        }
        match item(cache, number) {
            enabled if enabled == ffi::Py_False() => Answer::Off { attributes, cache: Some(cache) },
            enabled if enabled == ffi::Py_True() => Answer::On { attributes, cache },
            enabled if enabled.is_null() => Answer::NotInCache { number },
            _ => Answer::Other,
        }
    }
}

/// Whether what stands under a key is read as from a `dict`: from one, or from an instance of a class that changes nothing
/// about that, as the root's cache is once our loggers are in use.
///
/// # Safety
/// A live object; the GIL is held.
unsafe fn reads_as_a_dict(py: Python<'_>, cache: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller's promise; live classes.
    unsafe {
        let reads = |class| _PyType_Lookup(class, pyo3::intern!(py, "__getitem__").as_ptr());
        ffi::PyDict_CheckExact(cache) != 0
            || ffi::PyDict_Check(cache) != 0 && reads(ffi::Py_TYPE(cache)) == reads(&raw mut ffi::PyDict_Type)
    }
}

/// What a dictionary has under a key, borrowed; null if nothing.
///
/// # Safety
/// A live dict and a live key; the GIL is held.
unsafe fn item(dict: *mut ffi::PyObject, key: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise; an exception, which a key of somebody else's may raise, is no answer.
    unsafe {
        let found = ffi::PyDict_GetItemWithError(dict, key);
        if found.is_null() && !ffi::PyErr_Occurred().is_null() {
            ffi::PyErr_Clear();
        }
        found
    }
}
