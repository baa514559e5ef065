//! Fields that must not be seen. Python knows which; here it is remembered for each call site, by its keywords.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pyo3::prelude::*;
use undergird_core::record::Value;
use undergird_core::scratch::Scratch;

use super::shapes;
use crate::generation::{generation, invalidate};
use crate::gil::GilCell;
use crate::hooks::hooks;

/// What stands in the place of a value that must not be seen.
static MASK: GilCell<Option<String>> = GilCell::new(None);
/// Whether there is a mask, for who only wants to know that.
static ACTIVE: AtomicBool = AtomicBool::new(false);
/// Changes with the rules: what was rendered under others is rendered anew.
static EDITION: AtomicU64 = AtomicU64::new(1);

/// Which of a call's fields must not be seen: bit `n` for the field `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hidden(u64);

impl Hidden {
    /// Whether all may be seen.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a field must not be seen.
    #[inline]
    pub fn holds(self, field: usize) -> bool {
        self.0.checked_shr(field as u32).unwrap_or(0) & 1 != 0
    }
}

/// Says that some fields must not be seen, and what stands in their place; `None` if all may be.
#[pyfunction]
#[pyo3(signature = (mask))]
pub fn redact(py: Python<'_>, mask: Option<String>) {
    if mask.is_some() || is_active() {
        EDITION.fetch_add(1, Ordering::Relaxed);
    }
    // Relaxed: read and written with the GIL held.
    ACTIVE.store(mask.is_some(), Ordering::Relaxed);
    *MASK.get(py) = mask;
    // SAFETY: the GIL is held.
    unsafe { shapes::forget() };
    invalidate();
}

/// Whether any field must not be seen.
#[inline]
pub fn is_active() -> bool {
    ACTIVE.load(Ordering::Relaxed)
}

/// The number of the present rules, from 1.
#[inline]
pub fn edition() -> u64 {
    // Relaxed: read and written with the GIL held.
    EDITION.load(Ordering::Relaxed)
}

/// Asks Python which fields of a call's keywords must not be seen, and remembers it; whether that could be done.
///
/// # Errors
/// What Python raises.
#[cold]
pub fn judge(names: &Bound<'_, PyAny>) -> PyResult<bool> {
    let asked_at = generation().load(Ordering::Relaxed);
    let answer = hooks(names.py())?.hidden(names)?.extract();
    // More fields than bits: no place to remember it. And the answer may be that of rules that are gone.
    let Ok(hidden) = answer else { return Ok(false) };
    let holds = generation().load(Ordering::Relaxed) == asked_at;
    // SAFETY: the interpreter's tuple of keywords, and the GIL is held.
    Ok(holds && unsafe { shapes::hide(names.as_ptr(), Hidden(hidden)) })
}

/// Appends what stands in the place of a value that must not be seen.
#[cold]
pub fn encode_mask(py: Python<'_>, out: &mut Scratch) {
    let mask = MASK.get(py).as_deref().unwrap_or_default();
    Value::Str(mask.as_bytes()).encode(out);
}
