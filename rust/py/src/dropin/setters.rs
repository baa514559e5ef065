//! Where the interpreter does not tell of attributes, what sets them does.

use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::prelude::*;

use super::interpreter::_PyType_Lookup;
use super::originals::originals;
use super::watchers::{Told, changed};

/// What the watchers tell, and the standard library's class's own setter, if it has been made.
static TOLD: OnceLock<Told> = OnceLock::new();
static SETTER: OnceLock<Py<PyAny>> = OnceLock::new();

/// Keeps what the watchers tell.
pub fn rely_on(told: Told) {
    let _ = TOLD.set(told);
}

/// Whether the standard library's loggers need a setter of ours.
pub fn is_needed() -> bool {
    TOLD.get() == Some(&Told::NotOfAttributes)
}

/// Keeps the setter that was made for the standard library's class.
pub fn keep(setter: Py<PyAny>) {
    let _ = SETTER.set(setter);
}

/// Whether all changes of a logger's attributes are told of.
///
/// # Safety
/// A live class, and the GIL is held.
pub unsafe fn tell(py: Python<'_>, class: *mut ffi::PyTypeObject) -> bool {
    match TOLD.get() {
        Some(Told::Everything) => true,
        Some(Told::NotOfAttributes) => {
            // SAFETY: the caller's promise.
            let setter = unsafe { _PyType_Lookup(class, pyo3::intern!(py, "__setattr__").as_ptr()) };
            SETTER.get().is_some_and(|ours| ours.as_ptr() == setter)
                || originals().is_some_and(|originals| originals.setter.as_ptr() == setter)
        }
        _ => false,
    }
}

/// `__setattr__`: as `object` has it, and it is told.
///
/// # Safety
/// The interpreter calls it, with the GIL held.
pub unsafe extern "C" fn set_attribute(
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter's arguments.
    unsafe {
        if count != 2 || !names.is_null() {
            ffi::PyErr_SetString(ffi::PyExc_TypeError, c"__setattr__ takes a name and a value".as_ptr());
            return std::ptr::null_mut();
        }
        let set = ffi::PyObject_GenericSetAttr(this, *args, *args.add(1));
        changed();
        if set < 0 { std::ptr::null_mut() } else { ffi::Py_NewRef(ffi::Py_None()) }
    }
}
