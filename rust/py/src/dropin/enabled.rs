//! An enabled call: into the ring, if all that would see its record is ours; its line is the one that our handler would
//! write of the standard library's record. What is written to streams is in `write`.

use pyo3::exceptions::PyException;
use pyo3::ffi;
use pyo3::prelude::*;
use undergird_core::record::{Header, INLINE, Kind, flags};
use undergird_core::scratch::Scratch;

use super::counts::{Reason, count_logged};
use super::decision::Decision;
use super::memory::{Known, known};
use super::originals::originals;
use super::write::{Decided, write};
use crate::accept::accept;
use crate::current::current;
use crate::fast::arguments::encode_message;
use crate::fast::limits::Noticed;
use crate::fast::{context, extras, sampling};
use crate::host::wall_ns;

/// What became of it.
pub enum Outcome {
    Logged,
    /// The decision does not hold any more.
    Stale,
    /// It is the standard library's.
    Theirs(Reason),
}

/// Logs a call that has been decided about, at a level that is enabled.
///
/// # Errors
/// What the standard library's way would raise too: only what is not for a handler to swallow.
///
/// # Safety
/// `logger` and `args` are live objects, of these at least one; the GIL is held.
#[inline]
pub unsafe fn log(
    py: Python<'_>,
    decision: &Decision,
    logger: *mut ffi::PyObject,
    level: usize,
    args: &[*mut ffi::PyObject],
) -> PyResult<Outcome> {
    if !decision.holds(py) {
        return Ok(Outcome::Stale);
    }
    if let Some(streams) = &decision.streams {
        // SAFETY: the caller's promise.
        return unsafe { write(Decided { py, logger, level, args, number: decision.number }, streams) };
    }
    let plan = match &decision.plan {
        Some(plan) if plan.is_native(level) => plan,
        _ => return Ok(Outcome::Theirs(decision.reason)),
    };
    // SAFETY: the GIL is held; the reference ends with this call.
    let Some(runtime) = (unsafe { current() }) else { return Ok(Outcome::Theirs(Reason::Other)) };
    if sampling::run_has_rule(py, level) {
        return Ok(Outcome::Theirs(Reason::Sampling));
    }
    let in_use = extras::in_use();
    if plan.extras & extras::SITE != 0 {
        return Ok(Outcome::Theirs(Reason::CallSite));
    }
    let context = if in_use & extras::CONTEXT != 0 { context::fields(py) } else { None };
    // SAFETY: as above.
    let epoch = unsafe { runtime.gil() }.epoch;
    let context_keys = match context.as_ref().map(|context| context.get().shape(epoch)) {
        None => INLINE,
        Some(Some(keys)) => keys,
        // That may run Python: from the start again, with fields that are ready.
        Some(None) => {
            let ready = context.as_ref().map_or(Ok(false), |context| context.get().prepare())?;
            return Ok(if ready { Outcome::Stale } else { Outcome::Theirs(Reason::Other) });
        }
    };
    let mut header = Header {
        kind: Kind::Log as u8,
        level: plan.level(level),
        route: plan.route_id(level),
        name: plan.name,
        ..Header::default()
    };
    let (number, route, names) = (decision.number, plan.route(level), plan.names);
    let (extras, for_nobody) = (plan.extras | in_use & extras::CLOCK, plan.is_for_nobody(level));
    let mut scratch = Scratch::new();
    let mut noticed = Noticed::default();
    if header.name == INLINE {
        header.flags |= flags::NAME_INLINE;
        scratch.text(&plan.name_text);
    }
    // From here on Python may run: neither `decision` nor `plan` is used again, nor `runtime` until it is certain that it is
    // the one of this process still.
    // SAFETY: the caller's promise.
    unsafe {
        if let &[_, only] = args
            && is_odd(py, only, &mut noticed)?
        {
            return Ok(Outcome::Theirs(Reason::Argument));
        }
        if for_nobody {
            count_logged(py);
            return Ok(Outcome::Logged);
        }
        if let Err(error) = encode_message(py, args, &mut header, &mut scratch, &mut noticed) {
            return if error.is_instance_of::<PyException>(py) {
                Ok(Outcome::Theirs(Reason::Other))
            } else {
                Err(error)
            };
        }
        if extras != 0 {
            extras::encode(py, extras, names, 0, &mut header, &mut scratch, &mut noticed)?;
        }
    }
    if let Some(context) = &context {
        header.flags |= flags::CONTEXT;
        context.get().encode(py, context_keys, &mut scratch, &mut noticed);
    }
    if noticed.truncated {
        header.flags |= flags::TRUNCATED;
    }
    // SAFETY: the caller's promise.
    if noticed.ran_python && !unsafe { is_as_decided(py, logger, level, number) } {
        return Ok(Outcome::Theirs(Reason::Other));
    }
    if header.stamp == 0 {
        header.stamp = wall_ns();
    }
    if !accept(py, runtime, route, header, scratch.as_slice(), 1)? {
        return Ok(Outcome::Theirs(Reason::Other));
    }
    count_logged(py);
    Ok(Outcome::Logged)
}

/// Whether the same decision still holds.
///
/// # Safety
/// A live logger, and the GIL is held.
#[cold]
pub unsafe fn is_as_decided(py: Python<'_>, logger: *mut ffi::PyObject, level: usize, number: u64) -> bool {
    // SAFETY: the caller's promise.
    matches!(unsafe { known(py, logger, level) }, Known::Decided(now) if now.number == number && now.holds(py))
}

/// Whether the standard library's record would do more with an only argument than keep it: it asks a mapping whether it is
/// empty, which may go wrong.
///
/// # Safety
/// A live object, and the GIL is held.
#[inline]
unsafe fn is_odd(py: Python<'_>, argument: *mut ffi::PyObject, noticed: &mut Noticed) -> PyResult<bool> {
    // SAFETY: the caller's promise.
    let kind = unsafe { ffi::Py_TYPE(argument) };
    let plain = [
        &raw mut ffi::PyLong_Type,
        &raw mut ffi::PyUnicode_Type,
        &raw mut ffi::PyFloat_Type,
        &raw mut ffi::PyBool_Type,
        &raw mut ffi::PyDict_Type,
    ];
    // SAFETY: there is one None.
    if plain.contains(&kind) || argument == unsafe { ffi::Py_None() } {
        return Ok(false);
    }
    noticed.ran_python = true;
    // SAFETY: as above.
    unsafe { is_mapping(py, argument) }
}

#[cold]
unsafe fn is_mapping(py: Python<'_>, argument: *mut ffi::PyObject) -> PyResult<bool> {
    let Some(originals) = originals() else { return Ok(true) };
    // SAFETY: live objects. What fails here fails there too.
    match unsafe { Bound::from_borrowed_ptr(py, argument) }.is_instance(originals.mapping.bind(py)) {
        Err(error) if error.is_instance_of::<PyException>(py) => Ok(true),
        other => other,
    }
}
