//! Handlers whose files are written through the ring: each has a *lane*. Who is about to use a handler's stream by another
//! way reads its attribute `stream` (`attribute`), which waits for what is in the lane.

use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::lane::{File, Lane};
use super::watchers::changed;
use crate::current::{ensure, shared};
use crate::gil::GilCell;

/// The lanes, by the addresses of their handlers.
static LANES: GilCell<Option<HashMap<usize, Arc<Lane>>>> = GilCell::new(None);

fn lanes<'py>(py: Python<'py>) -> &'py mut HashMap<usize, Arc<Lane>> {
    LANES.get(py).get_or_insert_default()
}

/// Gives a handler a lane; `None` if there is no ring, or no room in it for one more file.
pub fn open(handler: &Bound<'_, PyAny>, file: File<'_>) -> Option<Arc<Lane>> {
    let py = handler.py();
    let File { path, device, inode, descriptor, stream, encoding, raw } = file;
    let runtime = ensure(py).ok().flatten()?;
    // SAFETY: the GIL is held, and nothing here runs Python while the reference lives.
    let gil = unsafe { runtime.gil() };
    let (sink, route) = gil.route_to_handler(&runtime.memory, &path, (device, inode))?;
    let (route_id, epoch) = (gil.routes[route].id, gil.epoch);
    let stream = stream.as_ptr();
    let is_it = |lane: &&Arc<Lane>| (lane.epoch, lane.sink, lane.stream) == (epoch, sink, stream) && lane.raw.is(&raw);
    if let Some(lane) = lanes(py).get(&key(handler)).filter(is_it) {
        return Some(Arc::clone(lane));
    }
    // SAFETY: the stream has it open, and is held.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    let handed = runtime.lending.lend(sink, borrowed, (device, inode)).ok()?;
    let (end, touched, raw) = (AtomicU64::new(0), AtomicBool::new(true), raw.unbind());
    let lane = Arc::new(Lane { sink, route, route_id, epoch, handed, end, stream, encoding, raw, descriptor, touched });
    lanes(py).insert(key(handler), Arc::clone(&lane));
    Some(lane)
}

/// Waits until the lines of all handlers are in their files.
pub fn drain_all(py: Python<'_>) {
    let all: Vec<_> = lanes(py).values().map(Arc::clone).collect();
    all.iter().for_each(|lane| lane.drain(py));
}

fn key(handler: &Bound<'_, PyAny>) -> usize {
    handler.as_ptr() as usize
}

pub fn lane_of(py: Python<'_>, handler: *mut ffi::PyObject) -> Option<Arc<Lane>> {
    LANES.get(py).as_ref()?.get(&(handler as usize)).map(Arc::clone)
}

/// A line has been written to a handler's stream by the handler's own way.
pub fn is_written(handler: &Bound<'_, PyAny>, stream: &Bound<'_, PyAny>, line: &Bound<'_, PyString>) {
    if let Some(lane) = lane_of(handler.py(), handler.as_ptr()) {
        lane.is_written(stream, line);
    }
}

/// A handler's lane is closed: it has another stream, or is gone.
pub fn close(py: Python<'_>, handler: usize) {
    let Some(lane) = LANES.get(py).as_mut().and_then(|lanes| lanes.remove(&handler)) else { return };
    lane.drain(py);
    // Another handler may have begun to lend it meanwhile.
    if lanes(py).values().any(|other| other.sink == lane.sink && other.epoch == lane.epoch) {
        return;
    }
    if let Some(runtime) = shared(py)
        // SAFETY: the GIL is held, and the reference ends here.
        && unsafe { runtime.gil() }.epoch == lane.epoch
    {
        runtime.lending.take_back(lane.sink);
    }
}

/// Lets go of a handler's file, by the handler's address; of all, if that is 0.
#[pyfunction]
pub fn let_go(py: Python<'_>, handler: usize) {
    let those: Vec<_> = if handler == 0 { lanes(py).keys().copied().collect() } else { vec![handler] };
    if handler == 0 {
        changed();
    }
    those.into_iter().for_each(|handler| close(py, handler));
}

/// A handler's stream, once what the ring has for it is written.
///
/// # Errors
/// If it has none, or what keeps the ring's lines from being written.
pub fn stream_of<'py>(handler: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if let Some(lane) = lane_of(handler.py(), handler.as_ptr()) {
        lane.drain(handler.py());
        if let Some(error) = lane.obstacle(handler.py()) {
            return Err(error);
        }
    }
    let attributes = handler.getattr(pyo3::intern!(handler.py(), "__dict__"))?.cast_into::<PyDict>()?;
    attributes.as_any().get_item(pyo3::intern!(handler.py(), "stream"))
}
