//! Records that reach our handler as the standard library's `LogRecord`: through the same ring, at leisure.

use pyo3::prelude::*;
use undergird_core::record::{Header, INLINE, Kind};

use crate::accept::accept;
use crate::current::ensure;
use crate::fast::values::text_of;
use crate::parts::Parts;
use crate::producer::File;

/// Appends one record to a file.
///
/// Returns whether the record was taken; not, if the core has no ring.
#[pyfunction]
#[pyo3(signature = (file, parts, /))]
pub fn emit(py: Python<'_>, file: File, parts: Parts<'_>) -> PyResult<bool> {
    let (payload, flags) = parts.encode()?;
    // SAFETY: a live str, and the GIL is held.
    let level_name = unsafe { text_of(parts.level_name.as_ptr()) };
    loop {
        let Some(runtime) = ensure(py)? else { return Ok(false) };
        // SAFETY: the GIL is held, and nothing here runs Python while the reference lives.
        let gil = unsafe { runtime.gil() };
        let Some(route) = gil.route_to(&runtime.memory, std::iter::once(&file)) else { return Ok(false) };
        let header = Header {
            kind: Kind::Log as u8,
            level: gil.level(&runtime.memory, parts.level, &level_name),
            flags,
            route: gil.routes[route].id,
            name: INLINE,
            stamp: parts.stamp,
            ..Header::default()
        };
        if accept(py, &runtime, route, header, payload.as_slice(), 1)? {
            return Ok(true);
        }
    }
}
