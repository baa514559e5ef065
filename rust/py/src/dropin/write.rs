//! An enabled call whose record only handlers of the standard library see that write to streams: their lines are put
//! together natively, and written to the streams as these handlers would.

use pyo3::exceptions::{PyException, PyRecursionError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyTuple};
use undergird_core::format::moment::Moment;

use super::counts::{Reason, count_logged};
use super::enabled::{Outcome, is_as_decided};
use super::lanes::{is_written, stream_of};
use super::memory::{Known, known};
use super::originals::originals;
use super::streams::{Line, Streams};
use crate::fast::arguments::render;
use crate::fast::upcall::{call, method};
use crate::host::wall_ns;

/// Bytes in which most messages and their lines find room.
const SOME: usize = 512;

/// A call that was decided about.
#[derive(Clone, Copy)]
pub struct Decided<'a, 'py> {
    pub py: Python<'py>,
    pub logger: *mut ffi::PyObject,
    /// A tenth of its level's number.
    pub level: usize,
    /// The message and its arguments.
    pub args: &'a [*mut ffi::PyObject],
    /// The number of the decision.
    pub number: u64,
}

/// Writes the lines of a call.
///
/// # Errors
/// What the standard library's way would raise too.
///
/// # Safety
/// The logger and the arguments are live objects, of these at least one; the GIL is held.
pub unsafe fn write(decided: Decided<'_, '_>, streams: &Streams) -> PyResult<Outcome> {
    let Decided { py, level, args, .. } = decided;
    let ns = wall_ns();
    let now = if cfg!(Py_3_13) { Moment::of_nanoseconds(ns) } else { Moment::of_seconds(ns as f64 / 1e9) };
    let mut message = Vec::with_capacity(SOME);
    // SAFETY: the caller's promise.
    if !unsafe { render(args, &mut message) } {
        return Ok(Outcome::Theirs(Reason::Argument));
    }
    if !streams.are_ready(py, level, now) {
        // SAFETY: as above.
        return unsafe { make_ready(decided, streams, now) };
    }
    let Some(lines) = streams.lines(py, level, now, message) else { return Ok(Outcome::Theirs(Reason::Argument)) };
    let pushed = streams.push(level, ns, &lines);
    if pushed == lines.count() {
        count_logged(py);
        return Ok(Outcome::Logged);
    }
    let lines = streams.left(py, level, &lines, pushed)?;
    // From here on Python may run: `streams` is not used again.
    for (at, line) in lines.iter().enumerate() {
        method(pyo3::intern!(py, "acquire"), [&line.lock])?;
        // Before it is looked at once more: other threads run meanwhile.
        let stream = stream_of(&line.handler);
        // SAFETY: as above.
        let written = unsafe {
            // Whoever had the lock may have changed what is to be written, and where.
            if is_as_decided(py, decided.logger, level, decided.number) {
                emit(decided, line, stream).map(|()| true)
            } else {
                Ok(false)
            }
        };
        method(pyo3::intern!(py, "release"), [&line.lock])?;
        if !written? {
            if pushed + at == 0 {
                return Ok(Outcome::Stale);
            }
            // SAFETY: as above.
            unsafe { hand_over(decided, &lines[at..])? };
            break;
        }
    }
    count_logged(py);
    Ok(Outcome::Logged)
}

/// Has a second told by Python, for the next try.
#[cold]
unsafe fn make_ready(decided: Decided<'_, '_>, streams: &Streams, now: Moment) -> PyResult<Outcome> {
    let Decided { py, logger, level, number, .. } = decided;
    let how = streams.dates(py);
    let dates: PyResult<Vec<_>> = how.iter().map(|date| date.tell(now.second)).collect();
    let dates = match dates {
        Ok(dates) => dates,
        Err(error) if error.is_instance_of::<PyException>(py) => return Ok(Outcome::Theirs(Reason::Other)),
        Err(error) => return Err(error),
    };
    // SAFETY: the caller's promise.
    if let Known::Decided(decision) = unsafe { known(py, logger, level) }
        && decision.number == number
        && let Some(streams) = &decision.streams
    {
        streams.learn(py, now.second, dates);
    }
    Ok(Outcome::Stale)
}

/// Writes a line as `StreamHandler.emit` does. What goes wrong is told of by that.
///
/// # Errors
/// What is not for a handler to swallow.
///
/// # Safety
/// As [`write`].
unsafe fn emit(decided: Decided<'_, '_>, line: &Line<'_>, stream: PyResult<Bound<'_, PyAny>>) -> PyResult<()> {
    let py = decided.py;
    let written = stream.and_then(|stream| {
        method(pyo3::intern!(py, "write"), [&stream, line.text.as_any()])?;
        Ok(stream)
    });
    let (error, flushing) = match written {
        Err(error) => (error, false),
        Ok(stream) => match method(pyo3::intern!(py, "flush"), [&stream]) {
            Err(error) => (error, true),
            Ok(_) => {
                is_written(&line.handler, &stream, &line.text);
                return Ok(());
            }
        },
    };
    if !error.is_instance_of::<PyException>(py) || error.is_instance_of::<PyRecursionError>(py) {
        return Err(error);
    }
    let Some(originals) = originals() else { return Err(error) };
    // SAFETY: the caller's promise.
    let record = unsafe { record_of(decided)? };
    let flushing = PyBool::new(py, flushing).to_owned();
    let failing = call(originals.failing.bind(py), [&line.handler, error.value(py).as_any(), flushing.as_any()])?;
    method(pyo3::intern!(py, "emit"), [&failing, &record]).map(drop)
}

/// Gives the standard library's record to the handlers that are left: something has changed.
///
/// # Errors
/// What they raise.
///
/// # Safety
/// As [`write`].
#[cold]
unsafe fn hand_over(decided: Decided<'_, '_>, lines: &[Line<'_>]) -> PyResult<()> {
    let py = decided.py;
    // SAFETY: the caller's promise.
    let record = unsafe { record_of(decided)? };
    for line in lines {
        if record.getattr("levelno")?.ge(line.handler.getattr("level")?)? {
            method(pyo3::intern!(py, "handle"), [&line.handler, &record])?;
        }
    }
    Ok(())
}

/// The standard library's record of a call.
#[cold]
unsafe fn record_of<'py>(decided: Decided<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let Decided { py, logger, level, args, .. } = decided;
    let Some(originals) = originals() else { return Ok(py.None().into_bound(py)) };
    // SAFETY: the caller's promise.
    unsafe {
        let args = args.iter().map(|arg| Bound::from_borrowed_ptr(py, *arg)).collect::<Vec<_>>();
        let (logger, number) = (Bound::from_borrowed_ptr(py, logger), (10 * level).into_pyobject(py)?);
        call(originals.record_of.bind(py), [&logger, number.as_any(), PyTuple::new(py, args)?.as_any()])
    }
}

/// Raises an exception, whatever else it is given: as code that leaves no trace of its own does.
///
/// # Errors
/// The exception.
#[pyfunction]
#[pyo3(signature = (error, *_rest))]
pub fn fail(error: Bound<'_, PyAny>, _rest: &Bound<'_, PyTuple>) -> PyResult<()> {
    Err(PyErr::from_value(error))
}
