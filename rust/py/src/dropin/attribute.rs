//! The attribute `stream` of handlers, by which everybody gets it who is about to use it by another way than ours: it waits
//! for what is in the handler's lane.

use std::ffi::{c_int, c_void};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::lanes::{close, drain_all, lane_of};
use super::originals::originals;
use super::watchers::changed;

/// The attribute `stream` for a class of handlers.
#[pyfunction]
pub fn stream_attribute<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    struct Definition(ffi::PyGetSetDef);
    // SAFETY: it is never written to.
    unsafe impl Sync for Definition {}
    static STREAM: Definition = Definition(ffi::PyGetSetDef {
        name: c"stream".as_ptr(),
        get: Some(get),
        set: Some(set),
        doc: c"The stream that lines go to; what the ring has of them is in the file.".as_ptr(),
        closure: std::ptr::null_mut(),
    });
    // SAFETY: the definition is there for ever, and nothing writes to it.
    unsafe {
        let definition = (&raw const STREAM.0).cast_mut();
        Bound::from_owned_ptr_or_err(class.py(), ffi::PyDescr_NewGetSet(class.as_type_ptr(), definition))
    }
}

/// # Safety
/// The interpreter calls it, with the GIL held.
unsafe extern "C" fn get(handler: *mut ffi::PyObject, _: *mut c_void) -> *mut ffi::PyObject {
    // SAFETY: a live object, and the GIL is held.
    unsafe {
        let py = Python::assume_attached();
        if let Some(lane) = lane_of(py, handler) {
            let caller = caller_in_logging(py);
            if caller.is_none() {
                lane.touch();
            }
            lane.drain(py);
            if caller.is_some_and(|caller| caller == "emit")
                && let Some(error) = lane.obstacle(py)
            {
                // A line must not overtake those that wait. `emit` tells of it as of any error.
                error.restore(py);
                return std::ptr::null_mut();
            }
        }
        let attributes = ffi::PyObject_GenericGetDict(handler, std::ptr::null_mut());
        if attributes.is_null() {
            return std::ptr::null_mut();
        }
        let name = pyo3::intern!(py, "stream").as_ptr();
        let found = ffi::PyDict_GetItemWithError(attributes, name);
        ffi::Py_XINCREF(found);
        ffi::Py_DECREF(attributes);
        if found.is_null() && ffi::PyErr_Occurred().is_null() {
            is_missing(handler, name);
        }
        found
    }
}

/// Raises what who has no such attribute raises.
#[cold]
unsafe fn is_missing(handler: *mut ffi::PyObject, name: *mut ffi::PyObject) {
    // SAFETY: live objects, and the GIL is held.
    unsafe {
        let class = (*ffi::Py_TYPE(handler)).tp_name;
        ffi::PyErr_Format(ffi::PyExc_AttributeError, c"'%.50s' object has no attribute '%U'".as_ptr(), class, name);
    }
}

/// # Safety
/// As above; `value` is null if the attribute is deleted.
unsafe extern "C" fn set(handler: *mut ffi::PyObject, value: *mut ffi::PyObject, _: *mut c_void) -> c_int {
    // SAFETY: live objects, and the GIL is held.
    unsafe {
        let py = Python::assume_attached();
        let attributes = ffi::PyObject_GenericGetDict(handler, std::ptr::null_mut());
        if attributes.is_null() {
            return -1;
        }
        let name = pyo3::intern!(py, "stream").as_ptr();
        // Who let the stream go would close it, before what is meant for it has been written.
        let before = ffi::PyDict_GetItemWithError(attributes, name);
        ffi::Py_XINCREF(before);
        let done = if !value.is_null() {
            ffi::PyDict_SetItem(attributes, name, value)
        } else if !before.is_null() {
            ffi::PyDict_DelItem(attributes, name)
        } else {
            if ffi::PyErr_Occurred().is_null() {
                is_missing(handler, name);
            }
            -1
        };
        ffi::Py_DECREF(attributes);
        if done < 0 {
            ffi::Py_XDECREF(before);
            return done;
        }
        changed();
        close(py, handler as usize);
        // It may be another way to the file of one of the others.
        drain_all(py);
        ffi::Py_XDECREF(before);
        done
    }
}

/// The name of the function of the standard library's module that reads the attribute, if it is one.
unsafe fn caller_in_logging(py: Python<'_>) -> Option<String> {
    // SAFETY: the frame is live while it runs, and the GIL is held.
    unsafe {
        let frame = ffi::PyEval_GetFrame();
        let originals = originals().filter(|_| !frame.is_null())?;
        let globals = Bound::from_owned_ptr_or_opt(py, ffi::PyFrame_GetGlobals(frame))?;
        let code = Bound::from_owned_ptr_or_opt(py, ffi::PyFrame_GetCode(frame).cast())?;
        globals.is(&originals.module).then(|| code.getattr("co_name").ok()?.extract().ok()).flatten()
    }
}
