//! What a logger is to do at each level, decided by Python and kept while nothing changes.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};
use undergird_core::record::INLINE;

use super::names::Names;
use super::watch::{Expected, Watched, is_disabled};

/// How many levels there can be; the standard library's five have a tenth of their number as their index.
pub const LEVELS: usize = 24;

/// The generation of a plan that never holds. Not 0: that is what a forked child finds.
const NEVER: u64 = u64::MAX;

/// What a logger knows of its surroundings.
pub struct Plan {
    /// When it was made; it holds while this is the generation.
    pub generation: u64,
    /// Bit `n`: all that would see a record of the level of index `n` is ours.
    pub(super) native: u32,
    /// Which parts its files want besides, as bits of [`super::extras`].
    pub extras: u8,
    /// Which names they want.
    pub names: Names,
    /// The logger's name in the dictionary, or [`INLINE`].
    pub name: u32,
    /// The logger's name.
    pub name_text: Box<[u8]>,
    /// The index of each level in the dictionary.
    pub(super) levels: [u8; LEVELS],
    /// Bit `n`: some file takes the level of index `n`.
    pub(super) taken: u32,
    /// Bit `n`: the level of index `n` is enabled.
    pub(super) enabled: u32,
    /// The node's `__dict__`, if its `disabled` has to be asked for at each call.
    pub(super) ask_disabled: Option<Py<PyDict>>,
    pub(super) routes: [Route; LEVELS],
    pub(super) lists: Vec<Watched>,
    pub(super) attributes: Vec<Expected>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Route {
    pub(super) place: u32,
    pub(super) id: u32,
}

impl Plan {
    /// The plan of a logger that has not looked around yet; it never holds.
    pub fn unknown() -> Self {
        Self {
            generation: NEVER,
            native: 0,
            extras: 0,
            names: Names::default(),
            name: INLINE,
            name_text: Box::default(),
            levels: [0; LEVELS],
            taken: 0,
            enabled: 0,
            ask_disabled: None,
            routes: [Route::default(); LEVELS],
            lists: Vec::new(),
            attributes: Vec::new(),
        }
    }

    /// Makes it a plan for the standard library's way, and for one call.
    pub fn never_holds(&mut self) {
        self.native = 0;
        self.generation = NEVER;
    }

    /// Whether a level is disabled.
    #[inline]
    pub fn is_off(&self, py: Python<'_>, level: usize) -> bool {
        !self.was_enabled(level) || self.ask_disabled.as_ref().is_some_and(|node| is_disabled(node.bind(py)))
    }

    /// Whether a level was enabled, but for what is asked at each call.
    #[inline]
    pub fn was_enabled(&self, level: usize) -> bool {
        self.enabled & (1 << level) != 0
    }

    /// Whether all that would see a record of a level is ours.
    #[inline]
    pub fn is_native(&self, level: usize) -> bool {
        self.native & (1 << level) != 0
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
        self.routes[level].place as usize
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
        self.lists.iter().try_for_each(|list| list.traverse(visit))?;
        self.attributes.iter().try_for_each(|attribute| attribute.traverse(visit))?;
        visit.call(&self.ask_disabled)
    }

    /// Whether the lists and attributes that it was made from are as they were. Runs no Python code.
    #[inline]
    pub fn still_holds(&self, py: Python<'_>) -> bool {
        self.lists.iter().all(|watched| watched.is_unchanged(py))
            && self.attributes.iter().all(|one| one.is_unchanged(py))
    }
}
