//! Records that reach our handler as the standard library's `LogRecord`: through the same ring, at leisure.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use undergird_core::record::{Header, INLINE, Kind, encode_group, flags};
use undergird_core::scratch::Scratch;

use crate::accept::accept;
use crate::current::ensure;
use crate::fast::limits::{Noticed, countable};
use crate::fast::values::{encode, encode_text, text_of};
use crate::producer::File;

/// Function, file and line.
pub type Site<'py> = (Bound<'py, PyString>, Bound<'py, PyString>, u32);
/// Traceback text, class name and message.
pub type Exception<'py> = (Bound<'py, PyString>, Bound<'py, PyString>, Bound<'py, PyString>);

/// Appends one record to a file.
///
/// `stamp` is in nanoseconds since the epoch; `sim_time` is what stands beside it; `site` is function, file and line;
/// `exception` is traceback text, class name and message.
///
/// Returns whether the record was taken; not, if the core has no ring.
#[pyfunction]
#[pyo3(signature = (file, *, stamp, level, level_name, name, message, fields, sim_time=None, held_back=0, site=None, exception=None))]
#[expect(clippy::too_many_arguments, reason = "a record has many parts")]
pub fn emit(
    py: Python<'_>,
    file: File,
    stamp: u64,
    level: i64,
    level_name: &Bound<'_, PyString>,
    name: &Bound<'_, PyString>,
    message: &Bound<'_, PyString>,
    fields: &Bound<'_, PyDict>,
    sim_time: Option<f64>,
    held_back: u64,
    site: Option<Site<'_>>,
    exception: Option<Exception<'_>>,
) -> PyResult<bool> {
    let (payload, flags) = payload(name, message, fields, sim_time, held_back, site, exception)?;
    // SAFETY: a live str, and the GIL is held.
    let level_name = unsafe { text_of(level_name.as_ptr()) };
    loop {
        let Some(runtime) = ensure(py)? else { return Ok(false) };
        // SAFETY: the GIL is held, and nothing here runs Python while the reference lives.
        let gil = unsafe { runtime.gil() };
        let Some(route) = gil.route_to(&runtime.memory, std::iter::once(&file)) else { return Ok(false) };
        let level = gil.level(&runtime.memory, level, &level_name);
        let header = Header {
            kind: Kind::Log as u8,
            level,
            flags,
            route: gil.routes[route].id,
            name: INLINE,
            stamp,
            ..Header::default()
        };
        if accept(py, &runtime, route, header, payload.as_slice(), 1)? {
            return Ok(true);
        }
    }
}

/// The payload of a record that has its logger's name in it, and the flags of its sections.
pub fn payload(
    name: &Bound<'_, PyString>,
    message: &Bound<'_, PyString>,
    fields: &Bound<'_, PyDict>,
    sim_time: Option<f64>,
    held_back: u64,
    site: Option<Site<'_>>,
    exception: Option<Exception<'_>>,
) -> PyResult<(Scratch, u16)> {
    let mut payload = Scratch::new();
    let mut noticed = Noticed::default();
    let mut flags = flags::NAME_INLINE;
    // SAFETY: live objects, all `str` where they are treated so, and the GIL is held.
    unsafe {
        encode_text(name.as_ptr(), &mut payload, &mut noticed);
        encode_text(message.as_ptr(), &mut payload, &mut noticed);
        if let Some(time) = sim_time {
            flags |= flags::SIM_TIME;
            payload.bytes(&time.to_le_bytes());
        }
        if held_back > 0 {
            flags |= flags::HELD_BACK;
            payload.bytes(&held_back.to_le_bytes());
        }
        if let Some((function, file, line)) = &site {
            flags |= flags::SITE;
            encode_text(function.as_ptr(), &mut payload, &mut noticed);
            encode_text(file.as_ptr(), &mut payload, &mut noticed);
            payload.bytes(&line.to_le_bytes());
        }
        if !fields.is_empty() {
            flags |= flags::FIELDS;
            // A copy: rendering may run code that changes the original.
            let fields = fields.copy()?;
            let count = countable(fields.len(), &mut noticed);
            encode_group(INLINE, count, &mut payload);
            for (key, value) in fields.iter().take(count.into()) {
                let key = key.str()?;
                encode_text(key.as_ptr(), &mut payload, &mut noticed);
                encode(value.as_ptr(), || key.as_ptr(), &mut payload, &mut noticed)?;
            }
        }
        if let Some((text, kind, message)) = &exception {
            flags |= flags::EXCEPTION;
            for part in [text, kind, message] {
                encode_text(part.as_ptr(), &mut payload, &mut noticed);
            }
        }
    }
    if noticed.truncated {
        flags |= flags::TRUNCATED;
    }
    Ok((payload, flags))
}
