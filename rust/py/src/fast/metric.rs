//! `metric`: a call of `info` whose first fields are a name and a number.

use std::ffi::CStr;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyTuple};

use super::call::{answer, at_level};
use super::upcall;
use crate::gil::{GilCell, attached};

/// The index of INFO.
const INFO: usize = 2;
const SLOTS: usize = 256;
/// How many values are put together on the stack.
const FEW: usize = 16;

pub const DOC: &CStr = c"metric($self, name, value, /, **tags)
--

Logs a number at INFO: a record with the fields `metric`, `value` and the tags.

Args:
    name: The metric's name.
    value: An integer, a float, or any other real number, such as numpy's.
    **tags: Fields of the record.

Raises:
    TypeError: If `name` is no string, `value` no number, or a tag is called `metric` or `value`.

Cost: that of `info` with as many fields.

Example:
    >>> import undergird
    >>> undergird.get_logger(\"sim\").metric(\"agent_count\", 1000, phase=\"sorting\")";

/// The keywords of a call with tags.
struct Known {
    tags: Py<PyTuple>,
    keywords: Py<PyTuple>,
}

/// By the address of the tags' tuple, which is held, so that it cannot come to mean another.
static CACHE: GilCell<[Option<Known>; SLOTS]> = GilCell::new([const { None }; SLOTS]);

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
    if count != 2 {
        return answer(py, Err(PyTypeError::new_err("metric() takes a name and a value, and tags by name")));
    }
    // SAFETY: null or a tuple of `str`; two values, and behind them one for each name.
    let made = unsafe {
        let tags = Bound::from_borrowed_ptr_or_opt(py, names).map(|tags| tags.cast_into_unchecked::<PyTuple>());
        let given = std::slice::from_raw_parts(args, 2 + tags.as_ref().map_or(0, PyTupleMethods::len));
        number(py, given).and_then(|number| Ok((keywords(py, tags)?, given, number)))
    };
    let (keywords, given, number) = match made {
        Ok(made) => made,
        Err(error) => return answer(py, Err(error)),
    };
    let mut few = [std::ptr::null_mut(); 1 + FEW];
    let mut many = Vec::new();
    let all = if given.len() <= FEW {
        &mut few[..=given.len()]
    } else {
        many.resize(1 + given.len(), std::ptr::null_mut());
        &mut many[..]
    };
    all[0] = pyo3::intern!(py, "metric").as_ptr();
    all[1..].copy_from_slice(given);
    if let Some(number) = &number {
        all[2] = number.as_ptr();
    }
    // SAFETY: one argument and a value for each keyword, all of them alive until the call returns.
    unsafe { at_level(INFO, this, all.as_ptr(), 1, keywords.as_ptr()) }
}

/// Checks name and value; the value as a number that the core knows, if it is another kind of number.
///
/// # Safety
/// At least two live objects.
unsafe fn number<'py>(py: Python<'py>, given: &[*mut ffi::PyObject]) -> PyResult<Option<Bound<'py, PyAny>>> {
    static NUMBER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    // SAFETY: the caller's promise.
    unsafe {
        if ffi::PyUnicode_Check(given[0]) == 0 {
            let kind = Bound::from_borrowed_ptr(py, given[0]).get_type().name()?.to_string();
            return Err(PyTypeError::new_err(format!("the name of a metric is a string, not {kind}")));
        }
        let kind = ffi::Py_TYPE(given[1]);
        if kind == &raw mut ffi::PyFloat_Type || kind == &raw mut ffi::PyLong_Type {
            return Ok(None);
        }
        let function =
            NUMBER.get_or_try_init(py, || py.import("undergird.log.numbers")?.getattr("number").map(Bound::unbind))?;
        upcall::call(function.bind(py), [&Bound::from_borrowed_ptr(py, given[1])]).map(Some)
    }
}

/// The keywords of the call of `info`.
fn keywords<'py>(py: Python<'py>, tags: Option<Bound<'py, PyTuple>>) -> PyResult<Bound<'py, PyTuple>> {
    static NO_TAGS: PyOnceLock<Py<PyTuple>> = PyOnceLock::new();
    let own = || [pyo3::intern!(py, "metric"), pyo3::intern!(py, "value")];
    let Some(tags) = tags else {
        return NO_TAGS
            .get_or_try_init(py, || PyTuple::new(py, own()).map(Bound::unbind))
            .map(|it| it.bind(py).clone());
    };
    let place = (tags.as_ptr() as usize >> 4) % SLOTS;
    if let Some(known) = &CACHE.get(py)[place]
        && known.tags.is(&tags)
    {
        return Ok(known.keywords.bind(py).clone());
    }
    let mut names: Vec<Bound<'py, PyString>> = own().into_iter().cloned().collect();
    for tag in &tags {
        // SAFETY: keywords are strings.
        let tag = unsafe { tag.cast_into_unchecked::<PyString>() };
        if own().iter().any(|name| name.as_any().eq(&tag).unwrap_or(false)) {
            return Err(PyTypeError::new_err(format!("metric() got a tag called {tag:?}")));
        }
        names.push(tag);
    }
    let keywords = PyTuple::new(py, names)?;
    let slot = &mut CACHE.get(py)[place];
    // One that nobody else holds any more was a call's own (`**tags`), or of code that is gone.
    // SAFETY: a live tuple.
    if slot.as_ref().is_none_or(|known| unsafe { ffi::Py_REFCNT(known.tags.as_ptr()) } == 1) {
        let old = slot.replace(Known { tags: tags.unbind(), keywords: keywords.clone().unbind() });
        // PyO3 would put it off: it has not been told that this thread holds the GIL.
        // SAFETY: the GIL is held.
        unsafe { attached(|_| drop(old)) };
    }
    Ok(keywords)
}
