//! What has become of the calls of the native methods.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::gil::GilCell;

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

/// The reasons by name, in their order.
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

struct Counts {
    off: u64,
    logged: u64,
    fallbacks: [u64; NAMES.len()],
}

static COUNTS: GilCell<Counts> = GilCell::new(Counts { off: 0, logged: 0, fallbacks: [0; NAMES.len()] });

impl Reason {
    /// The reason of a name.
    pub fn named(name: &str) -> Self {
        NAMES.iter().position(|known| *known == name).map_or(Self::Other, |at| REASONS[at])
    }
}

/// A call was switched off.
#[inline(always)]
pub fn count_off(py: Python<'_>) {
    COUNTS.get(py).off += 1;
}

/// A call was put into the ring, or written.
#[inline(always)]
pub fn count_logged(py: Python<'_>) {
    COUNTS.get(py).logged += 1;
}

/// A call was the standard library's.
pub fn count_fallback(py: Python<'_>, reason: Reason) {
    COUNTS.get(py).fallbacks[reason as usize] += 1;
}

/// How many calls of these methods ended natively: switched off, put into the ring, or written.
#[pyfunction]
pub fn native_calls(py: Python<'_>) -> u64 {
    let counts = COUNTS.get(py);
    counts.off + counts.logged
}

/// What has become of the calls of these methods: `off`, `native`, and `fallbacks` by reason.
#[pyfunction]
pub fn logging_calls(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let (off, logged, fallbacks) = {
        let counts = COUNTS.get(py);
        (counts.off, counts.logged, counts.fallbacks)
    };
    let by_reason = PyDict::new(py);
    for (name, count) in NAMES.into_iter().zip(fallbacks).filter(|(_, count)| *count > 0) {
        by_reason.set_item(name, count)?;
    }
    let dict = PyDict::new(py);
    dict.set_item("off", off)?;
    dict.set_item("native", logged)?;
    dict.set_item("fallbacks", by_reason)?;
    Ok(dict)
}
