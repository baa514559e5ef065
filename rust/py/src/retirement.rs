//! Order between a replaced ring and its successor: the older records of a thread are written first.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many replaced runtimes are writing what they hold.
static UNDERWAY: AtomicU32 = AtomicU32::new(0);

/// A replaced runtime writes what it holds; meanwhile the present one waits.
pub struct Retirement(());

impl Retirement {
    /// Begins one. The GIL is held, so nobody has logged into the next ring yet.
    pub fn begin() -> Self {
        UNDERWAY.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    /// Whether one has not ended yet.
    pub fn is_underway() -> bool {
        // ORDERING: Acquire pairs with the Release of the end: what is older is in the file.
        UNDERWAY.load(Ordering::Acquire) > 0
    }

    /// Forgets those of the parent, in a forked child, where nobody writes what they hold.
    pub fn forget_all() {
        UNDERWAY.store(0, Ordering::Relaxed);
    }
}

impl Drop for Retirement {
    fn drop(&mut self) {
        // ORDERING: Release pairs with the Acquire in `is_underway`.
        UNDERWAY.fetch_sub(1, Ordering::Release);
    }
}
