//! What has become of a program's calls to the standard library's loggers, in the ring's file, for who looks from
//! outside.
//!
//! The ring does not know what the counts are of: that is between who writes and who reads them, and a later version
//! may only append to them.

use std::array::from_fn;

use super::RingMemory;

const CALLS: usize = 0x310;

/// How many counts there is room for.
pub const CALL_COUNTS: usize = 30;

impl RingMemory {
    /// Writes the counts down. Only the process whose ring it is calls this.
    pub fn set_calls(&self, counts: impl Iterator<Item = u64>) {
        for (n, count) in counts.take(CALL_COUNTS).enumerate() {
            self.set_counter(CALLS + n * 8, count);
        }
    }

    /// The counts as they were written down last.
    pub fn calls(&self) -> [u64; CALL_COUNTS] {
        from_fn(|n| self.counter(CALLS + n * 8))
    }
}
