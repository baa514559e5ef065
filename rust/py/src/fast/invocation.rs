//! A log call as the interpreter hands it over, and the standard library's way of it.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use undergird_core::record::INLINE;
use undergird_core::scratch::Scratch;

use super::exception::Rendered;
use super::levels::{ANY, number};
use super::limits::Noticed;
use super::logger::Logger;
use super::redaction::{Hidden, encode_mask};
use super::surroundings::Surroundings;
use super::values::{encode, encode_text};
use crate::hooks::hooks;

/// A call's arguments as the interpreter hands them over.
#[derive(Clone, Copy)]
pub struct Call<'py> {
    pub py: Python<'py>,
    /// The index of the level.
    pub level: usize,
    pub this: *mut ffi::PyObject,
    /// `count` arguments, and behind them the values of the keywords.
    pub args: *const *mut ffi::PyObject,
    pub count: usize,
    /// The keywords: a tuple, or null.
    pub names: *mut ffi::PyObject,
    /// Whether it is about the exception that is being handled, unless its keywords say otherwise.
    pub is_about_exception: bool,
    /// What was made of its exception; then this is not the call as it was made, but one that goes on without it.
    pub rendered: Option<&'py Rendered<'py>>,
    /// How many records were held back before this one, once the rules have let it through.
    pub held_back: Option<u64>,
}

impl<'py> Call<'py> {
    /// A call of a level's method.
    ///
    /// # Safety
    /// The arguments are the interpreter's, of a method of `Logger`.
    #[inline(always)]
    pub unsafe fn new(
        py: Python<'py>,
        level: usize,
        this: *mut ffi::PyObject,
        args: *const *mut ffi::PyObject,
        count: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> Self {
        Self {
            py,
            level,
            this,
            args,
            count: count as usize,
            names,
            is_about_exception: false,
            rendered: None,
            held_back: None,
        }
    }

    /// The index of the level; `LEVEL` unless that is [`ANY`].
    #[inline(always)]
    pub fn level<const LEVEL: usize>(&self) -> usize {
        if LEVEL == ANY { self.level } else { LEVEL }
    }

    #[inline(always)]
    pub fn logger(&self) -> &Logger {
        // SAFETY: the method's descriptor has checked the type; the class is frozen, so a shared reference is all
        // there is.
        unsafe { Bound::ref_from_ptr(self.py, &self.this).cast_unchecked::<Logger>().get() }
    }

    #[inline(always)]
    pub fn surroundings(&self) -> &Surroundings {
        self.logger().surroundings.get()
    }

    #[inline(always)]
    pub fn fields(&self) -> usize {
        if self.names.is_null() {
            return 0;
        }
        // SAFETY: the interpreter passes a tuple.
        unsafe { ffi::PyTuple_GET_SIZE(self.names) as usize }
    }

    /// Appends the values of fields, each behind its key unless the keys have a number.
    #[inline(always)]
    pub fn encode_fields(
        &self,
        values: &[*mut ffi::PyObject],
        keys: u32,
        is_hidden: impl Fn(usize) -> bool,
        out: &mut Scratch,
        noticed: &mut Noticed,
    ) -> PyResult<()> {
        for (at, value) in values.iter().enumerate() {
            // SAFETY: live objects, and the GIL is held.
            unsafe {
                let key = || ffi::PyTuple_GET_ITEM(self.names, at as ffi::Py_ssize_t);
                if keys == INLINE {
                    encode_text(key(), out, noticed);
                }
                if is_hidden(at) {
                    encode_mask(self.py, out);
                } else {
                    encode(*value, key, out, noticed)?;
                }
            }
        }
        Ok(())
    }

    /// The same, where some fields must not be seen: a loop of its own, so that the other one need not ask.
    #[cold]
    pub fn encode_seen(
        &self,
        values: &[*mut ffi::PyObject],
        keys: u32,
        hidden: Hidden,
        out: &mut Scratch,
        noticed: &mut Noticed,
    ) -> PyResult<()> {
        self.encode_fields(values, keys, |at| hidden.holds(at), out, noticed)
    }
}

/// The standard library's way.
#[cold]
pub fn slow(call: Call<'_>) -> PyResult<()> {
    let (py, held_back) = (call.py, call.held_back);
    let call = call.rendered.map_or(call, |rendered| rendered.given);
    // SAFETY: the interpreter's vector of live objects.
    let (logger, args, fields) = unsafe {
        let args = std::slice::from_raw_parts(call.args, call.count + call.fields());
        let objects = args.iter().map(|object| Bound::from_borrowed_ptr(py, *object));
        let objects: Vec<Bound<'_, PyAny>> = objects.collect();
        let fields = PyDict::new(py);
        if call.is_about_exception {
            fields.set_item(intern!(py, "exc_info"), true)?;
        }
        for (at, value) in objects[call.count..].iter().enumerate() {
            let name = ffi::PyTuple_GET_ITEM(call.names, at as ffi::Py_ssize_t);
            fields.set_item(Bound::from_borrowed_ptr(py, name), value)?;
        }
        (Bound::from_borrowed_ptr(py, call.this), PyTuple::new(py, &objects[..call.count])?, fields)
    };
    hooks(py)?.slow(&logger, &number(py, call.level).into_pyobject(py)?.into_any(), &args, &fields, held_back)
}
