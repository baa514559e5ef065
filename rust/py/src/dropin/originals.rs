//! The standard library's functions that ours stand for.

use std::sync::OnceLock;

use pyo3::exceptions::PyAttributeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule, PyString, PyType};

use super::interpreter::_PyType_Lookup;

/// The methods that are native, by level: a tenth of the standard library's number; `log` has any.
pub const METHODS: [&str; 6] = ["log", "debug", "info", "warning", "error", "critical"];

/// What the module and its `Logger` have as the standard library makes them.
pub struct Originals {
    pub class: Py<PyType>,
    pub functions: [Py<PyAny>; METHODS.len()],
    names: [Py<PyString>; METHODS.len()],
    pub is_enabled_for: Py<PyAny>,
    /// Finds out what an enabled call of a logger depends on.
    pub examine: Py<PyAny>,
    /// Makes the standard library's record of a call, and what tells of an error as its handlers do.
    pub record_of: Py<PyAny>,
    pub failing: Py<PyAny>,
    pub module: Py<PyDict>,
    /// The abstract class of mappings.
    pub mapping: Py<PyAny>,
    /// By which function loggers of our class have their attributes set; it tells of it.
    pub setter: Py<PyAny>,
    /// What the module calls its levels; the first is no level's.
    pub levels: [Py<PyString>; METHODS.len()],
}

static ORIGINALS: OnceLock<Originals> = OnceLock::new();

/// The originals, once they are known.
#[inline]
pub fn originals() -> Option<&'static Originals> {
    ORIGINALS.get()
}

impl Originals {
    /// Keeps the module `logging`, functions of its `Logger` by their names, and those of `undergird.logging._failures`; the
    /// first call counts.
    ///
    /// # Errors
    /// If one is missing.
    pub fn keep(
        module: &Bound<'_, PyModule>,
        given: &Bound<'_, PyDict>,
        setter: Py<PyAny>,
        examine: Py<PyAny>,
    ) -> PyResult<()> {
        let py = module.py();
        let function = |name: &str| Ok::<_, PyErr>(given.as_any().get_item(name)?.unbind());
        let mut functions = Vec::new();
        for name in METHODS {
            functions.push(function(name)?);
        }
        let interned = |name: &str| PyString::intern(py, name).unbind();
        let found = Self {
            functions: functions.try_into().unwrap_or_else(|_| unreachable!("one for each method")),
            names: METHODS.map(interned),
            is_enabled_for: function("isEnabledFor")?,
            record_of: function("record_of")?,
            failing: function("Failing")?,
            class: module.getattr("Logger")?.cast_into::<PyType>()?.unbind(),
            mapping: py.import("collections.abc")?.getattr("Mapping")?.unbind(),
            module: module.dict().unbind(),
            setter,
            examine,
            levels: METHODS.map(|name| interned(&name.to_uppercase())),
        };
        let _ = ORIGINALS.set(found);
        Ok(())
    }

    /// Whether the methods of the standard library's class are the originals, or ours in their place.
    ///
    /// # Safety
    /// The GIL is held.
    pub unsafe fn are_in_place(&self) -> bool {
        let class = self.class.as_ptr();
        self.functions.iter().zip(&self.names).all(|(function, name)| {
            // SAFETY: a live class and a live `str`. That only our descriptors are made by native code for this class
            // is what tells them.
            unsafe {
                let found = _PyType_Lookup(class.cast(), name.as_ptr());
                found == function.as_ptr()
                    || !found.is_null()
                        && ffi::Py_TYPE(found) == &raw mut ffi::PyMethodDescr_Type
                        && (*found.cast::<ffi::PyDescrObject>()).d_type == class.cast()
            }
        })
    }

    /// Whether a logger of this class is asked as the standard library's are.
    ///
    /// # Safety
    /// A live class, and the GIL is held.
    pub unsafe fn asks(&self, py: Python<'_>, class: *mut ffi::PyTypeObject) -> bool {
        // SAFETY: live objects.
        unsafe {
            let usual: ffi::getattrofunc = ffi::PyObject_GenericGetAttr;
            (*class).tp_getattro.is_some_and(|getter| std::ptr::fn_addr_eq(getter, usual))
                && _PyType_Lookup(class, pyo3::intern!(py, "isEnabledFor").as_ptr()) == self.is_enabled_for.as_ptr()
                && _PyType_Lookup(class, pyo3::intern!(py, "disabled").as_ptr()).is_null()
                && _PyType_Lookup(class, pyo3::intern!(py, "_cache").as_ptr()).is_null()
        }
    }

    /// What the standard library's class has in the place of a method now: the original for an object to be put before
    /// the arguments; or what is there instead, as the object has it.
    ///
    /// # Errors
    /// If there is nothing, or it fails to be had.
    ///
    /// # Safety
    /// A live object, and the GIL is held.
    pub unsafe fn beneath<'py>(
        &self,
        py: Python<'py>,
        which: usize,
        this: *mut ffi::PyObject,
    ) -> PyResult<(Bound<'py, PyAny>, Option<*mut ffi::PyObject>)> {
        // SAFETY: the caller's promise. What was found is held before anything runs that could let it go.
        unsafe {
            let name = self.names[which].bind(py);
            let found = Bound::from_borrowed_ptr_or_opt(py, _PyType_Lookup(self.class.as_ptr().cast(), name.as_ptr()))
                .ok_or_else(|| PyAttributeError::new_err(name.clone().unbind()))?;
            if found.is(&self.functions[which]) {
                return Ok((found, Some(this)));
            }
            match (*ffi::Py_TYPE(found.as_ptr())).tp_descr_get {
                Some(get) => {
                    let bound = get(found.as_ptr(), this, ffi::Py_TYPE(this).cast());
                    Ok((Bound::from_owned_ptr_or_err(py, bound)?, None))
                }
                None => Ok((found, None)),
            }
        }
    }
}
