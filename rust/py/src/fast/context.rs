//! The context that surrounds a call: what `undergird.context` has put into the one `ContextVar` that is for it.
//!
//! The variable holds tuples whose first item is the fields, as `Fields`; the rest is for `undergird._context` alone.

use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::extras;
use super::fields::Fields;

static VARIABLE: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());

/// Makes the variable.
///
/// # Errors
/// `MemoryError`.
pub fn install(py: Python<'_>) -> PyResult<()> {
    // SAFETY: the GIL is held; a variable without a default.
    let variable = unsafe { ffi::PyContextVar_New(c"undergird".as_ptr(), std::ptr::null_mut()) };
    if variable.is_null() {
        return Err(PyErr::fetch(py));
    }
    // Relaxed: read and written with the GIL held.
    VARIABLE.store(variable, Ordering::Relaxed);
    Ok(())
}

/// What the variable holds here.
#[inline]
fn get(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    let mut value = std::ptr::null_mut();
    // SAFETY: a live variable, and the GIL is held; the interpreter finds it by its identity and runs no Python. A new
    // reference, or null.
    unsafe {
        if ffi::PyContextVar_Get(VARIABLE.load(Ordering::Relaxed), std::ptr::null_mut(), &mut value) < 0 {
            ffi::PyErr_Clear();
        }
        Bound::from_owned_ptr_or_opt(py, value)
    }
}

/// The fields of the context, if there are any.
#[inline]
pub fn fields(py: Python<'_>) -> Option<Bound<'_, Fields>> {
    // Not all that a program may put into a variable that it finds in a `Context` is ours.
    let frame = get(py)?.cast_into::<PyTuple>().ok().filter(|frame| !frame.is_empty())?;
    // SAFETY: it has a first item.
    let first = unsafe { frame.get_borrowed_item_unchecked(0) };
    let fields = first.cast_exact::<Fields>().ok()?.to_owned();
    (!fields.get().is_empty()).then_some(fields)
}

/// What the context holds here, as it was given to `set_context`; `None` if nothing was.
#[pyfunction]
pub fn get_context(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    get(py)
}

/// Makes a tuple what the context holds here; its first item is the fields.
#[pyfunction]
#[pyo3(signature = (frame, /))]
pub fn set_context(frame: &Bound<'_, PyTuple>) -> PyResult<()> {
    if !frame.get_item(0)?.is_instance_of::<Fields>() {
        return Err(PyTypeError::new_err("the first item of what the context holds is its fields"));
    }
    extras::set(extras::CONTEXT, true);
    // SAFETY: live objects, and the GIL is held; the token is not needed.
    unsafe {
        let token = ffi::PyContextVar_Set(VARIABLE.load(Ordering::Relaxed), frame.as_ptr());
        if token.is_null() {
            return Err(PyErr::fetch(frame.py()));
        }
        ffi::Py_DECREF(token);
    }
    Ok(())
}
