//! What does not tell us of its changes, and so is compared at the call. Nothing here runs Python code.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use pyo3::{PyTraverseError, PyVisit, ffi};

/// A list that must stay as it was; its members are held, so that an address cannot come to mean another.
pub struct Watched {
    list: Py<PyList>,
    members: Vec<Py<PyAny>>,
}

/// An attribute that must stay as it was, in the `__dict__` of an object that does not tell us of changes.
pub struct Expected {
    attributes: Py<PyDict>,
    name: Py<PyString>,
    value: Py<PyAny>,
}

impl Watched {
    /// A list as it is now.
    pub fn new(list: Bound<'_, PyList>) -> Self {
        Self { members: list.iter().map(Bound::unbind).collect(), list: list.unbind() }
    }

    /// Shows the collector what this holds.
    ///
    /// # Errors
    /// What `visit` says.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.list)?;
        self.members.iter().try_for_each(|member| visit.call(member))
    }

    /// Whether the list has the same members in the same order.
    #[inline]
    pub fn is_unchanged(&self, py: Python<'_>) -> bool {
        let list = self.list.bind(py).as_ptr();
        // SAFETY: a live list; indices are below its size.
        unsafe {
            ffi::PyList_GET_SIZE(list) as usize == self.members.len()
                && (0..).zip(&self.members).all(|(at, member)| ffi::PyList_GET_ITEM(list, at) == member.as_ptr())
        }
    }
}

impl Expected {
    /// An attribute that has this value now.
    pub fn new((attributes, name, value): (Bound<'_, PyDict>, Bound<'_, PyString>, Bound<'_, PyAny>)) -> Self {
        Self { attributes: attributes.unbind(), name: name.unbind(), value: value.unbind() }
    }

    /// Shows the collector what this holds.
    ///
    /// # Errors
    /// What `visit` says.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.attributes)?;
        visit.call(&self.value)
    }

    /// Whether the attribute is the same object.
    #[inline]
    pub fn is_unchanged(&self, py: Python<'_>) -> bool {
        attribute(self.attributes.bind(py), self.name.bind(py)) == self.value.as_ptr()
    }
}

/// The value of an attribute as a borrowed pointer, null if there is none.
#[inline]
fn attribute(attributes: &Bound<'_, PyDict>, name: &Bound<'_, PyString>) -> *mut ffi::PyObject {
    // SAFETY: a live dict and a live str, whose hash cannot fail. Keys of an instance's `__dict__` are plain `str` too,
    // so that comparing them runs no Python code.
    unsafe { ffi::PyDict_GetItemWithError(attributes.as_ptr(), name.as_ptr()) }
}

/// Whether a node with these attributes is switched off.
#[inline]
pub fn is_disabled(node: &Bound<'_, PyDict>) -> bool {
    let py = node.py();
    let value = attribute(node, pyo3::intern!(py, "disabled"));
    // SAFETY: live objects. `logging.config` sets integers; what is none of these has to be true without being
    // asked, because asking might run Python code (asking an integer does not).
    unsafe {
        let int = !value.is_null() && ffi::Py_TYPE(value) == &raw mut ffi::PyLong_Type;
        !(value.is_null()
            || value == ffi::Py_False()
            || value == ffi::Py_None()
            || int && ffi::PyObject_IsTrue(value) == 0)
    }
}
