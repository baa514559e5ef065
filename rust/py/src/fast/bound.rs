//! The native half of the bridge's bound loggers: a call goes straight to a logger of ours while nothing that structlog
//! would do with it could be seen.

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3::{PyTraverseError, PyVisit};

use super::call;
use super::logger::Logger;
use super::upcall::call_method;
use crate::gil::GilCell;

/// Where calls go, and what must be as it was for that.
struct Way {
    processors: Py<PyList>,
    /// The only processor.
    processor: Py<PyAny>,
    context: Py<PyDict>,
    /// The context as it was, of immutable values.
    bound: Py<PyDict>,
    /// A logger to which these fields are bound.
    logger: Py<Logger>,
}

/// The native half of a filtering bound logger of structlog's kind.
#[pyclass(frozen, subclass, weakref, module = "undergird._core")]
pub struct BoundLogger {
    way: GilCell<Option<Way>>,
}

#[pymethods]
impl BoundLogger {
    #[new]
    #[pyo3(signature = (*_args, **_fields))]
    fn new(_args: &Bound<'_, PyAny>, _fields: Option<&Bound<'_, PyDict>>) -> Self {
        Self { way: GilCell::new(None) }
    }

    /// Sends calls to a logger, while `processors` holds `processor` alone and `context` is what `bound` is.
    fn _open(
        &self,
        processors: Bound<'_, PyList>,
        processor: Bound<'_, PyAny>,
        context: Bound<'_, PyDict>,
        bound: Bound<'_, PyDict>,
        logger: Bound<'_, Logger>,
    ) {
        let py = logger.py();
        let way = Way {
            processors: processors.unbind(),
            processor: processor.unbind(),
            context: context.unbind(),
            bound: bound.unbind(),
            logger: logger.unbind(),
        };
        // Dropped after it has been replaced, since that may run Python.
        let old = self.way.get(py).replace(way);
        drop(old);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: the collector runs with the GIL held.
        let py = unsafe { Python::assume_attached() };
        let Some(way) = self.way.get(py) else { return Ok(()) };
        visit.call(&way.processors)?;
        visit.call(&way.processor)?;
        visit.call(&way.context)?;
        visit.call(&way.bound)?;
        visit.call(&way.logger)
    }

    fn __clear__(&self, py: Python<'_>) {
        // Dropped after it has been taken, as above.
        drop(self.way.get(py).take());
    }
}

impl BoundLogger {
    /// The logger to which a call may go now: a borrowed reference.
    #[inline]
    fn logger(&self, py: Python<'_>) -> Option<*mut ffi::PyObject> {
        let way = self.way.get(py).as_ref()?;
        // SAFETY: a live list, and the GIL is held.
        let alone = unsafe {
            let processors = way.processors.as_ptr();
            ffi::PyList_GET_SIZE(processors) == 1 && ffi::PyList_GET_ITEM(processors, 0) == way.processor.as_ptr()
        };
        // SAFETY: live dictionaries, and the GIL is held.
        (alone && unsafe { same(way.context.as_ptr(), way.bound.as_ptr()) }).then(|| way.logger.as_ptr())
    }
}

/// The logger, if a way can be opened anew: the Python half decides that, and is through with it before the call goes on,
/// for processors that look for the caller would take its frame for the program's.
#[cold]
fn reopened(py: Python<'_>, this: *mut ffi::PyObject, bound: &BoundLogger) -> PyResult<Option<*mut ffi::PyObject>> {
    // SAFETY: the object whose method is being called, and the GIL is held.
    let this = unsafe { Bound::from_borrowed_ptr(py, this) };
    let opened = this.call_method0(pyo3::intern!(py, "_is_native"))?.is_truthy()?;
    // Another thread may have changed the context since.
    Ok(if opened { bound.logger(py) } else { None })
}

/// Whether two dictionaries hold the same objects in the same order.
///
/// # Safety
/// Live dictionaries of the built-in class, and the GIL is held.
unsafe fn same(one: *mut ffi::PyObject, other: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller's promise; nothing here runs Python, and the references are borrowed for a comparison.
    unsafe {
        if ffi::PyDict_Size(one) != ffi::PyDict_Size(other) {
            return false;
        }
        let (mut here, mut there) = (0, 0);
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        let (mut other_key, mut other_value) = (key, value);
        while ffi::PyDict_Next(one, &mut here, &mut key, &mut value) != 0 {
            if ffi::PyDict_Next(other, &mut there, &mut other_key, &mut other_value) == 0
                || (key, value) != (other_key, other_value)
            {
                return false;
            }
        }
        true
    }
}

/// One level's method: the logger's own, or `_debug`, `_info`, … which are structlog's.
///
/// # Safety
/// The interpreter calls it, with the GIL held.
pub unsafe extern "C" fn method<const LEVEL: usize>(
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter holds the GIL when it calls a method.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: the method's descriptor has checked the type; the class is frozen.
    let bound = unsafe { Bound::ref_from_ptr(py, &this).cast_unchecked::<BoundLogger>().get() };
    if count > 0 {
        let logger = match bound.logger(py) {
            None => match reopened(py, this, bound) {
                Ok(logger) => logger,
                Err(error) => {
                    error.restore(py);
                    return std::ptr::null_mut();
                }
            },
            open => open,
        };
        if let Some(logger) = logger {
            // SAFETY: a reference of our own, for what is logged may run code that replaces the way; and the arguments
            // are those of a method of the same kind.
            unsafe {
                ffi::Py_INCREF(logger);
                let outcome = call::method::<LEVEL>(logger, args, count, names);
                ffi::Py_DECREF(logger);
                return outcome;
            }
        }
    }
    let name = match LEVEL {
        1 => pyo3::intern!(py, "_debug"),
        2 => pyo3::intern!(py, "_info"),
        3 => pyo3::intern!(py, "_warning"),
        4 => pyo3::intern!(py, "_error"),
        _ => pyo3::intern!(py, "_critical"),
    };
    // SAFETY: the interpreter's vector of arguments, as it came.
    unsafe { call_method(name, this, args, count as usize, names) }
}

/// The method of a level that is not logged: all it does is to ask for the event.
///
/// # Safety
/// The interpreter calls it, with the GIL held.
pub unsafe extern "C" fn off(
    _this: *mut ffi::PyObject,
    _args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter holds the GIL when it calls a method, and passes a tuple of names or none.
    unsafe {
        let py = Python::assume_attached();
        let event = pyo3::intern!(py, "event").as_ptr();
        if count > 0 || (!names.is_null() && ffi::PySequence_Contains(names, event) == 1) {
            return ffi::Py_NewRef(ffi::Py_None());
        }
        PyTypeError::new_err("a log call is missing 1 required positional argument: 'event'").restore(py);
        std::ptr::null_mut()
    }
}
