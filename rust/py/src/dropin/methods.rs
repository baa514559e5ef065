//! The native methods, made for a class; `calls` says what they do.

use std::ffi::{CStr, CString};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule, PyType};

use super::calls::{log, method};
use super::originals::{METHODS, Originals, originals};
use super::setters;
use super::watchers::told;

/// Tells the core what the native methods stand for: the module `logging`, functions of its `Logger` by their names, and
/// among them those of `undergird.logging._failures`.
///
/// `examine` finds out what an enabled call depends on; `setter` is the `__setattr__` of our class, which tells of each
/// change; `probe` an instance of a plain class with an attribute `x`, by which it is found out what the interpreter tells.
#[pyfunction]
pub fn stand_for(
    module: &Bound<'_, PyModule>,
    functions: &Bound<'_, PyDict>,
    examine: Py<PyAny>,
    setter: Py<PyAny>,
    probe: &Bound<'_, PyAny>,
) -> PyResult<()> {
    setters::rely_on(told(probe)?);
    Originals::keep(module, functions, setter, examine)
}

/// The native methods by name, for `logging.Logger` or a class that derives from it.
///
/// What they leave to others goes to the function that they stand for; for a class that derives from it to what
/// `logging.Logger` has then.
#[pyfunction]
pub fn native_methods<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyDict>> {
    let py = class.py();
    let methods = PyDict::new(py);
    let Some(originals) = originals() else { return Ok(methods) };
    let functions = if originals.class.is(class) { replacing() } else { deriving() };
    for ((name, function), original) in METHODS.into_iter().zip(functions).zip(&originals.functions) {
        let parameters =
            if name == "log" { "$self, level, msg, *args, **kwargs" } else { "$self, msg, *args, **kwargs" };
        let said = original.bind(py).getattr("__doc__")?.extract::<Option<String>>()?.unwrap_or_default();
        let doc = CString::new(format!("{name}({parameters})\n--\n\n{said}"))?;
        methods.set_item(name, descriptor(class, CString::new(name)?, function, doc)?)?;
    }
    if originals.class.is(class) && setters::is_needed() {
        let doc = c"__setattr__($self, name, value, /)\n--\n\nImplement setattr(self, name, value).";
        let setter = descriptor(class, c"__setattr__".into(), setters::set_attribute, doc.into())?;
        setters::keep(setter.clone().unbind());
        methods.set_item("__setattr__", setter)?;
    }
    Ok(methods)
}

fn descriptor<'py>(
    class: &Bound<'py, PyType>,
    name: CString,
    function: ffi::PyCFunctionFastWithKeywords,
    doc: CString,
) -> PyResult<Bound<'py, PyAny>> {
    // They are as long there as the class.
    let leaked = |text: CString| -> &'static CStr { Box::leak(text.into_boxed_c_str()) };
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: leaked(name).as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: function },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: leaked(doc).as_ptr(),
    }));
    // SAFETY: the definition lives for ever, and its flags fit the function.
    unsafe { Bound::from_owned_ptr_or_err(class.py(), ffi::PyDescr_NewMethod(class.as_type_ptr(), definition)) }
}

type Functions = [ffi::PyCFunctionFastWithKeywords; METHODS.len()];

/// Of `logging.Logger` itself.
fn replacing() -> Functions {
    [log::<true>, method::<1, true>, method::<2, true>, method::<3, true>, method::<4, true>, method::<5, true>]
}

/// Of a class that derives from it.
fn deriving() -> Functions {
    [log::<false>, method::<1, false>, method::<2, false>, method::<3, false>, method::<4, false>, method::<5, false>]
}
