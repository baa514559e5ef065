//! Python values as bytes of a record.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyException;
use pyo3::ffi;
use pyo3::prelude::*;
use undergird_core::record::Value;
use undergird_core::scratch::Scratch;

use super::limits::{Noticed, clip};
use crate::gil::attached;
use crate::hooks::hooks;

/// Whether Python has a say in how types derived from `str`, `int` and `float` are written.
static ASK_FOR_SUBCLASSES: AtomicBool = AtomicBool::new(false);

/// Says whether values of types derived from `str`, `int` and `float` are rendered by Python, or copied as such.
#[pyfunction]
pub fn ask_for_subclasses(ask: bool) {
    // Relaxed: read and written with the GIL held.
    ASK_FOR_SUBCLASSES.store(ask, Ordering::Relaxed);
}

/// The bytes of a `str`, if it can be had as UTF-8 without a copy. If it cannot, Python code may have run: CPython 3.11
/// may collect garbage when it makes an exception.
///
/// # Safety
/// `object` is a `str` that outlives the result, and the GIL is held.
#[inline(always)]
pub unsafe fn utf8<'a>(object: *mut ffi::PyObject) -> Option<&'a [u8]> {
    // SAFETY: a compact ASCII string's data are `length` bytes behind its header; else the interpreter caches the
    // UTF-8 form in the string, where it lives as long as the string.
    unsafe {
        if ffi::PyUnicode_IS_COMPACT_ASCII(object) != 0 {
            let length = ffi::PyUnicode_GET_LENGTH(object) as usize;
            return Some(std::slice::from_raw_parts(ffi::PyUnicode_1BYTE_DATA(object), length));
        }
        let mut length = 0;
        let data = ffi::PyUnicode_AsUTF8AndSize(object, &mut length);
        if data.is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        Some(std::slice::from_raw_parts(data.cast(), length as usize))
    }
}

/// Gives the bytes of a `str` to `then`, lone surrogates in their three-byte form. For these Python code may run.
///
/// # Safety
/// `object` is a `str`, and the GIL is held.
#[inline(always)]
pub unsafe fn with_text<R>(
    object: *mut ffi::PyObject,
    noticed: &mut Noticed,
    then: impl FnOnce(&[u8], &mut Noticed) -> R,
) -> R {
    // SAFETY: the caller's promise.
    match unsafe { utf8(object) } {
        Some(text) => then(text, noticed),
        None => {
            noticed.ran_python = true;
            // SAFETY: the caller's promise.
            then(&unsafe { surrogates(object) }, noticed)
        }
    }
}

/// A copy of the bytes of a `str`.
///
/// # Safety
/// As [`with_text`].
pub unsafe fn text_of(object: *mut ffi::PyObject) -> Box<[u8]> {
    // SAFETY: the caller's promise.
    unsafe { with_text(object, &mut Noticed::default(), |text, _| Box::from(text)) }
}

/// # Safety
/// As [`with_text`].
#[cold]
unsafe fn surrogates(object: *mut ffi::PyObject) -> Vec<u8> {
    // SAFETY: the codec is built in; the bytes object lives until it is released.
    unsafe {
        let bytes = ffi::PyUnicode_AsEncodedString(object, c"utf-8".as_ptr(), c"surrogatepass".as_ptr());
        if bytes.is_null() {
            ffi::PyErr_Clear();
            return Vec::new();
        }
        let data = ffi::PyBytes_AS_STRING(bytes).cast::<u8>();
        let copy = std::slice::from_raw_parts(data, ffi::PyBytes_Size(bytes) as usize).to_vec();
        ffi::Py_DECREF(bytes);
        copy
    }
}

/// Appends a `str` as a text.
///
/// # Safety
/// As [`with_text`].
#[inline]
pub unsafe fn encode_text(object: *mut ffi::PyObject, out: &mut Scratch, noticed: &mut Noticed) {
    // SAFETY: the caller's promise.
    unsafe { with_text(object, noticed, |text, noticed| out.text(clip(text, noticed))) }
}

/// Appends any value of a field. Primitives are copied; everything else is rendered by Python, now.
///
/// # Errors
/// Only what is not for a logger to swallow, such as `KeyboardInterrupt`.
///
/// # Safety
/// `object` and what `name` gives are live objects, the latter a `str`, and the GIL is held.
// Always: in the loop of a call's fields a function's own cost would be a third of it.
#[inline(always)]
pub unsafe fn encode(
    object: *mut ffi::PyObject,
    name: impl FnOnce() -> *mut ffi::PyObject,
    out: &mut Scratch,
    noticed: &mut Noticed,
) -> PyResult<()> {
    // SAFETY: reading a live object's type, and its value by the type's own accessors.
    unsafe {
        let kind = ffi::Py_TYPE(object);
        if kind == &raw mut ffi::PyUnicode_Type {
            with_text(object, noticed, |text, noticed| Value::Str(clip(text, noticed)).encode(out));
        } else if kind == &raw mut ffi::PyLong_Type {
            encode_int(object, out, noticed);
        } else if kind == &raw mut ffi::PyFloat_Type {
            Value::Float(ffi::PyFloat_AS_DOUBLE(object)).encode(out);
        } else if object == ffi::Py_None() {
            Value::None.encode(out);
        } else if object == ffi::Py_True() {
            Value::Bool(true).encode(out);
        } else if object == ffi::Py_False() {
            Value::Bool(false).encode(out);
        } else {
            return encode_other(object, name(), out, noticed);
        }
    }
    Ok(())
}

/// Whether [`encode`] copies a value as it is.
///
/// # Safety
/// A live object, and the GIL is held.
pub unsafe fn is_primitive(object: *mut ffi::PyObject) -> bool {
    // SAFETY: reading a live object's type.
    unsafe {
        let kind = ffi::Py_TYPE(object);
        let (text, int, float) = (&raw mut ffi::PyUnicode_Type, &raw mut ffi::PyLong_Type, &raw mut ffi::PyFloat_Type);
        let constants = [ffi::Py_None(), ffi::Py_True(), ffi::Py_False()];
        [text, int, float].contains(&kind) || constants.contains(&object)
    }
}

/// # Safety
/// `object` is an `int` or of a subclass, and the GIL is held.
unsafe fn encode_int(object: *mut ffi::PyObject, out: &mut Scratch, noticed: &mut Noticed) {
    let mut overflow = 0;
    // SAFETY: the caller's promise; for an int no Python code runs.
    let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(object, &mut overflow) };
    if overflow == 0 {
        return Value::Int(value).encode(out);
    }
    // SAFETY: base conversion runs no Python code; its result is released. Hexadecimal takes time in proportion to the
    // length and has no limit (sys.set_int_max_str_digits); the writer makes it decimal.
    unsafe {
        let text = ffi::PyNumber_ToBase(object, 16);
        if text.is_null() {
            // An exception was made, so Python code may have run, as in `utf8`.
            noticed.ran_python = true;
            ffi::PyErr_Clear();
            return Value::None.encode(out);
        }
        with_text(text, noticed, |text, noticed| Value::BigInt(clip(text, noticed)).encode(out));
        ffi::Py_DECREF(text);
    }
}

/// # Safety
/// As [`encode`].
#[cold]
unsafe fn encode_other(
    object: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
    out: &mut Scratch,
    noticed: &mut Noticed,
) -> PyResult<()> {
    // SAFETY: the caller's promise.
    if !ASK_FOR_SUBCLASSES.load(Ordering::Relaxed) && unsafe { encode_derived(object, out, noticed) } {
        return Ok(());
    }
    noticed.ran_python = true;
    let render = |py: Python<'_>| {
        // SAFETY: live objects, and the GIL is held.
        let (object, name) = unsafe { (Bound::from_borrowed_ptr(py, object), Bound::from_borrowed_ptr(py, name)) };
        let (json, text) = match hooks(py)?.render(&object, &name) {
            Ok(rendered) => rendered,
            // There is no stack left to render it, or no memory.
            Err(error) if error.is_instance_of::<PyException>(py) => {
                Value::Text(b"<unprintable object>").encode(out);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        // SAFETY: `text` is a `str`.
        unsafe {
            with_text(text.as_ptr(), noticed, |text, noticed| {
                let clipped = clip(text, noticed);
                let whole = clipped.len() == text.len();
                if json && whole { Value::Json(clipped).encode(out) } else { Value::Text(clipped).encode(out) }
            });
        }
        Ok(())
    };
    // SAFETY: the GIL is held.
    unsafe { attached(render) }
}

/// Appends the value of an object of a type derived from a primitive's; whether it is one.
///
/// # Safety
/// As [`encode`].
unsafe fn encode_derived(object: *mut ffi::PyObject, out: &mut Scratch, noticed: &mut Noticed) -> bool {
    // SAFETY: the checks read the type's flags; the accessors read the value itself, whatever a subclass overrides.
    unsafe {
        if ffi::PyFloat_Check(object) != 0 {
            Value::Float(ffi::PyFloat_AS_DOUBLE(object)).encode(out);
        } else if ffi::PyLong_Check(object) != 0 {
            encode_int(object, out, noticed);
        } else if ffi::PyUnicode_Check(object) != 0 {
            with_text(object, noticed, |text, noticed| Value::Str(clip(text, noticed)).encode(out));
        } else {
            return false;
        }
    }
    true
}
