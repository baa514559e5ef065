//! Calls that carry an exception or a stack. Python makes texts of them, and the call goes on as any other, without the
//! keywords that asked for it.

use pyo3::exceptions::PyException;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyNone, PyString, PyTuple};
use undergird_core::record::{Header, flags};
use undergird_core::scratch::Scratch;

use super::call::{answer, contained, extended};
use super::invocation::{Call, slow};
use super::limits::Noticed;
use super::values::{encode_text, utf8};
use crate::current::current;
use crate::gil::attached;
use crate::hooks::{Attached, Exception, hooks};

/// The standard library's ERROR, a tenth of its number.
const ERROR: usize = 4;

/// What was made of the exception of a call.
pub struct Rendered<'py> {
    /// The call as it was made.
    pub given: Call<'py>,
    exception: Option<Exception<'py>>,
}

impl Rendered<'_> {
    /// Appends it to the record.
    #[inline(never)]
    pub fn encode(&self, header: &mut Header, out: &mut Scratch, noticed: &mut Noticed) {
        let Some((text, kind, message)) = &self.exception else { return };
        header.flags |= flags::EXCEPTION;
        for part in [text, kind, message] {
            // SAFETY: live strs, and the GIL is held.
            unsafe { encode_text(part.as_ptr(), out, noticed) };
        }
    }
}

/// `exception`: ERROR with the exception that is being handled.
///
/// # Safety
/// The interpreter calls it, with the GIL held.
pub unsafe extern "C" fn method(
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter holds the GIL when it calls a method.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: the interpreter's own arguments.
    let call = Call { is_about_exception: true, ..unsafe { Call::new(py, ERROR, this, args, count, names) } };
    answer(py, contained(|| exception(call)))
}

fn exception(call: Call<'_>) -> PyResult<()> {
    let surroundings = call.surroundings();
    let mut plan = surroundings.plan(call.py)?;
    if !plan.still_holds(call.py) {
        plan = surroundings.replan(call.py)?;
    }
    if call.count == 0 {
        // It says what is missing.
        return extended(call);
    }
    // SAFETY: the GIL is held; the reference ends here.
    let is_native = plan.is_native(ERROR) && unsafe { current() }.is_some();
    if plan.is_off(call.py, ERROR) || (is_native && plan.is_for_nobody(ERROR)) {
        return Ok(());
    }
    if is_native { attach(call) } else { slow(call) }
}

/// Has the exception and the stack of a call made texts, and logs it with them.
#[cold]
pub fn attach(call: Call<'_>) -> PyResult<()> {
    let py = call.py;
    if call.rendered.is_some() {
        // It has been here: some other keyword is none for the native way.
        return slow(call);
    }
    let (mut exc_info, mut stack_info) = (None, None);
    // SAFETY: the interpreter's vector of live objects.
    let given = unsafe { std::slice::from_raw_parts(call.args, call.count + call.fields()) };
    let mut args = given[..call.count].to_vec();
    let mut names = Vec::new();
    for (at, value) in given[call.count..].iter().enumerate() {
        // SAFETY: a tuple of `str`, live objects, and the GIL is held.
        let (name, text, value) = unsafe {
            let name = ffi::PyTuple_GET_ITEM(call.names, at as ffi::Py_ssize_t);
            (Bound::from_borrowed_ptr(py, name), utf8(name), Bound::from_borrowed_ptr(py, *value))
        };
        match text {
            Some(b"exc_info") => exc_info = Some(value),
            Some(b"stack_info") => stack_info = Some(value),
            Some(b"stacklevel" | b"extra") | None => return slow(call),
            Some(_) => {
                names.push(name);
                args.push(value.as_ptr());
            }
        }
    }
    let exc_info = exc_info.unwrap_or_else(|| default(py, call.is_about_exception));
    let stack_info = stack_info.unwrap_or_else(|| default(py, false));
    let (exception, more) = texts(&exc_info, &stack_info)?;
    let more: Vec<_> = more.iter().collect();
    for (name, value) in &more {
        names.push(name.clone());
        args.push(value.as_ptr());
    }
    // The call's own tuple is known already; another is needed only for other names.
    let others = if names.len() == call.fields() && more.is_empty() { None } else { Some(PyTuple::new(py, names)?) };
    let names = others.as_ref().map_or(call.names, Bound::as_ptr);
    let rendered = Rendered { given: call, exception };
    extended(Call { args: args.as_ptr(), names, rendered: Some(&rendered), ..call })
}

/// The texts as Python makes them.
fn texts<'py>(exc_info: &Bound<'py, PyAny>, stack_info: &Bound<'py, PyAny>) -> PyResult<Attached<'py>> {
    let py = exc_info.py();
    // PyO3 would put off the release of an error: it has not been told that this thread holds the GIL.
    let made = |_: Python<'_>| match hooks(py)?.attached(exc_info, stack_info) {
        // There is no stack left for it, or no memory.
        Err(error) if error.is_instance_of::<PyException>(py) => Ok((unrendered(exc_info), PyDict::new(py))),
        other => other,
    };
    // SAFETY: the GIL is held.
    unsafe { attached(made) }
}

/// What can be said of an exception without running Python.
fn unrendered<'py>(exc_info: &Bound<'py, PyAny>) -> Option<Exception<'py>> {
    let py = exc_info.py();
    // SAFETY: a check of a live object's type; a new reference, or null.
    let error = unsafe {
        if ffi::PyExceptionInstance_Check(exc_info.as_ptr()) != 0 {
            exc_info.clone()
        } else {
            Bound::from_owned_ptr_or_opt(py, ffi::PyErr_GetHandledException())?
        }
    };
    let kind = error.get_type().name().ok()?;
    Some((PyString::new(py, "<unprintable exception>"), kind, PyString::new(py, "")))
}

/// What `exc_info` is where the call does not say it.
fn default(py: Python<'_>, implied: bool) -> Bound<'_, PyAny> {
    if implied { PyBool::new(py, true).to_owned().into_any() } else { PyNone::get(py).to_owned().into_any() }
}
