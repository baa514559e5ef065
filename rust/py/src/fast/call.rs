//! One log call: its arguments are copied into the ring, or handed to the standard library's way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use undergird_core::record::{Header, INLINE, Kind, encode_group, flags};
use undergird_core::scratch::Scratch;

use super::arguments::encode_message;
use super::exception::attach;
use super::fields::Fields;
use super::invocation::{Call, slow};
use super::levels::{ANY, number};
use super::limits::{Noticed, countable};
use super::redaction::{Hidden, judge};
use super::shapes::shape;
use super::{context, extras, sampling};
use crate::accept::accept;
use crate::current::current;
use crate::generation::generation;
use crate::host::wall_ns;

/// One level's method. `LEVEL` is a tenth of the standard library's number.
///
/// # Safety
/// The interpreter calls it, with the GIL held.
pub unsafe extern "C" fn method<const LEVEL: usize>(
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter holds the GIL when it calls a method, and these are its arguments.
    enter::<LEVEL>(unsafe { Call::new(Python::assume_attached(), LEVEL, this, args, count, names) })
}

/// The method of any level, by its index.
///
/// # Safety
/// The interpreter's promises.
#[inline(never)]
pub unsafe fn at_level(
    level: usize,
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as above.
    enter::<ANY>(unsafe { Call::new(Python::assume_attached(), level, this, args, count, names) })
}

/// `LEVEL`: the level's index, where it is known when this is compiled; else [`ANY`].
#[inline(always)]
fn enter<const LEVEL: usize>(call: Call<'_>) -> *mut ffi::PyObject {
    let outcome = match call.surroundings().plan(call.py) {
        Ok(plan) if plan.is_off(call.py, call.level::<LEVEL>()) && call.count > 0 => Ok(()),
        Ok(_) => contained(|| start::<LEVEL>(call)),
        Err(error) => Err(error),
    };
    answer(call.py, outcome)
}

/// Keeps a panic from the interpreter.
#[inline(always)]
pub fn contained<T>(log: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(log))
        .unwrap_or_else(|_| Err(PyRuntimeError::new_err("undergird: a log call failed inside; please report this")))
}

/// What the interpreter gets for a method's outcome.
#[inline(always)]
pub fn answer(py: Python<'_>, outcome: PyResult<()>) -> *mut ffi::PyObject {
    match outcome {
        // SAFETY: a new reference to None.
        Ok(()) => unsafe { ffi::Py_NewRef(ffi::Py_None()) },
        Err(error) => {
            error.restore(py);
            std::ptr::null_mut()
        }
    }
}

/// Logs a call that asks for nothing but itself in code of its own, which pays for nothing else.
fn start<const LEVEL: usize>(call: Call<'_>) -> PyResult<()> {
    if extras::in_use() == 0 { log::<LEVEL, false>(call) } else { extended(call) }
}

/// Logs a call with whatever it asks for.
#[inline(never)]
pub fn extended(call: Call<'_>) -> PyResult<()> {
    log::<ANY, true>(call)
}

/// `EXTRAS`: whether something is in use that most programs do without, or comes with the call.
#[inline(always)]
fn log<const LEVEL: usize, const EXTRAS: bool>(call: Call<'_>) -> PyResult<()> {
    if call.count == 0 {
        return Err(PyTypeError::new_err("a log call needs a message: missing argument 'msg'"));
    }
    let level = call.level::<LEVEL>();
    let surroundings = call.surroundings();
    let mut plan = surroundings.plan(call.py)?;
    if !plan.still_holds(call.py) {
        plan = surroundings.replan(call.py)?;
        if plan.is_off(call.py, level) {
            return Ok(());
        }
        if !EXTRAS && extras::in_use() != 0 {
            return extended(call);
        }
    }
    if EXTRAS && call.held_back.is_none() && extras::in_use() & extras::SAMPLING != 0 {
        // From the start again, since a clock may have run Python.
        return match sampling::ask(call.py, call.logger(), number(call.py, level))? {
            Some(held_back) => extended(Call { held_back: Some(held_back), ..call }),
            None => Ok(()),
        };
    }
    // SAFETY: the GIL is held; the reference ends with this call.
    let runtime = match unsafe { current() } {
        Some(_) if plan.is_native(level) && plan.is_for_nobody(level) => return Ok(()),
        Some(runtime) if plan.is_native(level) => runtime,
        _ => return slow(call),
    };
    // SAFETY: the GIL is held, and the reference is let go before Python runs.
    let gil = unsafe { runtime.gil() };
    let mut header = Header {
        kind: Kind::Log as u8,
        level: plan.level(level),
        route: plan.route_id(level),
        name: plan.name,
        ..Header::default()
    };
    let (keys, hidden) = if call.fields() > 0 {
        // SAFETY: a tuple of str, and the GIL is held.
        let Some(shape) = (unsafe { shape(call.names, runtime, gil) }) else { return attach(call) };
        let Some(hidden) = shape.hidden else { return judged(call) };
        (shape.id, hidden)
    } else {
        (INLINE, Hidden::default())
    };
    // They are made ready before anything is rendered, since that may run Python too.
    let bound = call.logger().bound.as_ref().map(Py::get);
    let bound_keys = match bound.map(|bound| bound.shape(gil.epoch)) {
        None => INLINE,
        Some(Some(keys)) => keys,
        Some(None) => return prepared(call, bound),
    };
    let context = if EXTRAS && extras::in_use() & extras::CONTEXT != 0 { context::fields(call.py) } else { None };
    let context_keys = match context.as_ref().map(|context| context.get().shape(gil.epoch)) {
        None => INLINE,
        Some(Some(keys)) => keys,
        Some(None) => return prepared(call, context.as_ref().map(Bound::get)),
    };
    let (made_at, route) = (plan.generation, plan.route(level));
    let mut scratch = Scratch::new();
    let mut noticed = Noticed::default();
    if header.name == INLINE {
        header.flags |= flags::NAME_INLINE;
        scratch.text(&plan.name_text);
    }
    let extras = if EXTRAS { plan.extras | extras::in_use() & extras::CLOCK } else { 0 };
    let names = plan.names;
    // From here on rendering may run Python: neither `plan` nor `gil` is used again.
    // SAFETY: the interpreter passes `count` live objects, and behind them one for each name.
    let args = unsafe { std::slice::from_raw_parts(call.args, call.count + call.fields()) };
    // SAFETY: live objects, and the GIL is held.
    unsafe { encode_message(call.py, &args[..call.count], &mut header, &mut scratch, &mut noticed)? };
    let held_back = if EXTRAS { call.held_back.unwrap_or(0) } else { 0 };
    if extras != 0 || held_back > 0 {
        // SAFETY: the GIL is held.
        unsafe { extras::encode(call.py, extras, names, held_back, &mut header, &mut scratch, &mut noticed)? };
    }
    if let Some(context) = &context {
        header.flags |= flags::CONTEXT;
        context.get().encode(call.py, context_keys, &mut scratch, &mut noticed);
    }
    if let Some(bound) = bound {
        header.flags |= flags::BOUND;
        bound.encode(call.py, bound_keys, &mut scratch, &mut noticed);
    }
    if call.fields() > 0 {
        header.flags |= flags::FIELDS;
        let count = countable(call.fields(), &mut noticed);
        encode_group(keys, count, &mut scratch);
        let values = &args[call.count..][..count.into()];
        if hidden.is_empty() {
            call.encode_fields(values, keys, |_| false, &mut scratch, &mut noticed)?;
        } else {
            call.encode_seen(values, keys, hidden, &mut scratch, &mut noticed)?;
        }
    }
    if EXTRAS && let Some(rendered) = call.rendered {
        rendered.encode(&mut header, &mut scratch, &mut noticed);
    }
    if noticed.truncated {
        header.flags |= flags::TRUNCATED;
    }
    if noticed.ran_python && generation().load(Ordering::Relaxed) != made_at {
        // What was rendered has changed the set-up: the numbers in the scratch may mean nothing any more.
        return slow(call);
    }
    if !EXTRAS || header.stamp == 0 {
        header.stamp = wall_ns();
    }
    if !accept(call.py, runtime, route, header, scratch.as_slice(), 1)? {
        return slow(call);
    }
    Ok(())
}

/// Asks Python once which fields of these keywords must not be seen, then logs.
#[cold]
fn judged(call: Call<'_>) -> PyResult<()> {
    // SAFETY: the interpreter's tuple of keywords.
    let names = unsafe { Bound::from_borrowed_ptr(call.py, call.names) };
    if judge(&names)? { extended(call) } else { slow(call) }
}

/// Makes bound fields or those of the context ready for the present ring, then logs.
#[cold]
fn prepared(call: Call<'_>, fields: Option<&Fields>) -> PyResult<()> {
    let ready = fields.map_or(Ok(false), Fields::prepare)?;
    if ready { extended(call) } else { slow(call) }
}
