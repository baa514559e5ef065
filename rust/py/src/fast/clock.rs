//! The clock beside the wall clock: the run's, or the one that surrounds a call. Its time stands in each record, or it
//! makes the stamps.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::exceptions::PyException;
use pyo3::ffi;
use pyo3::prelude::*;
use undergird_core::record::{Header, flags};
use undergird_core::scratch::Scratch;

use super::extras;
use super::limits::Noticed;
use super::moments::{Moment, possible};
use super::upcall::call;
use crate::gil::GilCell;

/// A simulation's time, set by the simulation and read by whatever is timed: two loads, no Python.
///
/// Args:
///     time: The first time, in the simulation's own unit (seconds, unless you decide otherwise).
///     stamps: Whether it takes the wall clock's place in `timestamp` (as seconds since 1970) instead of standing
///         beside it as `sim_time`.
///
/// Raises:
///     ValueError: If a time is not finite, or if it is to be a stamp and out of the range of stamps (0 to 18446744073,
///         in the year 2554).
///
/// Cost: about one disabled log call to set it, 10 to 20 ns in a log call.
///
/// Example:
///     >>> from undergird.clock import SimulationClock
///     >>> clock = SimulationClock()
///     >>> clock.time = 12.5
///     >>> clock.advance(0.25)
///     >>> clock.now()
///     12.75
#[pyclass(frozen, weakref, module = "undergird._core")]
pub struct SimulationClock {
    /// The bits of a float.
    time: AtomicU64,
    #[pyo3(get)]
    stamps: bool,
}

#[pymethods]
impl SimulationClock {
    #[new]
    #[pyo3(signature = (time=Moment(0.0), *, stamps=false), text_signature = "(time=0.0, *, stamps=False)")]
    fn new(time: Moment, stamps: bool) -> PyResult<Self> {
        Ok(Self { time: AtomicU64::new(possible(time.0, stamps)?.to_bits()), stamps })
    }

    /// The time now.
    #[getter]
    fn time(&self) -> f64 {
        // Relaxed: a number by itself, written with the GIL held.
        f64::from_bits(self.time.load(Ordering::Relaxed))
    }

    #[setter]
    fn set_time(&self, time: Moment) -> PyResult<()> {
        // Relaxed: as above.
        self.time.store(possible(time.0, self.stamps)?.to_bits(), Ordering::Relaxed);
        Ok(())
    }

    /// The time now.
    fn now(&self) -> f64 {
        self.time()
    }

    /// Moves the time on by so much.
    #[pyo3(signature = (by, /))]
    fn advance(&self, by: Moment) -> PyResult<()> {
        self.set_time(Moment(self.time() + by.0))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let time = self.time().into_pyobject(py)?.repr()?;
        Ok(format!("SimulationClock({time}{})", if self.stamps { ", stamps=True" } else { "" }))
    }
}

/// The clock of the run.
static RUN: GilCell<Option<Py<PyAny>>> = GilCell::new(None);
/// The variable that holds the clock of a context, once there has been one.
static VARIABLE: GilCell<Option<Py<PyAny>>> = GilCell::new(None);
/// How often a clock has failed.
static FAILED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Whether this thread is asking a clock: one that logs is not asked again for that.
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Makes a clock that of the run; `None` for the wall clock alone.
#[pyfunction]
#[pyo3(signature = (clock, /))]
pub fn set_clock(py: Python<'_>, clock: Option<Py<PyAny>>) {
    let old = std::mem::replace(RUN.get(py), clock);
    extras::set(extras::CLOCK, RUN.get(py).is_some() || VARIABLE.get(py).is_some());
    drop(old);
}

/// Says which `ContextVar` holds the clock of a context.
#[pyfunction]
#[pyo3(signature = (variable, /))]
pub fn watch_clock(py: Python<'_>, variable: Py<PyAny>) {
    let old = VARIABLE.get(py).replace(variable);
    extras::set(extras::CLOCK, true);
    drop(old);
}

/// How often a clock has failed.
#[pyfunction]
pub fn clock_failures() -> u64 {
    FAILED.load(Ordering::Relaxed)
}

/// What a clock says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Time {
    /// It stands beside the stamp.
    Beside(f64),
    /// It is the stamp, in nanoseconds since the epoch.
    Stamp(u64),
}

impl Time {
    /// A time that is [`possible`]. As a stamp it is taken to the microsecond: a float of today's date knows no more.
    fn of(time: f64, stamps: bool) -> Self {
        if stamps { Self::Stamp((time * 1e6).round() as u64 * 1_000) } else { Self::Beside(time) }
    }

    /// In seconds, or whatever unit the clock has.
    pub fn seconds(self) -> f64 {
        match self {
            Self::Beside(time) => time,
            Self::Stamp(ns) => ns as f64 / 1e9,
        }
    }
}

/// The clock that a call is under: its context's, else the run's.
pub fn surrounding(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    if let Some(variable) = VARIABLE.get(py) {
        let mut clock = std::ptr::null_mut();
        // SAFETY: a live `ContextVar`, and the GIL is held; the interpreter finds it by its identity and runs no Python.
        // A new reference, or null.
        let found = unsafe {
            if ffi::PyContextVar_Get(variable.as_ptr(), std::ptr::null_mut(), &mut clock) < 0 {
                ffi::PyErr_Clear();
            }
            Bound::from_owned_ptr_or_opt(py, clock)
        };
        if let Some(clock) = found.filter(|clock| !clock.is_none()) {
            return Some(clock);
        }
    }
    RUN.get(py).as_ref().map(|clock| clock.bind(py).clone())
}

/// What the surrounding clock says, if there is one and it works.
///
/// # Errors
/// Only what is not for a logger to swallow.
pub fn read(py: Python<'_>, noticed: &mut Noticed) -> PyResult<Option<Time>> {
    surrounding(py).map_or(Ok(None), |clock| ask(&clock, noticed))
}

/// What a clock says, if it works.
///
/// # Errors
/// Only what is not for a logger to swallow.
pub fn ask(clock: &Bound<'_, PyAny>, noticed: &mut Noticed) -> PyResult<Option<Time>> {
    let py = clock.py();
    if let Ok(clock) = clock.cast_exact::<SimulationClock>() {
        let clock = clock.get();
        return Ok(Some(Time::of(clock.time(), clock.stamps)));
    }
    noticed.ran_python = true;
    if ASKING.replace(true) {
        return Ok(None);
    }
    let answer = ask_python(clock);
    ASKING.set(false);
    match answer {
        Ok(time) => Ok(Some(time)),
        Err(error) if error.is_instance_of::<PyException>(py) => {
            FAILED.fetch_add(1, Ordering::Relaxed);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What a clock made in Python says; see `undergird.clock.Clock`.
fn ask_python(clock: &Bound<'_, PyAny>) -> PyResult<Time> {
    let py = clock.py();
    let stamps = clock.getattr_opt(pyo3::intern!(py, "stamps"))?.map_or(Ok(false), |stamps| stamps.is_truthy())?;
    if stamps && let Some(now) = clock.getattr_opt(pyo3::intern!(py, "now_ns"))? {
        let ns: u64 = call(&now, [])?.extract()?;
        return possible(ns as f64 / 1e9, true).map(|_| Time::Stamp(ns));
    }
    let now = call(&clock.getattr(pyo3::intern!(py, "now"))?, [])?.extract()?;
    Ok(Time::of(possible(now, stamps)?, stamps))
}

/// Appends the section of the simulation's time, or sets the stamp.
///
/// # Errors
/// Only what is not for a logger to swallow.
pub fn encode_time(py: Python<'_>, header: &mut Header, out: &mut Scratch, noticed: &mut Noticed) -> PyResult<()> {
    match read(py, noticed)? {
        Some(Time::Beside(time)) => {
            header.flags |= flags::SIM_TIME;
            out.bytes(&time.to_le_bytes());
        }
        // Zero means that the wall clock is to be asked. No line shows a nanosecond.
        Some(Time::Stamp(stamp)) => header.stamp = stamp.max(1),
        None => {}
    }
    Ok(())
}

/// The stamp that the surrounding clock makes, and the time that stands beside the stamp.
///
/// # Errors
/// Only what is not for a logger to swallow.
#[pyfunction]
pub fn clock_times(py: Python<'_>) -> PyResult<(Option<u64>, Option<f64>)> {
    Ok(match read(py, &mut Noticed::default())? {
        Some(Time::Stamp(stamp)) => (Some(stamp), None),
        Some(Time::Beside(time)) => (None, Some(time)),
        None => (None, None),
    })
}
