//! The logger's native half: a node's surroundings, and the fields that are bound.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};

use super::fields::Fields;
use super::sampling::Gate;
use super::surroundings::Surroundings;

/// The native half of `undergird.Logger`: the level methods, over a node of the standard library's tree.
#[pyclass(frozen, subclass, weakref, module = "undergird._core")]
pub struct Logger {
    pub(super) surroundings: Py<Surroundings>,
    /// Fields that each record carries.
    pub(super) bound: Option<Py<Fields>>,
    /// By which rule records are held back.
    pub(super) gate: Option<Py<Gate>>,
}

#[pymethods]
impl Logger {
    /// `node` is a node, or a logger whose node it is to have, and whose gate if no other is given.
    #[new]
    #[pyo3(signature = (node, fields=None, gate=None, /))]
    fn new(node: &Bound<'_, PyAny>, fields: Option<Py<Fields>>, gate: Option<Py<Gate>>) -> PyResult<Self> {
        let py = node.py();
        let (surroundings, inherited) = match node.cast::<Self>() {
            Ok(other) => {
                let other = other.get();
                (other.surroundings.clone_ref(py), other.gate.as_ref().map(|gate| gate.clone_ref(py)))
            }
            Err(_) => (Py::new(py, Surroundings::new(node.clone().unbind()))?, None),
        };
        Ok(Self { surroundings, bound: fields.filter(|fields| !fields.get().is_empty()), gate: gate.or(inherited) })
    }

    /// The rule by which records are held back.
    #[getter(_gate)]
    fn gate(&self, py: Python<'_>) -> Option<Py<Gate>> {
        self.gate.as_ref().map(|gate| gate.clone_ref(py))
    }

    /// The node of the standard library's tree.
    #[getter(_node)]
    fn node(&self, py: Python<'_>) -> Py<PyAny> {
        self.surroundings.get().node.clone_ref(py)
    }

    /// The fields that this logger adds to each record.
    #[getter(_bound)]
    fn bound(&self, py: Python<'_>) -> Option<Py<Fields>> {
        self.bound.as_ref().map(|bound| bound.clone_ref(py))
    }

    /// A copy of them as a dictionary.
    #[getter(_fields)]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.bound.as_ref().map_or_else(|| Ok(PyDict::new(py)), |bound| bound.get().dict(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.surroundings)?;
        visit.call(&self.bound)?;
        visit.call(&self.gate)
    }
}
