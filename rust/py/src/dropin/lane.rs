//! The way of one handler's lines into the ring, and when they may take it: nobody else has the handler's stream, which
//! is known to write what it is given.

use std::ffi::c_int;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use undergird_core::record::{Header, INLINE, Kind};
use undergird_core::sink::Handed;

use crate::accept::accept_if_room;
use crate::current::{current, shared};
use crate::runtime::Runtime;

/// How long who is about to write by another way waits for what is in the lane.
const PATIENCE: Duration = Duration::from_secs(5);

/// What Python answers of a handler whose lines may go through the ring: see `undergird.logging._files.File`.
#[derive(FromPyObject)]
pub struct File<'py> {
    pub path: PathBuf,
    pub device: u64,
    pub inode: u64,
    pub descriptor: RawFd,
    pub stream: Bound<'py, PyAny>,
    pub encoding: String,
    pub raw: Bound<'py, PyAny>,
}

/// A handler's way into the ring.
pub struct Lane {
    pub sink: u32,
    pub route: usize,
    pub route_id: u32,
    /// Of which ring.
    pub epoch: u64,
    pub handed: Arc<Handed>,
    /// Behind the last line that it took.
    pub end: AtomicU64,
    /// The handler's stream, to which it alone refers while lines take this way.
    pub stream: *mut ffi::PyObject,
    /// The encoding that the stream has had.
    pub encoding: String,
    /// What the stream writes to, and the descriptor that it has unless it has been closed.
    pub raw: Py<PyAny>,
    pub descriptor: RawFd,
    /// Whether somebody may have had the stream since a line came out of it as it went in: he may have left something
    /// there, or told it to write differently.
    pub touched: AtomicBool,
}

// SAFETY: the stream is looked at with the GIL held only.
unsafe impl Send for Lane {}
// SAFETY: as above.
unsafe impl Sync for Lane {}

impl Lane {
    /// Whether lines may take it now.
    #[inline]
    pub fn is_open(&self) -> bool {
        // SAFETY: the decision that this belongs to holds, and with it the handler's `stream`.
        unsafe {
            ffi::Py_REFCNT(self.stream) == 1
                && !self.touched.load(Ordering::Relaxed)
                && descriptor_of(&self.raw) == self.descriptor
                && self.handed.stuck().is_none()
        }
    }

    /// Somebody gets the stream who may do with it what he likes.
    pub fn touch(&self) {
        self.touched.store(true, Ordering::Relaxed);
    }

    /// A line has been written to the stream by the handler's own way.
    pub fn is_written(&self, stream: &Bound<'_, PyAny>, line: &Bound<'_, PyString>) {
        if stream.as_ptr() != self.stream {
            return;
        }
        // SAFETY: a live object, which the handler has, and the caller.
        if unsafe { ffi::Py_REFCNT(self.stream) } > 2 {
            self.touch();
        } else if self.touched.load(Ordering::Relaxed) && self.shows(stream, line) {
            self.touched.store(false, Ordering::Relaxed);
        }
    }

    /// Whether a line that has just been written to the stream stands in the file as lines of the ring would. One without an
    /// end tells nothing of how ends are written.
    fn shows(&self, stream: &Bound<'_, PyAny>, line: &Bound<'_, PyString>) -> bool {
        let encoding = stream.getattr(pyo3::intern!(stream.py(), "encoding"));
        encoding.is_ok_and(|encoding| encoding.eq(&self.encoding).unwrap_or(false))
            && line.to_str().is_ok_and(|line| line.contains('\n') && self.handed.shows(line.as_bytes()))
    }

    /// The ring, if not all of its lines are in the file, and behind the last of them.
    fn rest(&self, py: Python<'_>) -> Option<(Arc<Runtime>, u64)> {
        let end = self.end.load(Ordering::Relaxed);
        let runtime = shared(py)?;
        // SAFETY: the GIL is held, and the reference ends here. What a ring held that has been replaced is written.
        let is_left = unsafe { runtime.gil() }.epoch == self.epoch && runtime.memory.ring().tail() < end;
        is_left.then_some((runtime, end))
    }

    /// Puts a line into the ring, with the four bytes before it that say how long it is; not, if there is no room, or calls
    /// wait.
    #[inline]
    pub fn take(&self, level: u8, stamp: u64, line: &[u8]) -> bool {
        // SAFETY: the GIL is held, and nothing here runs Python while the reference lives.
        let Some(runtime) = (unsafe { current() }) else { return false };
        // SAFETY: as above.
        let gil = unsafe { runtime.gil() };
        if gil.epoch != self.epoch || line.len() > gil.producer.ring().largest() / 2 {
            return false;
        }
        let header =
            Header { kind: Kind::Log as u8, level, route: self.route_id, name: INLINE, stamp, ..Header::default() };
        let Some(end) = accept_if_room(runtime, gil, self.route, header, line) else { return false };
        self.end.store(end, Ordering::Relaxed);
        true
    }

    /// Waits until its lines are in the file. Gives the GIL away meanwhile.
    pub fn drain(&self, py: Python<'_>) {
        if let Some((runtime, end)) = self.rest(py) {
            py.detach(|| drain_before(&runtime, end));
        }
    }

    /// What keeps its lines from getting into the file, as an exception; `None` if all of them are there.
    pub fn obstacle(&self, py: Python<'_>) -> Option<PyErr> {
        self.rest(py)?;
        let number = self.handed.stuck()?;
        // SAFETY: this thread's own; what is made of it is an exception, which is set.
        unsafe {
            *libc::__errno_location() = number;
            ffi::PyErr_SetFromErrno(ffi::PyExc_OSError);
        }
        PyErr::take(py)
    }
}

/// Drains until everything before `position` is where it belongs; gives up when nothing moves.
fn drain_before(runtime: &Runtime, position: u64) {
    let deadline = Instant::now() + PATIENCE;
    while runtime.memory.ring().tail() < position && Instant::now() < deadline {
        match runtime.round(true) {
            // Somebody else drains.
            None => sleep(Duration::from_micros(20)),
            Some(round) if round.written == 0 && !round.more => break,
            Some(_) => {}
        }
    }
}

/// The descriptor of an object of `io.FileIO`, which is its first member, and -1 once it has been closed: to ask the stream
/// whether it is closed takes three look-ups, for each line.
///
/// # Safety
/// The GIL is held.
unsafe fn descriptor_of(raw: &Py<PyAny>) -> RawFd {
    // SAFETY: a live object of exactly that class, as `_files` sees to.
    unsafe { *raw.as_ptr().add(1).cast::<c_int>() }
}
