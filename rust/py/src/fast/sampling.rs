//! Records that are held back now and then: each logger's or the run's rule is asked before anything is copied.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};
use undergird_core::sampling::Rule;
use undergird_core::sampling::gates::{Answer, Gates, Key};

use super::extras;
use super::limits::Noticed;
use super::logger::Logger;
use super::site::caller;
use super::subjects::{name_of, subject};
use super::{clock, values::text_of};
use crate::current::shared;
use crate::gil::GilCell;
use crate::host::monotonic;

/// The instruction in a key that is no place of a call.
const NAMED: u32 = u32::MAX;

/// A rule by which a logger or a run holds records back.
///
/// Frozen: what it remembers is in the table, so that two gates that say the same are the same.
#[pyclass(frozen, module = "undergird._core")]
pub struct Gate {
    rule: Rule,
    /// Of the rule and the clock.
    number: u64,
    /// Of the key that was given, if one was.
    key: Option<u64>,
    clock: Option<Py<PyAny>>,
    /// What it was made from.
    #[pyo3(get)]
    made_from: Py<PyAny>,
}

#[pymethods]
impl Gate {
    /// `numbers` are those of a sampler (first, then, per) or those of a limit (interval, burst).
    #[new]
    #[pyo3(signature = (made_from, numbers, key, clock, /))]
    fn new(made_from: Py<PyAny>, numbers: Vec<f64>, key: Option<String>, clock: Option<Py<PyAny>>) -> Self {
        let rule = match numbers[..] {
            [first, then, per] => Rule::Sample { first: first as u64, then: then as u64, per },
            [interval, burst] => Rule::Limit { interval, burst },
            _ => Rule::Sample { first: 0, then: 1, per: f64::INFINITY },
        };
        let mut hasher = DefaultHasher::new();
        numbers.iter().for_each(|number| number.to_bits().hash(&mut hasher));
        clock.as_ref().map(Py::as_ptr).hash(&mut hasher);
        extras::set(extras::SAMPLING, true);
        Self { rule, number: hasher.finish(), key: key.map(|key| hash(&key)), clock, made_from }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.clock)?;
        visit.call(&self.made_from)
    }
}

fn hash(key: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

impl Gate {
    /// Its number in this run.
    fn number_now(&self, py: Python<'_>) -> u64 {
        self.number.wrapping_add(*SET_UPS.get(py))
    }

    /// The time it goes by; `None` if a clock has failed.
    fn time(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        let mut noticed = Noticed::default();
        let time = match &self.clock {
            Some(clock) => clock::ask(clock.bind(py), &mut noticed)?,
            None => match clock::surrounding(py) {
                Some(clock) => clock::ask(&clock, &mut noticed)?,
                // A period may end a tick late; what a limit lets through must not come in ticks.
                None => return Ok(Some(monotonic(matches!(self.rule, Rule::Sample { .. })))),
            },
        };
        Ok(time.map(clock::Time::seconds))
    }
}

/// How many rules a run has: by a tenth of the level's number.
const LEVELS: usize = 6;

static GATES: GilCell<Gates> = GilCell::new(Gates::new());
/// The run's rules, by level.
static RUN: GilCell<[Option<Py<Gate>>; LEVELS]> = GilCell::new([const { None }; LEVELS]);
/// How often a run has been set up: what was counted before does not count after.
static SET_UPS: GilCell<u64> = GilCell::new(0);

/// Gives the run its rules, or none: one for each level, by a tenth of its number. All counting begins anew.
#[pyfunction]
#[pyo3(signature = (gates, /))]
pub fn set_sampling(py: Python<'_>, gates: Option<[Option<Py<Gate>>; LEVELS]>) {
    *SET_UPS.get(py) += 1;
    drop(std::mem::replace(RUN.get(py), gates.unwrap_or_default()));
}

/// Whether the run has a rule for a level, given as a tenth of its number.
pub fn run_has_rule(py: Python<'_>, level: usize) -> bool {
    extras::in_use() & extras::SAMPLING != 0 && RUN.get(py)[level.min(LEVELS - 1)].is_some()
}

/// Whether a call's record is let through: then how many were held back before it.
///
/// # Errors
/// Only what is not for a logger to swallow.
#[inline(never)]
pub fn ask(py: Python<'_>, logger: &Logger, level: i64) -> PyResult<Option<u64>> {
    let gate = match &logger.gate {
        Some(gate) => gate.clone_ref(py),
        None => match &RUN.get(py)[tenth(level)] {
            Some(gate) => gate.clone_ref(py),
            None => return Ok(Some(0)),
        },
    };
    let gate = gate.bind(py).get();
    // A clock that fails costs no record.
    let Some(now) = gate.time(py)? else { return Ok(Some(0)) };
    let subject = logger.surroundings.get().subject(py)?;
    let key = |place| Key { rule: gate.number_now(py), place, subject };
    if let Some(number) = gate.key {
        return Ok(settle(py, key((number, NAMED)), &gate.rule, level, now));
    }
    // SAFETY: the GIL is held, and nothing is borrowed that Python code might change.
    let Some(place) = (unsafe { caller(py) }) else {
        return Ok(settle(py, key((0, NAMED)), &gate.rule, level, now));
    };
    let key = key((place.code() as u64, place.offset as u32));
    let answer = GATES.get(py).ask(key, &gate.rule, told(level), now);
    if answer.is_new {
        // The table's reference, so that the address cannot come to mean another.
        // SAFETY: a live object, and the GIL is held.
        unsafe { ffi::Py_INCREF(place.code()) };
    }
    release(&answer);
    Ok(answer.through)
}

/// The place of a level among the run's rules.
fn tenth(level: i64) -> usize {
    (level / 10).clamp(0, LEVELS as i64 - 1) as usize
}

/// The level as the table has it.
fn told(level: i64) -> u8 {
    level.clamp(0, u8::MAX.into()) as u8
}

fn settle(py: Python<'_>, key: Key, rule: &Rule, level: i64, now: f64) -> Option<u64> {
    let answer = GATES.get(py).ask(key, rule, told(level), now);
    release(&answer);
    answer.through
}

/// Lets go of the code that the table has forgotten.
fn release(answer: &Answer) {
    if let Some(Key { place: (code, at), .. }) = answer.evicted
        && at != NAMED
    {
        // SAFETY: the reference that was taken when the key was new. It may run Python code (a weak reference's
        // callback), so the table has been left.
        unsafe { ffi::Py_DECREF(code as *mut ffi::PyObject) };
    }
}

/// The same for a call that comes by way of Python.
#[pyfunction]
#[pyo3(signature = (logger, level, /))]
pub fn let_through(logger: &Bound<'_, Logger>, level: i64) -> PyResult<Option<u64>> {
    if extras::in_use() & extras::SAMPLING == 0 { Ok(Some(0)) } else { ask(logger.py(), logger.get(), level) }
}

/// The same for a record of the standard library's, under the run's rules.
#[pyfunction]
#[pyo3(signature = (name, level, file, line, /))]
pub fn let_record_through(
    py: Python<'_>,
    name: &Bound<'_, PyString>,
    level: i64,
    file: &Bound<'_, PyString>,
    line: i64,
) -> PyResult<Option<u64>> {
    let Some(gate) = RUN.get(py)[tenth(level)].as_ref().map(|gate| gate.clone_ref(py)) else { return Ok(Some(0)) };
    let gate = gate.bind(py).get();
    let Some(now) = gate.time(py)? else { return Ok(Some(0)) };
    // SAFETY: live strs, and the GIL is held.
    let (name, file) = unsafe { (text_of(name.as_ptr()), text_of(file.as_ptr())) };
    let place = gate.key.unwrap_or_else(|| hash(&(file, line)));
    let key = Key { rule: gate.number_now(py), place: (place, NAMED), subject: subject(py, &name) };
    Ok(settle(py, key, &gate.rule, level, now))
}

/// What was held back and not told yet, which counts as told from now on: logger, level, how many.
#[pyfunction]
pub fn tell_held_back(py: Python<'_>) -> Vec<(String, u32, u64)> {
    notice_fork(py);
    let untold = GATES.get(py).tell();
    let one = |((subject, level), count)| (name_of(py, subject), u32::from(level), count);
    untold.into_iter().map(one).collect()
}

/// How many records were held back in this process, by logger.
#[pyfunction]
pub fn held_back(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    notice_fork(py);
    let dict = PyDict::new(py);
    for (subject, count) in GATES.get(py).counts() {
        dict.set_item(name_of(py, subject), count)?;
    }
    Ok(dict)
}

/// What a parent held back is the parent's to tell.
fn notice_fork(py: Python<'_>) {
    drop(shared(py));
}

/// Forgets what was counted, in a forked child.
pub fn forget_counts(py: Python<'_>) {
    GATES.get(py).forget_counts();
}
