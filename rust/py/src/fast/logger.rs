//! The logger's native half: its node, its bound fields and what it knows of its surroundings.

use std::cell::UnsafeCell;
use std::sync::atomic::Ordering;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};

use super::fields::Fields;
use super::plan::Plan;
use super::planning::make_plan;
use crate::generation::generation;

/// The native half of `undergird.Logger`: the level methods, over a node of the standard library's tree.
#[pyclass(frozen, subclass, weakref, module = "undergird._core")]
pub struct Logger {
    node: Py<PyAny>,
    /// Fields that each record carries.
    pub(super) bound: Option<Fields>,
    plan: UnsafeCell<Plan>,
}

// SAFETY: `plan` is touched with the GIL held only, and no reference to it is kept while Python may run.
unsafe impl Sync for Logger {}

#[pymethods]
impl Logger {
    #[new]
    #[pyo3(signature = (node, fields=None, /))]
    fn new(node: Py<PyAny>, fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let bound = fields.filter(|fields| !fields.is_empty()).map(Fields::render).transpose()?;
        Ok(Self { node, bound, plan: UnsafeCell::new(Plan::unknown()) })
    }

    /// The node of the standard library's tree.
    #[getter(_node)]
    fn node(&self, py: Python<'_>) -> Py<PyAny> {
        self.node.clone_ref(py)
    }

    /// A copy of the fields that this logger adds to each record.
    #[getter(_fields)]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.bound.as_ref().map_or_else(|| Ok(PyDict::new(py)), |bound| bound.dict.bind(py).copy())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.node)?;
        // SAFETY: the collector runs with the GIL held, and a plan is replaced without running Python.
        unsafe { &*self.plan.get() }.traverse(&visit)?;
        self.bound.as_ref().map_or(Ok(()), |bound| visit.call(&bound.dict))
    }

    fn __clear__(&self) {
        // SAFETY: as in `plan`; the old one is dropped after it has been replaced.
        drop(unsafe { std::mem::replace(&mut *self.plan.get(), Plan::unknown()) });
    }
}

impl Logger {
    /// A plan that holds now; made anew if the old one does not.
    ///
    /// The reference must be let go before Python runs.
    #[inline]
    pub(super) fn plan(&self, py: Python<'_>) -> PyResult<&Plan> {
        // SAFETY: the GIL is held, and nobody keeps a reference while Python runs.
        let plan = unsafe { &*self.plan.get() };
        if plan.generation == generation().load(Ordering::Relaxed) {
            return Ok(plan);
        }
        self.replan(py)
    }

    /// Makes the plan anew.
    ///
    /// # Errors
    /// What the hook raises.
    #[cold]
    pub(super) fn replan(&self, py: Python<'_>) -> PyResult<&Plan> {
        let plan = make_plan(self.node.bind(py), self.bound.as_ref())?;
        // SAFETY: as in `plan`; the old one is dropped after it has been replaced, since that may run Python.
        let old = unsafe { std::mem::replace(&mut *self.plan.get(), plan) };
        // PyO3 would put it off: it has not been told that this thread holds the GIL.
        Python::attach(|_| drop(old));
        // SAFETY: as in `plan`.
        let plan = unsafe { &mut *self.plan.get() };
        if plan.generation != generation().load(Ordering::Relaxed) {
            // It did, and what it changed makes the new plan void too.
            plan.never_holds();
        }
        Ok(plan)
    }
}
