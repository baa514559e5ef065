//! Rings of this and other processes: what `undergird recover` and `undergird doctor` call.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use undergird_core::batch::Source;
use undergird_core::census::census;
use undergird_core::dictionary::{HANDLERS_FILE, SinkEntry};
use undergird_core::directory::{SHARED_MEMORY, ring_directory};
use undergird_core::lockfile::RingId;
use undergird_core::recovery::{self, Outcome, recover, ring_files, rings_named_in};
use undergird_core::ringfile::{Adoption, Orphan, look};
use undergird_core::sink;

use crate::current::shared;
use crate::dropin::counts;
use crate::home::BESIDE;
use crate::host::{Process, user};
use crate::stats::dict_of;
use crate::waiting::{GLANCE, PATIENCE};

/// The folders in which rings of this user for a log directory may be.
#[pyfunction]
#[pyo3(signature = (log_directory, ring_dir=None))]
pub fn ring_directories(log_directory: PathBuf, ring_dir: Option<PathBuf>) -> Vec<PathBuf> {
    let beside = log_directory.join(BESIDE);
    let bases = ring_dir.into_iter().chain([PathBuf::from(SHARED_MEMORY), beside]);
    let named = rings_named_in(&log_directory).unwrap_or_default();
    bases.map(|base| ring_directory(&base, user(), &log_directory)).chain(named).collect()
}

/// Removes the ring of a dead process with what it holds; how many records that was, `None` if its process lives.
#[pyfunction]
pub fn discard_ring(py: Python<'_>, ring: PathBuf) -> PyResult<Option<u64>> {
    Ok(py.detach(|| recovery::discard_ring(&ring))?)
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
    let lock = Arc::default();
    for path in ring_files(&directory, &lock)? {
        let dict = PyDict::new(py);
        dict.set_item("path", path.to_string_lossy())?;
        let seen = match py.detach(|| look(&path, &mut patience())) {
            Ok(seen) => seen,
            Err(error) => {
                dict.set_item("error", error.to_string())?;
                list.append(dict)?;
                continue;
            }
        };
        // Dropped at once: looking must not keep an owner from its ring.
        let alive = matches!(Orphan::adopt(&path, &lock), Ok(Adoption::Held));
        let (memory, header) = (&seen.memory, seen.memory.header());
        let (head, tail) = (memory.ring().head(), memory.ring().tail());
        let mut source = Source::new(memory.clone(), &path);
        source.refresh();
        let path_of = |sink: &SinkEntry| String::from_utf8_lossy(&sink.path).into_owned();
        let files: Vec<String> = source.sinks().map(|(_, sink)| path_of(sink)).collect();
        let of_handlers = source.sinks().filter(|(_, sink)| sink.kind == HANDLERS_FILE);
        dict.set_item("handlers", of_handlers.map(|(_, sink)| path_of(sink)).collect::<Vec<_>>())?;
        dict.set_item("id", hex(&header.id))?;
        dict.set_item("pid", header.pid)?;
        dict.set_item("alive", alive)?;
        // The dictionary of one that lives may have grown just now.
        dict.set_item("understood", alive || source.is_understood())?;
        dict.set_item("created", header.created as f64 / 1e9)?;
        dict.set_item("log_directory", header.log_directory.to_string_lossy())?;
        dict.set_item("files", files)?;
        dict.set_item("capacity", memory.ring().capacity())?;
        dict.set_item("head", head)?;
        dict.set_item("lag_bytes", head - tail)?;
        dict.set_item("lag_records", Source::count(memory, &|_| true, tail, tail, head))?;
        let sinks = census(&seen).map(|counts| -> PyResult<_> {
            let sinks = PyDict::new(py);
            for (path, counts) in counts {
                sinks.set_item(path.to_string_lossy(), dict_of(py, counts)?)?;
            }
            Ok(sinks)
        });
        dict.set_item("sinks", sinks.transpose()?)?;
        dict.set_item("logging", counts::dict_of(py, memory.calls().into_iter())?)?;
        list.append(dict)?;
    }
    Ok(list)
}

/// For how long a ring is looked at that never keeps still: its process may have been stopped while it counted.
fn patience() -> impl FnMut() -> bool {
    let deadline = Instant::now() + Duration::from_secs(2);
    let mut looks = 0;
    move || {
        looks += 1;
        if looks > 100 {
            std::thread::sleep(GLANCE);
        }
        Instant::now() < deadline
    }
}

/// What the lock file of a log says, without touching it; `None` if there is none.
#[pyfunction]
pub fn inspect_log(py: Python<'_>, log: PathBuf) -> PyResult<Option<Bound<'_, PyDict>>> {
    let Some(seen) = py.detach(|| sink::look(&log))? else { return Ok(None) };
    let dict = PyDict::new(py);
    dict.set_item("held", seen.held)?;
    dict.set_item("put_aside_next", seen.state.rollover.map(|rollover| rollover.at))?;
    let journal = seen.state.open_journal().map(|journal| -> PyResult<_> {
        let dict = PyDict::new(py);
        dict.set_item("ring", hex(&journal.stream.ring))?;
        dict.set_item("pid", journal.pid)?;
        dict.set_item("offset", journal.offset)?;
        dict.set_item("length", journal.length)?;
        dict.set_item("since", journal.stamp as f64 / 1e9)?;
        Ok(dict)
    });
    dict.set_item("open_journal", journal.transpose()?)?;
    let cursors = PyList::empty(py);
    for cursor in seen.state.cursors.iter().flatten() {
        let dict = PyDict::new(py);
        dict.set_item("ring", hex(&cursor.stream.ring))?;
        dict.set_item("position", cursor.position)?;
        dict.set_item("written", cursor.stamp as f64 / 1e9)?;
        cursors.append(dict)?;
    }
    dict.set_item("cursors", cursors)?;
    Ok(Some(dict))
}

fn hex(id: &RingId) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
