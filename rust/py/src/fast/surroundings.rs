//! What the loggers of one node know of their surroundings: shared by all that were bound from one another, so that a
//! new one has nothing to find out.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::plan::Plan;
use super::planning::make_plan;
use super::subjects::subject;
use super::values::text_of;
use crate::generation::generation;
use crate::gil::attached;

/// A node of the standard library's tree, and the plan of its loggers.
#[pyclass(frozen, module = "undergird._core")]
pub struct Surroundings {
    pub(super) node: Py<PyAny>,
    plan: UnsafeCell<Plan>,
    /// The number of the node's name among those whose records are held back; unknown before the first question.
    subject: AtomicU32,
}

const UNKNOWN: u32 = u32::MAX;

// SAFETY: `plan` is touched with the GIL held only, and no reference to it is kept while Python may run.
unsafe impl Sync for Surroundings {}

#[pymethods]
impl Surroundings {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.node)?;
        // SAFETY: the collector runs with the GIL held, and a plan is replaced without running Python.
        unsafe { &*self.plan.get() }.traverse(&visit)
    }

    fn __clear__(&self) {
        // SAFETY: as in `plan`; the old one is dropped after it has been replaced.
        drop(unsafe { std::mem::replace(&mut *self.plan.get(), Plan::unknown()) });
    }
}

impl Surroundings {
    /// Of a node that has not been looked at.
    pub(super) fn new(node: Py<PyAny>) -> Self {
        Self { node, plan: UnsafeCell::new(Plan::unknown()), subject: AtomicU32::new(UNKNOWN) }
    }

    /// The number of the node's name, for counting.
    ///
    /// # Errors
    /// If it has none.
    pub(super) fn subject(&self, py: Python<'_>) -> PyResult<u32> {
        // Relaxed: read and written with the GIL held.
        let known = self.subject.load(Ordering::Relaxed);
        if known != UNKNOWN {
            return Ok(known);
        }
        let name = self.node.bind(py).getattr(pyo3::intern!(py, "name"))?.str()?;
        // SAFETY: a live str, and the GIL is held.
        let number = subject(py, &unsafe { text_of(name.as_ptr()) });
        self.subject.store(number, Ordering::Relaxed);
        Ok(number)
    }

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
        let plan = make_plan(self.node.bind(py))?;
        // SAFETY: as in `plan`; the old one is dropped after it has been replaced, since that may run Python.
        let old = unsafe { std::mem::replace(&mut *self.plan.get(), plan) };
        // PyO3 would put it off: it has not been told that this thread holds the GIL.
        // SAFETY: the GIL is held.
        unsafe { attached(|_| drop(old)) };
        // SAFETY: as in `plan`.
        let plan = unsafe { &mut *self.plan.get() };
        if plan.generation != generation().load(Ordering::Relaxed) {
            // It did, and what it changed makes the new plan void too.
            plan.never_holds();
        }
        Ok(plan)
    }
}
