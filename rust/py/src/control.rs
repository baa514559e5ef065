//! Set-up and end: what `undergird.configure`, `flush` and `shutdown` call.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use undergird_core::rotation::names::Names;
use undergird_core::rotation::schedule::{Schedule, Zone};
use undergird_core::rotation::{Compression, Keep, Rotation};
use undergird_core::sink::FileSink;
use undergird_core::writer::Host;

use crate::current;
use crate::durability::Fsync;
use crate::home::Settings;
use crate::host::Process;
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
#[pyo3(signature = (log_directory, *, ring_dir, ring_size, worker_ring_size, sync, overload, overload_level, fsync, fsync_seconds, timeout))]
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
    fsync: &str,
    fsync_seconds: f64,
    timeout: Option<f64>,
) -> PyResult<bool> {
    let overload = Overload::from_word(overload, overload_level)?;
    let fsync = Fsync::from_word(fsync, fsync_seconds)?;
    let settings = Settings { log_directory, ring_base: ring_dir, ring_size, worker_ring_size, sync, overload, fsync };
    current::reconfigure(py, settings, deadline(timeout)?)
}

/// Makes the ring of the configured run now; where it is, as `stats` says it. If that is not where it would be looked
/// for, the lock file of the log says so.
#[pyfunction]
pub fn start(py: Python<'_>, log: PathBuf) -> PyResult<Option<&'static str>> {
    let Some(runtime) = current::ensure(py)? else { return Ok(None) };
    if let (Some(_), Some(ring)) = (&runtime.settings.ring_base, runtime.ring_path()) {
        py.detach(|| {
            let mut host = Process::new(PATIENCE);
            let mut first = true;
            let mut sink = FileSink::new(&log);
            let locked = sink.lock(&mut || host.wait(std::mem::take(&mut first)))?;
            locked.map_or(Ok(()), |mut locked| locked.point_to(ring))
        })?;
    }
    Ok(Some(runtime.placement()))
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

/// The rules by which a log is put aside, in bytes. `schedule` is the kind `"seconds"`, `"days"` or `"weekday"` with its
/// number and a time of day in seconds.
#[pyfunction]
#[pyo3(signature = (*, max_bytes, schedule, zone, names, files, seconds, total_bytes, gzip))]
#[expect(clippy::too_many_arguments, reason = "settings")]
pub fn encode_rotation(
    max_bytes: u64,
    schedule: Option<(String, u32, u32)>,
    zone: &str,
    names: &str,
    files: Option<u32>,
    seconds: Option<u64>,
    total_bytes: Option<u64>,
    gzip: bool,
) -> PyResult<Vec<u8>> {
    let schedule = match schedule.as_ref().map(|(kind, number, at)| (kind.as_str(), *number, *at)) {
        None => None,
        Some(("seconds", number, _)) => Some(Schedule::Seconds(number)),
        Some(("days", days, at)) => Some(Schedule::Days { days, at }),
        Some(("weekday", day, at)) => Some(Schedule::Weekday { day: day as u8, at }),
        Some((kind, ..)) => return Err(PyValueError::new_err(format!("no such schedule: {kind}"))),
    };
    let rotation = Rotation {
        max_bytes,
        schedule,
        zone: Zone::named(zone),
        names: Names::parse(names).map_err(|error| PyValueError::new_err(error.to_string()))?,
        keep: Keep { files, seconds, bytes: total_bytes },
        compression: if gzip { Compression::Gzip } else { Compression::None },
    };
    Ok(rotation.encode())
}

/// Makes every logger look around anew: something that decides what is logged has changed.
#[pyfunction]
pub fn invalidate() {
    crate::generation::invalidate();
}
