//! What has become of the calls of the native methods.

use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use undergird_core::ringfile::{CALL_COUNTS, RingMemory};

/// Why an enabled call is the standard library's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its class derives from the standard library's.
    Subclass,
    /// A method, a function or a clock that plays a part has been replaced.
    Patched,
    /// Records are made by a function of the program's.
    RecordFactory,
    /// A filter would see the record.
    Filter,
    /// A handler that is not ours would see it.
    ForeignHandler,
    /// A handler of the standard library writes lines that are not known here.
    Format,
    /// It writes them to a stream that is not known here.
    Stream,
    /// There is no handler.
    NoHandler,
    /// It has keywords.
    Keyword,
    /// An argument is a mapping that is no `dict`; for a stream, one that is no plain number or text.
    Argument,
    /// Its level is none of the five.
    Level,
    /// Lines say where the call stands.
    CallSite,
    /// Records are held back.
    Sampling,
    /// The interpreter does not tell of changes.
    Unwatched,
    /// Something has just changed, or the rest.
    Other,
}

/// The reasons by name, in their order, in which rings have their counts.
const NAMES: [&str; 15] = [
    "subclass",
    "patched",
    "record factory",
    "filter",
    "foreign handler",
    "format",
    "stream",
    "no handler",
    "keyword",
    "argument",
    "level",
    "call site",
    "sampling",
    "unwatched",
    "other",
];

/// All reasons, by the places of their names.
const REASONS: [Reason; NAMES.len()] = [
    Reason::Subclass,
    Reason::Patched,
    Reason::RecordFactory,
    Reason::Filter,
    Reason::ForeignHandler,
    Reason::Format,
    Reason::Stream,
    Reason::NoHandler,
    Reason::Keyword,
    Reason::Argument,
    Reason::Level,
    Reason::CallSite,
    Reason::Sampling,
    Reason::Unwatched,
    Reason::Other,
];

/// Calls that were switched off, calls that were put into the ring or written, and then the others by reason.
const COUNTS: usize = 2 + NAMES.len();
const _: () = assert!(COUNTS <= CALL_COUNTS, "more than a ring has room for");

/// Counted with the GIL held, read without it.
static CALLS: [AtomicU64; COUNTS] = [const { AtomicU64::new(0) }; COUNTS];

impl Reason {
    /// The reason of a name.
    pub fn named(name: &str) -> Self {
        NAMES.iter().position(|known| *known == name).map_or(Self::Other, |at| REASONS[at])
    }
}

#[inline(always)]
fn count(_py: Python<'_>, which: usize) {
    CALLS[which].store(CALLS[which].load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

fn counted() -> impl Iterator<Item = u64> {
    CALLS.iter().map(|count| count.load(Ordering::Relaxed))
}

/// A call was switched off.
#[inline(always)]
pub fn count_off(py: Python<'_>) {
    count(py, 0);
}

/// A call was put into the ring, or written.
#[inline(always)]
pub fn count_logged(py: Python<'_>) {
    count(py, 1);
}

/// A call was the standard library's.
pub fn count_fallback(py: Python<'_>, reason: Reason) {
    count(py, 2 + reason as usize);
}

/// Nothing has been counted yet: this is a child.
pub fn begin_anew() {
    CALLS.iter().for_each(|count| count.store(0, Ordering::Relaxed));
}

/// Writes the counts into a ring, for who looks from outside.
pub fn publish(ring: &RingMemory) {
    ring.set_calls(counted());
}

/// How many calls of these methods ended natively: switched off, put into the ring, or written.
#[pyfunction]
pub fn native_calls() -> u64 {
    counted().take(2).sum()
}

/// What has become of the calls of these methods: `off`, `native`, and `fallbacks` by reason.
#[pyfunction]
pub fn logging_calls(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    dict_of(py, counted())
}

/// Counts as Python has them.
pub fn dict_of(py: Python<'_>, mut counts: impl Iterator<Item = u64>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("off", counts.next())?;
    dict.set_item("native", counts.next())?;
    let by_reason = PyDict::new(py);
    for (name, count) in NAMES.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
        by_reason.set_item(name, count)?;
    }
    dict.set_item("fallbacks", by_reason)?;
    Ok(dict)
}
