//! What the interpreter offers and PyO3 does not declare.

use pyo3::ffi::{PyObject, PyTypeObject};
use pyo3::prelude::*;
use pyo3::types::PyType;

unsafe extern "C" {
    /// What a type or its bases have under a name, borrowed; null, without an exception, if nothing. Runs no Python code.
    pub fn _PyType_Lookup(class: *mut PyTypeObject, name: *mut PyObject) -> *mut PyObject;

    /// Where an instance's `__dict__` is, null if it can have none; what is there may be null.
    pub fn _PyObject_GetDictPtr(object: *mut PyObject) -> *mut *mut PyObject;
}

/// The beginning of a weak reference.
#[repr(C)]
pub struct WeakReference {
    head: PyObject,
    /// `None` when the object is gone.
    pub object: *mut PyObject,
}

/// A number that a class gets anew with each change to it or its bases, and no other class has; 0 while it has none.
///
/// # Safety
/// A live object, and the GIL is held.
#[inline(always)]
pub unsafe fn version_of_class(object: *mut PyObject) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { (*pyo3::ffi::Py_TYPE(object)).tp_version_tag }
}

/// The same of a class itself.
#[inline(always)]
pub fn version_of(class: &Bound<'_, PyType>) -> u32 {
    // SAFETY: a live class.
    unsafe { (*class.as_type_ptr()).tp_version_tag }
}

/// The same, and it has one if the interpreter has any left: it gets one where something is looked up.
pub fn version_given_to(class: &Bound<'_, PyType>) -> u32 {
    let name = pyo3::intern!(class.py(), "__init__");
    // SAFETY: a live class and a live `str`.
    unsafe { _PyType_Lookup(class.as_type_ptr(), name.as_ptr()) };
    version_of(class)
}
