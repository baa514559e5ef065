//! Set-up and end: what `undergird.configure`, `flush`, `shutdown`, `recover` and `doctor` call.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use undergird_core::batch::Source;
use undergird_core::directory::{SHARED_MEMORY, ring_directory};
use undergird_core::recovery::{Outcome, recover, ring_files};
use undergird_core::ringfile::{Adoption, DROPPED, FAILED, Orphan, WRITTEN, snapshot};
use undergird_core::sink::FileSink;

use crate::current::{self, shared};
use crate::home::{BESIDE, Settings};
use crate::host::{Process, user};
use crate::overload::Overload;
use crate::runtime::PATIENCE;

fn deadline(timeout: Option<f64>) -> PyResult<Option<Instant>> {
    let Some(timeout) = timeout else { return Ok(None) };
    if timeout.is_nan() {
        return Err(PyValueError::new_err("timeout nan is not a number of seconds"));
    }
    Ok(Some(Instant::now() + Duration::from_secs_f64(timeout.clamp(0.0, 1e9))))
}

/// Ends the present run and sets how the next one is to be; whether all that was logged before has been written.
#[pyfunction]
#[pyo3(signature = (log_directory, *, ring_dir, ring_size, worker_ring_size, sync, overload, overload_level, fsync, timeout))]
#[expect(clippy::too_many_arguments, reason = "settings")]
pub fn configure(
    py: Python<'_>,
    log_directory: PathBuf,
    ring_dir: Option<PathBuf>,
    ring_size: usize,
    worker_ring_size: usize,
    sync: bool,
    overload: &str,
    overload_level: i64,
    fsync: bool,
    timeout: Option<f64>,
) -> PyResult<bool> {
    let overload = Overload::from_word(overload, overload_level)?;
    let settings = Settings { log_directory, ring_base: ring_dir, ring_size, worker_ring_size, sync, overload, fsync };
    current::reconfigure(py, settings, deadline(timeout)?)
}

/// Makes the ring of the configured run now; where it is, as `stats` says it.
#[pyfunction]
pub fn start(py: Python<'_>) -> PyResult<Option<&'static str>> {
    Ok(current::ensure(py)?.map(|runtime| runtime.placement()))
}

/// Waits until everything logged so far is in its files; whether it is. `timeout` is in seconds, `None` waits.
#[pyfunction]
#[pyo3(signature = (timeout=None))]
pub fn flush(py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
    current::flush(py, deadline(timeout)?)
}

/// Writes everything and ends the writer's thread; whether everything was written in time. What was not stays in
/// the ring for recovery. Later records are written by the call itself.
#[pyfunction]
#[pyo3(signature = (timeout=None))]
pub fn shutdown(py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
    current::shutdown(py, deadline(timeout)?)
}

/// Opens a log and its lock file as the writer would.
#[pyfunction]
pub fn probe(path: PathBuf) -> PyResult<()> {
    FileSink::new(&path).lock(&mut || false).map(drop).map_err(Into::into)
}

/// The folders in which rings of this user for a log directory may be.
#[pyfunction]
#[pyo3(signature = (log_directory, ring_dir=None))]
pub fn ring_directories(log_directory: PathBuf, ring_dir: Option<PathBuf>) -> Vec<PathBuf> {
    let beside = log_directory.join(BESIDE);
    let bases = ring_dir.into_iter().chain([PathBuf::from(SHARED_MEMORY), beside]);
    bases.map(|base| ring_directory(&base, user(), &log_directory)).collect()
}

/// Writes what dead processes left in the rings of a folder: a dict for each ring.
#[pyfunction]
pub fn recover_rings<'py>(py: Python<'py>, directory: PathBuf) -> PyResult<Bound<'py, PyList>> {
    let own = shared(py).and_then(|runtime| runtime.ring_path().map(Path::to_path_buf));
    let found = py.detach(|| recover(&directory, own.as_deref(), &mut Process::new(PATIENCE * 10)))?;
    let list = PyList::empty(py);
    for ring in found {
        let dict = PyDict::new(py);
        dict.set_item("path", ring.path)?;
        dict.set_item("pid", ring.header.map(|header| header.pid))?;
        match ring.outcome {
            Outcome::Recovered { written, failed } => {
                dict.set_item("outcome", "recovered")?;
                dict.set_item("written", written)?;
                dict.set_item("failed", failed)?;
            }
            Outcome::Unfinished { written, error } => {
                dict.set_item("outcome", "unfinished")?;
                dict.set_item("written", written)?;
                dict.set_item("error", error)?;
            }
            Outcome::Alive => dict.set_item("outcome", "alive")?,
            Outcome::LeftAlone(why) => {
                dict.set_item("outcome", "left alone")?;
                dict.set_item("error", why)?;
            }
        }
        list.append(dict)?;
    }
    Ok(list)
}

/// What lies in the rings of a folder, without touching them: a dict for each ring.
#[pyfunction]
pub fn inspect_rings<'py>(py: Python<'py>, directory: PathBuf) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for path in ring_files(&directory)? {
        let dict = PyDict::new(py);
        dict.set_item("path", &path)?;
        let memory = match py.detach(|| snapshot(&path)) {
            Ok(memory) => memory,
            Err(error) => {
                dict.set_item("error", error.to_string())?;
                list.append(dict)?;
                continue;
            }
        };
        // Dropped at once: looking must not keep an owner from its ring.
        let alive = matches!(Orphan::adopt(&path), Ok(Adoption::Held));
        let header = memory.header();
        let (head, tail) = (memory.ring().head(), memory.ring().tail());
        let mut source = Source::new(memory.clone(), &path);
        source.refresh();
        let files: Vec<String> =
            source.sinks().map(|(_, sink)| String::from_utf8_lossy(&sink.path).into_owned()).collect();
        dict.set_item("pid", header.pid)?;
        dict.set_item("alive", alive)?;
        dict.set_item("created", header.created as f64 / 1e9)?;
        dict.set_item("log_directory", &header.log_directory)?;
        dict.set_item("files", files)?;
        dict.set_item("capacity", memory.ring().capacity())?;
        dict.set_item("lag_bytes", head - tail)?;
        dict.set_item("lag_records", Source::count(&memory, &|_| true, tail, head))?;
        dict.set_item("written", memory.counter(WRITTEN))?;
        dict.set_item("failed", memory.counter(FAILED))?;
        dict.set_item("dropped", memory.counter(DROPPED))?;
        list.append(dict)?;
    }
    Ok(list)
}

/// Makes every logger look around anew: something that decides what is logged has changed.
#[pyfunction]
pub fn invalidate() {
    // Relaxed: under the GIL.
    debug_assert!(crate::generation::generation().load(Ordering::Relaxed) < u64::MAX);
    crate::generation::invalidate();
}
