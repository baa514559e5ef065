//! The message of a call and its `%` arguments.

use std::cell::UnsafeCell;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use undergird_core::format::percent::Template;
use undergird_core::record::{Header, Value, flags};
use undergird_core::scratch::Scratch;

use super::limits::{LONGEST_TEXT, Noticed};
use super::values::{encode, encode_text, utf8};
use crate::hooks::hooks;

/// More arguments than this are rendered by Python.
const MOST: usize = 16;
const SLOTS: usize = 256;

struct Slot {
    text: *mut ffi::PyObject,
    template: Option<Template>,
}

struct Cache(UnsafeCell<[Slot; SLOTS]>);

// SAFETY: touched with the GIL held only.
unsafe impl Sync for Cache {}

/// Templates by the address of their text, which is held, so that it cannot come to mean another.
static CACHE: Cache = Cache(UnsafeCell::new([const { Slot { text: std::ptr::null_mut(), template: None } }; SLOTS]));

/// Appends the message: as it is, as a template with its arguments, or rendered by Python now.
///
/// # Errors
/// Only what is not for a logger to swallow.
///
/// # Safety
/// `args` are live objects, at least one, and the GIL is held.
pub unsafe fn encode_message(
    py: Python<'_>,
    args: &[*mut ffi::PyObject],
    header: &mut Header,
    out: &mut Scratch,
    noticed: &mut Noticed,
) -> PyResult<()> {
    let (message, args) = (args[0], &args[1..]);
    // SAFETY: live objects; `message` is a str where it is treated as one.
    unsafe {
        if ffi::Py_TYPE(message) == &raw mut ffi::PyUnicode_Type {
            if args.is_empty() {
                encode_text(message, out, noticed);
                return Ok(());
            }
            if fits(message, args) {
                encode_text(message, out, noticed);
                header.flags |= flags::ARGS;
                out.byte(args.len() as u8);
                // Primitives all of them, which need no name.
                return args.iter().try_for_each(|arg| encode(*arg, || message, out, noticed));
            }
        }
        noticed.ran_python = true;
        let message = Bound::from_borrowed_ptr(py, message);
        let args: Vec<Bound<'_, PyAny>> = args.iter().map(|arg| Bound::from_borrowed_ptr(py, *arg)).collect();
        let text = hooks(py)?.message(&message, &PyTuple::new(py, args)?)?;
        encode_text(text.as_ptr(), out, noticed);
    }
    Ok(())
}

/// Appends the finished message, if Python would make the same of these arguments, and runs no code of theirs; whether it
/// has been.
///
/// # Safety
/// As [`encode_message`].
pub unsafe fn render(args: &[*mut ffi::PyObject], out: &mut Vec<u8>) -> bool {
    let (message, args) = (args[0], &args[1..]);
    // SAFETY: the caller's promise; `message` is a str where it is treated as one.
    unsafe {
        if ffi::Py_TYPE(message) != &raw mut ffi::PyUnicode_Type {
            return false;
        }
        if args.is_empty() {
            return utf8(message).map(|text| out.extend_from_slice(text)).is_some();
        }
        with_template(message, args, |template, values| template.render(values, out).is_ok())
    }
}

/// Whether the writer can put these arguments into this template as Python would.
///
/// # Safety
/// As [`encode_message`]; `message` is a str.
unsafe fn fits(message: *mut ffi::PyObject, args: &[*mut ffi::PyObject]) -> bool {
    // SAFETY: the caller's promise.
    unsafe { with_template(message, args, Template::fits) }
}

/// What `ask` says of a template and the values of its arguments; not, if the one is none or the others are not primitives.
///
/// # Safety
/// As [`encode_message`]; `message` is a str; `ask` runs no Python.
unsafe fn with_template(
    message: *mut ffi::PyObject,
    args: &[*mut ffi::PyObject],
    ask: impl FnOnce(&Template, &[Value<'_>]) -> bool,
) -> bool {
    let mut values = [Value::None; MOST];
    if args.len() > MOST {
        return false;
    }
    for (value, arg) in values.iter_mut().zip(args) {
        // SAFETY: a live object.
        match unsafe { primitive(*arg) } {
            Some(primitive) => *value = primitive,
            None => return false,
        }
    }
    let values = &values[..args.len()];
    // SAFETY: a live str.
    let Some(text) = (unsafe { utf8(message) }) else { return false };
    // SAFETY: the GIL is held, and nothing below runs Python while the reference lives.
    let slot = unsafe { &mut (*CACHE.0.get())[(message as usize >> 4) % SLOTS] };
    if slot.text != message {
        // SAFETY: a live str. One that only this call holds (an f-string) is not worth remembering.
        unsafe {
            if ffi::Py_REFCNT(message) <= 1 {
                return Template::parse(text).is_some_and(|template| ask(&template, values));
            }
            ffi::Py_INCREF(message);
            let old = std::mem::replace(slot, Slot { text: message, template: Template::parse(text) });
            // A plain str: releasing it runs no Python code.
            ffi::Py_XDECREF(old.text);
        }
    }
    slot.template.as_ref().is_some_and(|template| ask(template, values))
}

/// The value of an argument of exactly a primitive type.
///
/// # Safety
/// A live object, and the GIL is held.
unsafe fn primitive<'a>(object: *mut ffi::PyObject) -> Option<Value<'a>> {
    // SAFETY: reading a live object's type, and its value by the type's own accessors.
    unsafe {
        let kind = ffi::Py_TYPE(object);
        if kind == &raw mut ffi::PyUnicode_Type {
            // A text that will be cut would be padded differently.
            return utf8(object).filter(|text| text.len() <= LONGEST_TEXT).map(Value::Str);
        }
        if kind == &raw mut ffi::PyLong_Type {
            let mut overflow = 0;
            let value = ffi::PyLong_AsLongLongAndOverflow(object, &mut overflow);
            return (overflow == 0).then_some(Value::Int(value));
        }
        if kind == &raw mut ffi::PyFloat_Type {
            return Some(Value::Float(ffi::PyFloat_AS_DOUBLE(object)));
        }
        match object {
            object if object == ffi::Py_None() => Some(Value::None),
            object if object == ffi::Py_True() => Some(Value::Bool(true)),
            object if object == ffi::Py_False() => Some(Value::Bool(false)),
            _ => None,
        }
    }
}
