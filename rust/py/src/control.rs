//! Set-up and end: what `undergird.configure`, `flush` and `shutdown` call.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use undergird_core::rotation::names::Names;
use undergird_core::rotation::schedule::{Schedule, Zone};
use undergird_core::rotation::{Compression, Keep, Rotation};
use undergird_core::sink::{self, FileSink, Made};
use undergird_core::writer::Host;

use crate::current;
use crate::durability::Fsync;
use crate::home::Settings;
use crate::host::Process;
use crate::overload::Overload;
use crate::waiting::PATIENCE;

/// The ways to compress logs that were put aside, by name.
const COMPRESSIONS: [(&str, Compression); 2] = [("gzip", Compression::Gzip), ("zstd", Compression::Zstd)];

/// Which of them this build can do.
#[pyfunction]
pub fn compressions() -> Vec<&'static str> {
    COMPRESSIONS.into_iter().filter(|(_, compression)| compression.is_built_in()).map(|(word, _)| word).collect()
}

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

/// Makes the ring of the configured run now; where it is, as `stats` says it. The lock files of those `logs` say so
/// whose directory does not lead to it.
#[pyfunction]
pub fn start(py: Python<'_>, logs: Vec<PathBuf>) -> PyResult<Option<&'static str>> {
    let Some(runtime) = current::ensure(py)? else { return Ok(None) };
    if let Some(ring) = runtime.ring_path() {
        py.detach(|| logs.iter().try_for_each(|log| point(log, ring)))?;
    }
    Ok(Some(runtime.placement()))
}

fn point(log: &Path, ring: &Path) -> std::io::Result<()> {
    let mut host = Process::new(PATIENCE);
    let mut first = true;
    let mut sink = FileSink::new(log);
    let locked = sink.lock(&mut || host.wait(std::mem::take(&mut first)))?;
    locked.map_or(Ok(()), |mut locked| locked.point_to(ring))
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

/// Opens a log and its lock file as the writer would; whether that has made the log, and the lock file.
#[pyfunction]
pub fn probe(path: PathBuf) -> PyResult<(bool, bool)> {
    let Made { log, lock } = Made::by_opening(&path)?;
    Ok((log, lock))
}

/// Removes what [`probe`] has made, unless it is in use by now.
#[pyfunction]
pub fn take_back(path: PathBuf, log: bool, lock: bool) {
    Made { log, lock }.take_back(&path);
}

/// The rules by which a log is put aside, in bytes. `schedule` is the kind `"seconds"`, `"days"` or `"weekday"` with its
/// number and a time of day in seconds.
#[pyfunction]
#[pyo3(signature = (*, max_bytes, schedule, zone, names, files, seconds, total_bytes, compression))]
#[expect(clippy::too_many_arguments, reason = "settings")]
pub fn encode_rotation(
    max_bytes: u64,
    schedule: Option<(String, u32, u32)>,
    zone: &str,
    names: &str,
    files: Option<u32>,
    seconds: Option<u64>,
    total_bytes: Option<u64>,
    compression: &str,
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
        compression: COMPRESSIONS
            .into_iter()
            .find(|(word, _)| *word == compression)
            .map_or(Compression::None, |found| found.1),
    };
    Ok(rotation.encode())
}

/// Whether these rules put a log aside under the name of another.
#[pyfunction]
pub fn puts_aside_as(log: PathBuf, rules: Vec<u8>, other: PathBuf) -> PyResult<bool> {
    let rules = Rotation::parse(&rules).map_err(|_| PyValueError::new_err("no rules of rotation"))?;
    Ok(sink::puts_aside_as(&log, &rules, &other))
}

/// Makes every logger look around anew: something that decides what is logged has changed.
#[pyfunction]
pub fn invalidate() {
    crate::generation::invalidate();
    crate::dropin::changed();
}
