//! State that the GIL guards.

use std::cell::UnsafeCell;

use pyo3::prelude::*;

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
