//! The level methods as Python sees them.

use std::ffi::CStr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use super::call::method;
use super::{bound, exception, levels, metric};

type Method = (&'static CStr, ffi::PyCFunctionFastWithKeywords, &'static CStr);

/// Gives the class its level methods.
///
/// # Errors
/// `MemoryError`.
pub fn install(class: &Bound<'_, PyType>) -> PyResult<()> {
    let methods: [Method; 9] = [
        (c"debug", method::<1>, c"debug($self, msg, /, *args, **fields)\n--\n\nLogs at DEBUG; see `info`."),
        (c"info", method::<2>, INFO),
        (c"warning", method::<3>, c"warning($self, msg, /, *args, **fields)\n--\n\nLogs at WARNING; see `info`."),
        (c"error", method::<4>, c"error($self, msg, /, *args, **fields)\n--\n\nLogs at ERROR; see `info`."),
        (c"exception", exception::method, EXCEPTION),
        (c"critical", method::<5>, c"critical($self, msg, /, *args, **fields)\n--\n\nLogs at CRITICAL; see `info`."),
        (c"log", levels::log, levels::LOG),
        (c"metric", metric::method, metric::DOC),
        (c"fatal", method::<5>, c"fatal($self, msg, /, *args, **fields)\n--\n\nLogs at CRITICAL; see `info`."),
    ];
    methods.into_iter().try_for_each(|(name, function, doc)| add(class, name, function, doc))
}

/// Gives the bridge's bound logger its level methods.
///
/// # Errors
/// `MemoryError`.
pub fn install_bound(class: &Bound<'_, PyType>) -> PyResult<()> {
    let methods: [Method; 6] = [
        (c"debug", bound::method::<1>, c"debug($self, event, /, *args, **fields)\n--\n\nLogs at DEBUG."),
        (c"info", bound::method::<2>, c"info($self, event, /, *args, **fields)\n--\n\nLogs at INFO."),
        (c"warning", bound::method::<3>, c"warning($self, event, /, *args, **fields)\n--\n\nLogs at WARNING."),
        (c"error", bound::method::<4>, c"error($self, event, /, *args, **fields)\n--\n\nLogs at ERROR."),
        (c"critical", bound::method::<5>, c"critical($self, event, /, *args, **fields)\n--\n\nLogs at CRITICAL."),
        (c"_off", bound::off, c"_off($self, event, /, *args, **fields)\n--\n\nDoes nothing."),
    ];
    methods.into_iter().try_for_each(|(name, function, doc)| add(class, name, function, doc))
}

/// Gives the class one method.
///
/// # Errors
/// `MemoryError`.
pub fn add(
    class: &Bound<'_, PyType>,
    name: &'static CStr,
    function: ffi::PyCFunctionFastWithKeywords,
    doc: &'static CStr,
) -> PyResult<()> {
    let py = class.py();
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: function },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: doc.as_ptr(),
    }));
    // SAFETY: the definition lives for ever, and its flags fit the function.
    let descriptor =
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(class.as_type_ptr(), definition))? };
    class.setattr(PyString::from_bytes(py, name.to_bytes())?, descriptor)
}

const EXCEPTION: &CStr = c"exception($self, msg, /, *args, exc_info=True, **fields)
--

Logs at ERROR with the exception that is being handled; see `info`.

Args:
    msg: The message; with `args`, a `%` template for them.
    *args: Values for the template.
    exc_info: Another exception, a tuple as `sys.exc_info` gives it, or `None` for none.
    **fields: Fields of the record.

The line has `exception`, the text that the interpreter prints, `exception_type` and `exception_message`. Where no
exception is being handled it has none of them.

Cost: some microseconds with ten frames, where the standard library takes a hundred: the lines of a traceback are made
once for each instruction.

Example:
    >>> import undergird
    >>> try:
    ...     1 / 0
    ... except ZeroDivisionError:
    ...     undergird.get_logger(\"docs\").exception(\"division failed\", denominator=0)";

const INFO: &CStr = c"info($self, msg, /, *args, **fields)
--

Logs at INFO: a message, `%` arguments for it, and fields.

Args:
    msg: The message; with `args`, a `%` template for them, as in the standard library.
    *args: Values for the template. Primitives are copied now and put into the text by the writer.
    **fields: Values under names of your own. `exc_info`, `stack_info`, `stacklevel` and `extra` mean
        what they mean in the standard library.

Never raises because of what is logged; a value that cannot be rendered is replaced by a note.

Cost: about three empty native calls when enabled and all values are primitives, one when disabled.

Example:
    >>> import undergird
    >>> undergird.get_logger(\"docs\").info(\"agent moved\", agent_id=7, x=0.5)";
