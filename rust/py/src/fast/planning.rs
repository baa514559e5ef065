//! Making a plan: Python is asked, and what it names is entered into the dictionary.

use std::sync::atomic::Ordering;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use super::constants::constants;
use super::extras;
use super::levels::number;
use super::names::Names;
use super::plan::{LEVELS, Plan, Route};
use super::values::text_of;
use super::watch::{Expected, Watched};
use crate::current::ensure;
use crate::generation::generation;
use crate::hooks::hooks;
use crate::producer::File;

/// What `undergird.log` answers; see `undergird.log.tree.plan.Plan`.
#[derive(FromPyObject)]
struct Answer<'py> {
    name: Bound<'py, PyString>,
    level_names: Vec<Bound<'py, PyString>>,
    enabled: u32,
    native: u32,
    call_site: bool,
    names: (u8, Option<i64>),
    ask_disabled: Option<Bound<'py, PyDict>>,
    sinks: Vec<Vec<File>>,
    lists: Vec<Bound<'py, PyList>>,
    attributes: Vec<(Bound<'py, PyDict>, Bound<'py, PyString>, Bound<'py, PyAny>)>,
}

/// Asks Python, and enters what the answer names into the dictionary.
///
/// # Errors
/// What the hook raises.
pub fn make_plan(node: &Bound<'_, PyAny>) -> PyResult<Plan> {
    for _ in 0..3 {
        let plan = try_plan(node)?;
        if plan.generation == generation().load(Ordering::Relaxed) {
            return Ok(plan);
        }
    }
    // Something changes faster than we look: the standard library's way is right whatever happens.
    let mut plan = try_plan(node)?;
    plan.never_holds();
    Ok(plan)
}

fn try_plan(node: &Bound<'_, PyAny>) -> PyResult<Plan> {
    let py = node.py();
    // Without even a ring in the heap, records go the standard library's way, which knows what to do about errors.
    let runtime = ensure(py).unwrap_or_default();
    // Before asking: a change while Python answers makes the plan void.
    let made_at = generation().load(Ordering::Relaxed);
    let answer: Answer<'_> = hooks(py)?.plan(node)?.extract()?;
    let mut plan = Plan {
        generation: made_at,
        enabled: answer.enabled,
        native: answer.native,
        names: Names::new(answer.names.0, answer.names.1, constants(py).is_some()),
        // SAFETY: a live str, and the GIL is held.
        name_text: unsafe { text_of(answer.name.as_ptr()) },
        ask_disabled: answer.ask_disabled.map(Bound::unbind),
        lists: answer.lists.into_iter().map(Watched::new).collect(),
        attributes: answer.attributes.into_iter().map(Expected::new).collect(),
        ..Plan::unknown()
    };
    for (bit, wanted) in [(extras::SITE, answer.call_site), (extras::NAMES, !plan.names.is_empty())] {
        plan.extras |= if wanted { bit } else { 0 };
    }
    extras::set(plan.extras, true);
    // SAFETY: live strs, and the GIL is held.
    let level_names: Vec<_> = answer.level_names.iter().map(|name| unsafe { text_of(name.as_ptr()) }).collect();
    let Some(runtime) = runtime.filter(|_| plan.native != 0) else {
        plan.native = 0;
        return Ok(plan);
    };
    // SAFETY: the GIL is held, and nothing below runs Python.
    let gil = unsafe { runtime.gil() };
    plan.name = gil.name(&runtime.memory, &plan.name_text);
    plan.names.enter(py, &runtime, gil);
    for (level, sinks) in answer.sinks.iter().enumerate().take(LEVELS) {
        let route = gil.route_to(&runtime.memory, sinks.iter());
        let Some(place) = route else {
            plan.native = 0;
            break;
        };
        plan.routes[level] = Route { place: place as u32, id: gil.routes[place].id };
        plan.taken |= u32::from(!sinks.is_empty()) << level;
    }
    for (level, name) in level_names.iter().enumerate().take(LEVELS) {
        plan.levels[level] = gil.level(&runtime.memory, number(py, level), name);
    }
    Ok(plan)
}
