//! The Python functions that the core calls when a call cannot be served natively.

use std::sync::OnceLock;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::fast::upcall::call;

/// The functions; `Hooks` in `_core.pyi` is the same.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Hooks {
    plan: Py<PyAny>,
    slow: Py<PyAny>,
    render: Py<PyAny>,
    message: Py<PyAny>,
    in_event_loop: Py<PyAny>,
    hidden: Py<PyAny>,
    frozen: Py<PyAny>,
    attached: Py<PyAny>,
}

/// Text, class and message of an exception.
pub type Exception<'py> = (Bound<'py, PyString>, Bound<'py, PyString>, Bound<'py, PyString>);

/// What a call carries besides its message and fields.
pub type Attached<'py> = (Option<Exception<'py>>, Bound<'py, PyDict>);

static HOOKS: OnceLock<Hooks> = OnceLock::new();

/// The functions, once `undergird.log` has been imported.
///
/// # Errors
/// `RuntimeError` before that.
pub fn hooks(_py: Python<'_>) -> PyResult<&'static Hooks> {
    HOOKS.get().ok_or_else(|| PyRuntimeError::new_err("undergird.log has not been imported"))
}

/// Tells the core its Python functions; the first call counts.
#[pyfunction]
#[pyo3(signature = (hooks, /))]
pub fn set_hooks(hooks: Hooks) {
    let _ = HOOKS.set(hooks);
}

impl Hooks {
    /// What a logger is to do at each level.
    pub fn plan<'py>(&self, node: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        call(self.plan.bind(node.py()), [node])
    }

    /// The standard library's way: a `LogRecord` for every handler.
    pub fn slow(
        &self,
        logger: &Bound<'_, PyAny>,
        level: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        fields: &Bound<'_, PyDict>,
        held_back: Option<u64>,
    ) -> PyResult<()> {
        let held_back = held_back.into_pyobject(logger.py())?;
        call(self.slow.bind(logger.py()), [logger, level, args, fields, &held_back]).map(drop)
    }

    /// The text of a field's value that is no primitive, and whether it is a finished piece of JSON.
    pub fn render<'py>(
        &self,
        value: &Bound<'py, PyAny>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<(bool, Bound<'py, PyString>)> {
        call(self.render.bind(value.py()), [value, name])?.extract()
    }

    /// Which of a call's fields must not be seen: bit `n` for the field `n`.
    pub fn hidden<'py>(&self, names: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        call(self.hidden.bind(names.py()), [names])
    }

    /// A copy of the fields with values that cannot change any more, and without what must not be seen.
    pub fn frozen<'py>(&self, fields: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
        call(self.frozen.bind(fields.py()), [fields])?.cast_into().map_err(Into::into)
    }

    /// What `exc_info` and `stack_info` of a call ask for: an exception, and fields.
    pub fn attached<'py>(
        &self,
        exc_info: &Bound<'py, PyAny>,
        stack_info: &Bound<'py, PyAny>,
    ) -> PyResult<Attached<'py>> {
        call(self.attached.bind(exc_info.py()), [exc_info, stack_info])?.extract()
    }

    /// The message of a template and its arguments, or of a message that is no `str`.
    pub fn message<'py>(
        &self,
        message: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyString>> {
        call(self.message.bind(message.py()), [message, args])?.cast_into().map_err(Into::into)
    }

    /// Whether this thread runs an event loop, which must not be held up.
    pub fn in_event_loop(&self, py: Python<'_>) -> PyResult<bool> {
        call(self.in_event_loop.bind(py), [])?.extract()
    }
}
