//! One number that changes whenever something changes in the dictionaries that answers were read from.
//!
//! The interpreter tells of it from CPython 3.12 on. Where it does not, there are no answers to be remembered, and each
//! call asks (`question`).

use std::sync::atomic::{AtomicU64, Ordering};

static CHANGES: AtomicU64 = AtomicU64::new(1);

/// How often something has changed. Not wiped in a forked child, whose dictionaries are its parent's.
#[inline(always)]
pub fn changes() -> u64 {
    // Relaxed: read and written with the GIL held.
    CHANGES.load(Ordering::Relaxed)
}

/// Something has changed.
pub fn changed() {
    // Relaxed: as above.
    CHANGES.fetch_add(1, Ordering::Relaxed);
}

/// What the interpreter tells of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// Every change but those of attributes that are stored in the instance itself (3.13.0: CPython gh-125608).
    NotOfAttributes,
    /// Every change.
    #[cfg_attr(not(Py_3_12), expect(dead_code, reason = "nothing is told there"))]
    Everything,
}

#[cfg(not(Py_3_12))]
mod dictionaries {
    use pyo3::ffi;
    use pyo3::prelude::*;

    use super::Told;

    /// There are none.
    pub fn told(_probe: &Bound<'_, PyAny>) -> PyResult<Told> {
        Ok(Told::Nothing)
    }

    /// Nothing is watched.
    ///
    /// # Safety
    /// None is needed.
    pub unsafe fn watch(_dictionary: *mut ffi::PyObject) -> bool {
        false
    }

    /// As little.
    pub fn watch_attributes(_instance: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(false)
    }
}

#[cfg(Py_3_12)]
mod dictionaries {
    use std::ffi::c_int;
    use std::sync::OnceLock;

    use pyo3::ffi;
    use pyo3::prelude::*;
    use pyo3::types::PyDict;

    use super::{Told, changed, changes};

    const ADDED: c_int = 0;

    unsafe extern "C" {
        fn PyDict_AddWatcher(
            callback: unsafe extern "C" fn(c_int, *mut ffi::PyObject, *mut ffi::PyObject, *mut ffi::PyObject) -> c_int,
        ) -> c_int;
        fn PyDict_Watch(watcher: c_int, dictionary: *mut ffi::PyObject) -> c_int;
    }

    /// Our number among the watchers, and what they tell; `None` if the interpreter has no room for one more.
    static WATCHER: OnceLock<Option<(c_int, Told)>> = OnceLock::new();

    /// The interpreter calls it before each change to a watched dictionary.
    unsafe extern "C" fn before_change(
        event: c_int,
        _dictionary: *mut ffi::PyObject,
        key: *mut ffi::PyObject,
        _value: *mut ffi::PyObject,
    ) -> c_int {
        // A level that a logger is asked for the first time changes no answer that was given.
        // SAFETY: null or a live object.
        let of_a_level = event == ADDED && unsafe { !key.is_null() && ffi::Py_TYPE(key) == &raw mut ffi::PyLong_Type };
        if !of_a_level {
            changed();
        }
        0
    }

    /// Finds out, with an instance of a class made in Python that has an attribute `x`.
    pub fn told(probe: &Bound<'_, PyAny>) -> PyResult<Told> {
        if let Some(known) = WATCHER.get() {
            return Ok(known.map_or(Told::Nothing, |(_, told)| told));
        }
        // SAFETY: the function is there for ever.
        let watcher = unsafe { PyDict_AddWatcher(before_change) };
        if watcher < 0 {
            drop(PyErr::take(probe.py()));
            let _ = WATCHER.set(None);
            return Ok(Told::Nothing);
        }
        let attributes = probe.getattr("__dict__")?;
        // SAFETY: a live dict.
        if unsafe { PyDict_Watch(watcher, attributes.as_ptr()) } < 0 {
            return Err(PyErr::fetch(probe.py()));
        }
        let tells = |change: &dyn Fn() -> PyResult<()>| {
            let before = changes();
            change().map(|()| changes() != before)
        };
        let of_attributes = tells(&|| probe.setattr("x", probe))? && tells(&|| probe.setattr("x", &attributes))?;
        let of_items = tells(&|| attributes.set_item("y", probe))? && tells(&|| attributes.del_item("y"))?;
        let told = match (of_items, of_attributes) {
            (true, true) => Told::Everything,
            (true, false) => Told::NotOfAttributes,
            (false, _) => Told::Nothing,
        };
        let _ = WATCHER.set((told != Told::Nothing).then_some((watcher, told)));
        probe.setattr("x", probe.py().None())?;
        Ok(told)
    }

    /// Has a dictionary watched; whether it is.
    ///
    /// # Safety
    /// A live dict, and the GIL is held.
    pub unsafe fn watch(dictionary: *mut ffi::PyObject) -> bool {
        let Some(Some((watcher, _))) = WATCHER.get() else { return false };
        // SAFETY: the caller's promise; it fails for nothing but another kind of object.
        unsafe { PyDict_Watch(*watcher, dictionary) == 0 }
    }

    /// Has an instance's attributes watched; whether they are. Where the interpreter does not tell of those that are stored
    /// in the instance itself, they move to a table of their own.
    ///
    /// # Errors
    /// If it has none.
    pub fn watch_attributes(instance: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = instance.py();
        let mut attributes = instance.getattr("__dict__")?.cast_into::<PyDict>()?;
        // SAFETY: a live dict.
        let elsewhere = unsafe { !(*attributes.as_ptr().cast::<ffi::PyDictObject>()).ma_values.is_null() };
        if elsewhere && matches!(WATCHER.get(), Some(Some((_, Told::NotOfAttributes)))) {
            let table = PyDict::new(py);
            table.update(attributes.as_mapping())?;
            let name = pyo3::intern!(py, "__dict__");
            // SAFETY: live objects. No Python code has run since they were copied: keys are attributes' names.
            if unsafe { ffi::PyObject_GenericSetAttr(instance.as_ptr(), name.as_ptr(), table.as_ptr()) } < 0 {
                return Err(PyErr::fetch(py));
            }
            attributes = table;
        }
        // SAFETY: a live dict.
        Ok(unsafe { watch(attributes.as_ptr()) })
    }
}

pub use dictionaries::{told, watch, watch_attributes};
