//! What a logger is to do at each level, decided by Python and kept while nothing changes.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use pyo3::{PyTraverseError, PyVisit, ffi};
use std::sync::atomic::Ordering;
use undergird_core::record::INLINE;

use super::fields::Fields;
use super::values::with_text;
use crate::generation::generation;
use crate::hooks::hooks;
use crate::runtime::ensure;

/// The standard library's five levels, a tenth of each.
const LEVELS: usize = 6;

/// The generation of a plan that never holds. Not 0: that is what a forked child finds.
const NEVER: u64 = u64::MAX;

/// A list that must stay as it was; its members are held, so that an address cannot come to mean another.
struct Watched {
    list: Py<PyList>,
    members: Vec<Py<PyAny>>,
}

/// An attribute that must stay as it was, in the `__dict__` of an object that does not tell us of changes.
struct Expected {
    attributes: Py<PyDict>,
    name: Py<PyString>,
    value: Py<PyAny>,
}

/// What a logger knows of its surroundings.
pub struct Plan {
    /// When it was made; it holds while this is the generation.
    pub generation: u64,
    /// Whether all that would see a record is ours.
    pub native: bool,
    /// The logger's name in the dictionary, or [`INLINE`].
    pub name: u32,
    /// The logger's name.
    pub name_text: Box<[u8]>,
    /// The index of each level in the dictionary.
    levels: [u8; LEVELS],
    /// Bit `n`: some file takes level `10 * n`.
    taken: u32,
    /// The bound keys in the dictionary, or [`INLINE`].
    pub bound_shape: u32,
    /// Bit `n`: level `10 * n` is enabled.
    enabled: u32,
    /// The node's `__dict__`, if its `disabled` has to be asked for at each call.
    ask_disabled: Option<Py<PyDict>>,
    routes: [Route; LEVELS],
    lists: Vec<Watched>,
    attributes: Vec<Expected>,
}

#[derive(Clone, Copy, Default)]
struct Route {
    place: usize,
    id: u32,
}

impl Plan {
    /// The plan of a logger that has not looked around yet; it never holds.
    pub fn unknown() -> Self {
        Self {
            generation: NEVER,
            native: false,
            name: INLINE,
            name_text: Box::default(),
            levels: [0; LEVELS],
            taken: 0,
            bound_shape: INLINE,
            enabled: 0,
            ask_disabled: None,
            routes: [Route::default(); LEVELS],
            lists: Vec::new(),
            attributes: Vec::new(),
        }
    }

    /// Whether a level, given as a tenth of its number, is disabled.
    #[inline]
    pub fn is_off(&self, py: Python<'_>, level: usize) -> bool {
        self.enabled & (1 << level) == 0 || self.ask_disabled.as_ref().is_some_and(|node| is_disabled(node.bind(py)))
    }

    /// Whether no file takes a level although it is enabled.
    #[inline]
    pub fn is_for_nobody(&self, level: usize) -> bool {
        self.taken & (1 << level) == 0
    }

    /// The index under which records carry a level.
    #[inline]
    pub fn level(&self, level: usize) -> u8 {
        self.levels[level]
    }

    /// The place of a level's route among the runtime's.
    #[inline]
    pub fn route(&self, level: usize) -> usize {
        self.routes[level].place
    }

    /// The number of a level's route in the dictionary.
    #[inline]
    pub fn route_id(&self, level: usize) -> u32 {
        self.routes[level].id
    }

    /// Shows the collector what this holds.
    ///
    /// # Errors
    /// What `visit` says.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for watched in &self.lists {
            visit.call(&watched.list)?;
            watched.members.iter().try_for_each(|member| visit.call(member))?;
        }
        for expected in &self.attributes {
            visit.call(&expected.attributes)?;
            visit.call(&expected.value)?;
        }
        visit.call(&self.ask_disabled)
    }

    /// Whether the lists and attributes that it was made from are as they were. Runs no Python code.
    #[inline]
    pub fn still_holds(&self, py: Python<'_>) -> bool {
        self.lists.iter().all(|watched| watched.is_unchanged(py))
            && self.attributes.iter().all(|one| one.is_unchanged(py))
    }
}

impl Watched {
    #[inline]
    fn is_unchanged(&self, py: Python<'_>) -> bool {
        let list = self.list.bind(py).as_ptr();
        // SAFETY: a live list; indices are below its size.
        unsafe {
            ffi::PyList_GET_SIZE(list) as usize == self.members.len()
                && (0..).zip(&self.members).all(|(at, member)| ffi::PyList_GET_ITEM(list, at) == member.as_ptr())
        }
    }
}

impl Expected {
    #[inline]
    fn is_unchanged(&self, py: Python<'_>) -> bool {
        attribute(self.attributes.bind(py), self.name.bind(py)) == self.value.as_ptr()
    }
}

/// The value of an attribute as a borrowed pointer, null if there is none. Runs no Python code: names are plain `str`.
#[inline]
fn attribute(attributes: &Bound<'_, PyDict>, name: &Bound<'_, PyString>) -> *mut ffi::PyObject {
    // SAFETY: a live dict and a live str, whose hash cannot fail.
    unsafe { ffi::PyDict_GetItemWithError(attributes.as_ptr(), name.as_ptr()) }
}

#[inline]
fn is_disabled(node: &Bound<'_, PyDict>) -> bool {
    let py = node.py();
    let value = attribute(node, pyo3::intern!(py, "disabled"));
    // SAFETY: live objects. `logging.config` sets integers; what is none of these has to be true without being
    // asked, because asking might run Python code.
    unsafe {
        let int = !value.is_null() && ffi::Py_TYPE(value) == &raw mut ffi::PyLong_Type;
        !(value.is_null()
            || value == ffi::Py_False()
            || value == ffi::Py_None()
            || int && ffi::PyLong_AsLong(value) == 0)
    }
}

type Sinks = Vec<(PathBuf, u8)>;

/// What `undergird.log` answers; see `undergird.log.plan.Plan`.
#[derive(FromPyObject)]
struct Answer<'py> {
    name: Bound<'py, PyString>,
    level_names: Vec<Bound<'py, PyString>>,
    enabled: u32,
    native: bool,
    ask_disabled: Option<Bound<'py, PyDict>>,
    sinks: Vec<Sinks>,
    lists: Vec<Bound<'py, PyList>>,
    attributes: Vec<(Bound<'py, PyDict>, Bound<'py, PyString>, Bound<'py, PyAny>)>,
}

/// Asks Python, and enters what the answer names into the dictionary.
///
/// # Errors
/// What the hook raises.
pub fn make_plan(node: &Bound<'_, PyAny>, bound: Option<&Fields>) -> PyResult<Plan> {
    for _ in 0..3 {
        let plan = try_plan(node, bound)?;
        if plan.generation == generation().load(Ordering::Relaxed) {
            return Ok(plan);
        }
    }
    // Something changes faster than we look: the standard library's way is right whatever happens.
    Ok(Plan { native: false, generation: NEVER, ..try_plan(node, bound)? })
}

fn try_plan(node: &Bound<'_, PyAny>, bound: Option<&Fields>) -> PyResult<Plan> {
    let py = node.py();
    let runtime = ensure(py)?;
    // Before asking: a change while Python answers makes the plan void.
    let made_at = generation().load(Ordering::Relaxed);
    let answer: Answer<'_> = hooks(py)?.plan(node)?.extract()?;
    let mut plan = Plan {
        generation: made_at,
        enabled: answer.enabled,
        native: answer.native,
        // SAFETY: a live str, and the GIL is held.
        name_text: unsafe { with_text(answer.name.as_ptr(), |name| Box::from(name)) },
        ask_disabled: answer.ask_disabled.map(Bound::unbind),
        lists: answer.lists.into_iter().map(watch).collect(),
        attributes: answer.attributes.into_iter().map(expect).collect(),
        ..Plan::unknown()
    };
    let Some(runtime) = runtime.filter(|_| plan.native) else {
        plan.native = false;
        return Ok(plan);
    };
    // SAFETY: the GIL is held, and nothing below runs Python.
    let gil = unsafe { runtime.gil() };
    plan.name = gil.name(&runtime.memory, &plan.name_text);
    if let Some(bound) = bound {
        plan.bound_shape = gil.shape(&runtime.memory, bound.keys().to_vec());
    }
    for (level, sinks) in answer.sinks.iter().enumerate().take(LEVELS) {
        let files = sinks.iter().map(|(path, format)| (path.as_os_str().as_bytes(), *format));
        let route = gil.route_to(&runtime.memory, files);
        let Some(place) = route else {
            plan.native = false;
            break;
        };
        plan.routes[level] = Route { place, id: gil.routes[place].id };
        plan.taken |= u32::from(!sinks.is_empty()) << level;
    }
    for (level, name) in answer.level_names.iter().enumerate().take(LEVELS) {
        // SAFETY: a live str, and the GIL is held.
        plan.levels[level] =
            unsafe { with_text(name.as_ptr(), |name| gil.level(&runtime.memory, 10 * level as i64, name)) };
    }
    Ok(plan)
}

fn watch(list: Bound<'_, PyList>) -> Watched {
    Watched { members: list.iter().map(Bound::unbind).collect(), list: list.unbind() }
}

fn expect((attributes, name, value): (Bound<'_, PyDict>, Bound<'_, PyString>, Bound<'_, PyAny>)) -> Expected {
    Expected { attributes: attributes.unbind(), name: name.unbind(), value: value.unbind() }
}
