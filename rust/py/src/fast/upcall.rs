//! Calling Python from a log call.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

mod raw {
    use pyo3::ffi::PyObject;

    // Not as PyO3 declares it: when the interpreter ends, a daemon thread that runs Python code is unwound by force
    // (up to CPython 3.13), and only what may unwind is given the chance to be stopped.
    unsafe extern "C-unwind" {
        pub fn PyObject_Vectorcall(
            callable: *mut PyObject,
            args: *const *mut PyObject,
            count: usize,
            names: *mut PyObject,
        ) -> *mut PyObject;

        pub fn PyObject_VectorcallMethod(
            name: *mut PyObject,
            args: *const *mut PyObject,
            count: usize,
            names: *mut PyObject,
        ) -> *mut PyObject;
    }
}

/// Keeps a thread that is being unwound where it is: Rust's frames above cannot bear it, and would end the process
/// with an abort. The process ends without the thread.
struct Stay;

impl Drop for Stay {
    fn drop(&mut self) {
        loop {
            std::thread::park();
        }
    }
}

/// Calls a Python function.
///
/// # Errors
/// What it raises.
pub fn call<'py, const N: usize>(
    function: &Bound<'py, PyAny>,
    args: [&Bound<'py, PyAny>; N],
) -> PyResult<Bound<'py, PyAny>> {
    let args = args.map(Bound::as_ptr);
    let stay = Stay;
    // SAFETY: live objects, and the GIL is held.
    let result =
        unsafe { raw::PyObject_Vectorcall(function.as_ptr(), args.as_ptr(), N, std::ptr::null_mut::<ffi::PyObject>()) };
    std::mem::forget(stay);
    // SAFETY: a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(function.py(), result) }
}

/// Calls a method of the first argument.
///
/// # Errors
/// What it raises.
pub fn method<'py, const N: usize>(
    name: &Bound<'py, PyString>,
    args: [&Bound<'py, PyAny>; N],
) -> PyResult<Bound<'py, PyAny>> {
    let args = args.map(Bound::as_ptr);
    let stay = Stay;
    // SAFETY: live objects, and the GIL is held.
    let result = unsafe {
        raw::PyObject_VectorcallMethod(name.as_ptr(), args.as_ptr(), N, std::ptr::null_mut::<ffi::PyObject>())
    };
    std::mem::forget(stay);
    // SAFETY: a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(name.py(), result) }
}

/// Calls an object's method with arguments as the interpreter hands them over; gives what that gives, to be handed back.
///
/// # Safety
/// `this` and `count` arguments are live objects, behind which stands one for each of `names`; the GIL is held.
pub unsafe fn call_method(
    name: &Bound<'_, PyString>,
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise.
    unsafe { pass(raw::PyObject_VectorcallMethod, name.as_ptr(), Some(this), args, count, names) }
}

/// Calls a function with arguments as the interpreter hands them over to a method, and with an object before them, if
/// there is one; gives what that gives, to be handed back.
///
/// # Safety
/// As for [`call_method`].
pub unsafe fn call_with(
    function: &Bound<'_, PyAny>,
    this: Option<*mut ffi::PyObject>,
    args: *const *mut ffi::PyObject,
    count: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise.
    unsafe { pass(raw::PyObject_Vectorcall, function.as_ptr(), this, args, count, names) }
}

type Caller = unsafe extern "C-unwind" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    usize,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

/// # Safety
/// As for [`call_method`].
#[inline]
unsafe fn pass(
    caller: Caller,
    called: *mut ffi::PyObject,
    this: Option<*mut ffi::PyObject>,
    args: *const *mut ffi::PyObject,
    count: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise.
    unsafe {
        let named = if names.is_null() { 0 } else { ffi::PyTuple_GET_SIZE(names) as usize };
        let whole = [this.as_slice(), std::slice::from_raw_parts(args, count + named)].concat();
        let stay = Stay;
        let result = caller(called, whole.as_ptr(), whole.len() - named, names);
        std::mem::forget(stay);
        result
    }
}
