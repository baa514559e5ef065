//! State that the GIL guards.

use std::cell::UnsafeCell;

use pyo3::prelude::*;

/// Does something with PyO3 told that this thread holds the GIL, as it does: else it would put the release of references
/// off. When the interpreter ends it cannot be told any more; then they are never released.
///
/// # Safety
/// The GIL is held.
pub unsafe fn attached<R>(work: impl for<'py> FnOnce(Python<'py>) -> R) -> R {
    let mut work = Some(work);
    let mut once = |py: Python<'_>| work.take().map(|work| work(py));
    let done = match Python::try_attach(&mut once) {
        Some(done) => done,
        // SAFETY: the caller's promise.
        None => once(unsafe { Python::assume_attached() }),
    };
    done.unwrap_or_else(|| unreachable!("done once, one way or the other"))
}

/// A value that is reached with the GIL held only.
pub struct GilCell<T>(UnsafeCell<T>);

// SAFETY: the GIL keeps threads apart.
unsafe impl<T: Send> Sync for GilCell<T> {}

impl<T> GilCell<T> {
    /// A cell that holds a value.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The value; callers run no Python and keep the GIL while they hold it.
    #[expect(clippy::mut_from_ref, reason = "exclusive by the GIL")]
    pub fn get(&self, _py: Python<'_>) -> &mut T {
        // SAFETY: exclusive by the GIL.
        unsafe { &mut *self.0.get() }
    }
}
