//! What has become of every record, as one consistent picture.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use undergird_core::batch::Source;
use undergird_core::census::Counts;
use undergird_core::ledger::Entry;

use crate::current::shared;
use crate::dropin::counts::logging_calls;
use crate::gil::GilCell;
use crate::route::Route;
use crate::runtime::Runtime;

/// The counts of one file as Python gets them.
pub fn dict_of(py: Python<'_>, counts: Counts) -> PyResult<Bound<'_, PyDict>> {
    let Counts { emitted, written, dropped, failed, in_flight } = counts;
    let dict = PyDict::new(py);
    dict.set_item("emitted", emitted)?;
    dict.set_item("written", written)?;
    dict.set_item("dropped", dropped)?;
    dict.set_item("failed", failed)?;
    dict.set_item("in_flight", in_flight)?;
    Ok(dict)
}

/// What the rings before the present one have done in this process, by file.
pub static PAST: GilCell<BTreeMap<PathBuf, Counts>> = GilCell::new(BTreeMap::new());

/// Keeps the counts of a ring that ends.
pub fn remember(py: Python<'_>, runtime: &Runtime) {
    let counts = count(runtime);
    let past = PAST.get(py);
    counts.into_iter().for_each(|(path, counts)| *past.entry(path).or_default() += counts);
}

/// Counts records that were refused by a ring which has ended since.
pub fn refused_late<'a>(
    py: Python<'_>,
    route: &Route,
    sinks: impl Iterator<Item = (&'a u32, &'a PathBuf)>,
    count: u64,
) {
    for (_, path) in sinks.filter(|(sink, _)| route.sinks.contains(sink)) {
        let late = Counts { emitted: count, dropped: count, ..Counts::default() };
        *PAST.get(py).entry(path.clone()).or_default() += late;
    }
}

/// Counts each file's records. The GIL is held, so no record is added meanwhile, and what lies behind a cursor that
/// was read stays in the ring.
fn count(runtime: &Runtime) -> BTreeMap<PathBuf, Counts> {
    // SAFETY: the GIL is held, and nothing here runs Python.
    let gil = unsafe { runtime.gil() };
    // Before the cursors are looked at: what lies behind it stays readable, for only a call could overwrite it.
    let (tail, head) = (runtime.memory.ring().tail(), gil.producer.head());
    let mut all = BTreeMap::<PathBuf, Counts>::new();
    for (sink, path) in gil.sinks() {
        let account = runtime.outlets.account(*sink);
        let done = loop {
            // The writer may not have met it yet.
            match account.as_ref().map_or(Some(Entry { cursor: tail, ..Entry::default() }), |account| account.read()) {
                Some(done) => break done,
                None => std::hint::spin_loop(),
            }
        };
        let routes = gil.routes.iter().filter(|route| route.sinks.contains(sink));
        let (emitted, dropped) = routes.fold((0, 0), |(e, d), route| (e + route.emitted, d + route.dropped));
        let leads = |id: u32| gil.routes.iter().any(|route| route.id == id && route.sinks.contains(sink));
        let in_flight = Source::count(&runtime.memory, &leads, tail, done.cursor, head);
        let counts = Counts { emitted, written: done.kept, dropped, failed: done.lost, in_flight };
        *all.entry(path.clone()).or_default() += counts;
    }
    all
}

/// The ring's positions: where it is free again, where the next record goes, and its bytes; zeros without a ring.
#[pyfunction]
pub fn positions(py: Python<'_>) -> (u64, u64, u64) {
    shared(py).map_or_else(Default::default, |runtime| {
        let ring = runtime.memory.ring();
        (ring.tail(), ring.head(), ring.capacity())
    })
}

/// The counts of all files together and, under `sinks`, of each by its path; besides, where the ring is, and
/// under `logging` what has become of calls of the standard library's loggers.
#[pyfunction]
pub fn stats(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let runtime = shared(py);
    let runtime = runtime.as_deref();
    let mut files = PAST.get(py).clone();
    if let Some(runtime) = runtime {
        count(runtime).into_iter().for_each(|(path, counts)| *files.entry(path).or_default() += counts);
    }
    let mut total = Counts::default();
    let sinks = PyDict::new(py);
    for (path, counts) in files {
        total += counts;
        let dict = dict_of(py, counts)?;
        if let Some(error) = runtime.and_then(|runtime| runtime.outlets.trouble(&path)) {
            dict.set_item("error", error)?;
        }
        sinks.set_item(path.as_os_str(), dict)?;
    }
    let dict = dict_of(py, total)?;
    dict.set_item("sinks", sinks)?;
    dict.set_item("logging", logging_calls(py)?)?;
    dict.set_item(
        "recovered",
        runtime.map_or(0, |runtime| runtime.recovered.load(std::sync::atomic::Ordering::Relaxed)),
    )?;
    // As text: who sends the counts on as JSON can.
    dict.set_item("ring", runtime.and_then(Runtime::ring_path).map(|path| path.as_os_str()))?;
    dict.set_item("placement", runtime.map(|runtime| runtime.placement()))?;
    Ok(dict)
}
