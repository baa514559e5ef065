//! What is to become of the enabled calls of a logger, decided by Python and kept while nothing changes.

use std::sync::atomic::Ordering;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyType};

use super::counts::Reason;
use super::interpreter::{version_given_to, version_of};
use super::originals::Originals;
use super::streams::{Answer, Streams};
use super::watchers::{watch, watch_attributes};
use crate::fast::plan::Plan;
use crate::fast::planning::make_plan;
use crate::fast::upcall::call;
use crate::fast::watch::Watched;
use crate::generation::generation;
use crate::gil::GilCell;

/// What `undergird.logging` answers; see `undergird.logging._examine.Examined`.
#[derive(FromPyObject)]
struct Examined<'py> {
    allowed: bool,
    reason: Bound<'py, PyString>,
    dictionaries: Vec<Bound<'py, PyDict>>,
    classes: Vec<Bound<'py, PyType>>,
    instances: Vec<Bound<'py, PyAny>>,
    lists: Vec<Bound<'py, PyList>>,
    enabled: u8,
    streams: Vec<Answer<'py>>,
}

/// A decision. It holds while the classes have these versions, and the plan holds, or the lists are as they were.
pub struct Decision {
    /// No other decision has it.
    pub number: u64,
    /// What native calls do that go into the ring.
    pub plan: Option<Plan>,
    /// What those write that go to streams; `None`, as above, if there are none.
    pub streams: Option<Streams>,
    /// Why those that are not native are not.
    pub reason: Reason,
    classes: Vec<(Py<PyType>, u32)>,
    /// What has to be of the class that it was of, which nothing tells of.
    instances: Vec<(Py<PyAny>, Py<PyType>)>,
    /// Handlers and filters of the chain, where there is no plan.
    lists: Vec<Watched>,
    /// When it was made, if it leads into a ring.
    generation: Option<u64>,
}

static DECISIONS: GilCell<u64> = GilCell::new(0);

impl Decision {
    /// Decides, and has watched what the decision stands on; `None` if that is not possible.
    ///
    /// # Errors
    /// Only what is not for a logger to swallow.
    #[cold]
    pub fn make(originals: &Originals, logger: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let py = logger.py();
        match Self::try_make(originals, logger) {
            Err(error) if error.is_instance_of::<PyException>(py) => Ok(None),
            other => other,
        }
    }

    fn try_make(originals: &Originals, logger: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let py = logger.py();
        let examined: Examined<'_> = call(originals.examine.bind(py), [logger])?.extract()?;
        // SAFETY: live dicts, and the GIL is held.
        let mut watched = unsafe { examined.dictionaries.iter().all(|one| watch(one.as_ptr())) };
        for instance in &examined.instances {
            watched &= watch_attributes(instance)?;
        }
        let classes: Vec<_> = examined
            .classes
            .into_iter()
            .map(|class| {
                let version = version_given_to(&class);
                (class.unbind(), version)
            })
            .collect();
        if !watched || classes.iter().any(|(_, version)| *version == 0) {
            return Ok(None);
        }
        // Before a ring is asked for: one that is replaced meanwhile makes it void.
        let generation = generation().load(Ordering::Relaxed);
        let (plan, lists) = if examined.allowed {
            (Some(make_plan(logger)?), Vec::new())
        } else {
            (None, examined.lists.into_iter().map(Watched::new).collect())
        };
        let streams = match examined.streams {
            none if none.is_empty() => None,
            answers => Some(Streams::new(examined.enabled, answers)?),
        };
        let instances =
            examined.instances.into_iter().map(|one| (one.clone().unbind(), one.get_type().unbind())).collect();
        let number = DECISIONS.get(py);
        *number += 1;
        let reason = Reason::named(&examined.reason.to_cow()?);
        let generation = streams.as_ref().filter(|streams| streams.have_lanes()).map(|_| generation);
        Ok(Some(Self { number: *number, plan, streams, reason, classes, instances, lists, generation }))
    }

    /// Whether a level was enabled; unknown, if no call is native.
    #[inline]
    pub fn was_enabled(&self, level: usize) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.was_enabled(level))
            || self.streams.as_ref().is_some_and(|streams| streams.was_enabled(level))
    }

    /// Whether what it was made from is as it was, apart from what is watched. Runs no Python code.
    #[inline]
    pub fn holds(&self, py: Python<'_>) -> bool {
        self.classes.iter().all(|(class, version)| version_of(class.bind(py)) == *version)
            && self.instances.iter().all(|(one, class)| one.bind(py).get_type_ptr() == class.bind(py).as_type_ptr())
            && match &self.plan {
                Some(plan) => plan.generation == generation().load(Ordering::Relaxed) && plan.still_holds(py),
                None => self.lists.iter().all(|list| list.is_unchanged(py)),
            }
            && self.generation.is_none_or(|made| made == generation().load(Ordering::Relaxed))
    }
}
