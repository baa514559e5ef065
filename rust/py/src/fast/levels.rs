//! Levels beyond the standard library's five: each has an index, by which plans know it, and a method.

use std::ffi::{CStr, CString};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::call::{answer, at_level};
use super::logger::Logger;
use super::methods::add;
use super::plan::LEVELS;
use crate::generation::invalidate;
use crate::gil::GilCell;
use crate::hooks::hooks;

/// The standard library's have a tenth of their number.
const STANDARD: usize = 6;

/// The level of a call that its own index tells.
pub const ANY: usize = usize::MAX;

/// The levels' numbers by index, and how many there are.
static NUMBERS: GilCell<([i64; LEVELS], usize)> = GilCell::new({
    let mut numbers = [0; LEVELS];
    let mut index = 1;
    while index < STANDARD {
        numbers[index] = 10 * index as i64;
        index += 1;
    }
    (numbers, STANDARD)
});

/// The number of a level.
pub fn number(py: Python<'_>, index: usize) -> i64 {
    NUMBERS.get(py).0[index]
}

#[inline]
fn index_of(py: Python<'_>, number: i64) -> Option<usize> {
    let (numbers, count) = NUMBERS.get(py);
    numbers[1..*count].iter().position(|known| *known == number).map(|place| place + 1)
}

/// The numbers of all levels that calls can have natively; the first is no level's.
#[pyfunction]
pub fn level_numbers(py: Python<'_>) -> Vec<i64> {
    let (numbers, count) = NUMBERS.get(py);
    numbers[..*count].to_vec()
}

/// Gives a level an index, if it has none and there is one left; whether it has one.
#[pyfunction]
pub fn learn_level(py: Python<'_>, number: i64) -> bool {
    if index_of(py, number).is_some() {
        return true;
    }
    let (numbers, count) = NUMBERS.get(py);
    let Some(place) = numbers.get_mut(*count) else { return false };
    *place = number;
    *count += 1;
    invalidate();
    true
}

/// Gives all loggers a method for a level that has an index; whether it has one.
#[pyfunction]
pub fn add_level_method(py: Python<'_>, name: String, number: i64, doc: String) -> PyResult<bool> {
    let function = index_of(py, number).and_then(|index| METHODS.get(index.checked_sub(STANDARD)?));
    let Some(function) = function else { return Ok(false) };
    // They are as long there as the class.
    let [name, doc] = [name, doc].map(|text| CString::new(text).map(|text| &*Box::leak(text.into_boxed_c_str())));
    add(&py.get_type::<Logger>(), name?, *function, doc?)?;
    Ok(true)
}

macro_rules! methods {
    ($($index:literal)*) => { [$(method::<$index>),*] };
}

/// The methods of the indices behind the standard library's.
static METHODS: [ffi::PyCFunctionFastWithKeywords; LEVELS - STANDARD] =
    methods![6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23];

/// # Safety
/// The interpreter calls it, with the GIL held.
unsafe extern "C" fn method<const INDEX: usize>(
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter's promises, passed on.
    unsafe { at_level(INDEX, this, args, count, names) }
}

pub const LOG: &CStr = c"log($self, level, msg, /, *args, **fields)
--

Logs at any level; see `info`.

Args:
    level: The level's number.
    msg: The message, or a `%` template for `args`.
    *args: Values for the template.
    **fields: Fields of the record.

Raises:
    TypeError: If `level` is no integer, while `logging.raiseExceptions` is set (as in the standard library).

Cost: that of `info` for levels that have a name (see `undergird.add_level`); for others the standard library's.

Example:
    >>> import undergird
    >>> undergird.get_logger(\"docs\").log(25, \"between INFO and WARNING\")";

/// `log`: the level is the first argument.
///
/// # Safety
/// The interpreter calls it, with the GIL held.
pub unsafe extern "C" fn log(
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter holds the GIL when it calls a method; there are `count` arguments.
    unsafe {
        let py = Python::assume_attached();
        if count < 1 {
            return answer(py, Err(PyTypeError::new_err("log() needs a level: missing argument 'level'")));
        }
        if ffi::Py_TYPE(*args) == &raw mut ffi::PyLong_Type {
            let mut overflow = 0;
            let number = ffi::PyLong_AsLongLongAndOverflow(*args, &mut overflow);
            if let Some(index) = index_of(py, number).filter(|_| overflow == 0) {
                return at_level(index, this, args.add(1), count - 1, names);
            }
        }
        answer(py, unknown(py, this, std::slice::from_raw_parts(args, arguments(count, names)), names))
    }
}

/// # Safety
/// What the interpreter passes.
unsafe fn arguments(count: ffi::Py_ssize_t, names: *mut ffi::PyObject) -> usize {
    // SAFETY: null or a tuple.
    count as usize + if names.is_null() { 0 } else { unsafe { ffi::PyTuple_GET_SIZE(names) as usize } }
}

/// A level that has no index goes the standard library's way; Python may give it one for the next time.
///
/// # Safety
/// What the interpreter passes, and the GIL is held.
#[cold]
unsafe fn unknown(
    py: Python<'_>,
    this: *mut ffi::PyObject,
    args: &[*mut ffi::PyObject],
    names: *mut ffi::PyObject,
) -> PyResult<()> {
    // SAFETY: live objects; the last ones have names.
    unsafe {
        let objects: Vec<_> = args.iter().map(|object| Bound::from_borrowed_ptr(py, *object)).collect();
        let names: Vec<_> = Bound::from_borrowed_ptr_or_opt(py, names)
            .map_or_else(Vec::new, |names| names.cast_into_unchecked::<PyTuple>().iter().collect());
        let (positional, values) = objects.split_at(objects.len() - names.len());
        let [level, rest @ ..] = positional else { return Ok(()) };
        if rest.is_empty() {
            return Err(PyTypeError::new_err("a log call needs a message: missing argument 'msg'"));
        }
        let fields = PyDict::new(py);
        names.iter().zip(values).try_for_each(|(name, value)| fields.set_item(name, value))?;
        hooks(py)?.slow(&Bound::from_borrowed_ptr(py, this), level, &PyTuple::new(py, rest)?, &fields, None)
    }
}
