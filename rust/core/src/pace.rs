//! Pauses between two looks at something that cannot be waited for: short after something has happened, then longer.

use std::time::Duration;

/// The next pause, from the shortest to the longest, doubled while nothing happens.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    shortest: Duration,
    longest: Duration,
    next: Duration,
}

impl Pace {
    /// Pauses between two bounds.
    pub const fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest, next: shortest }
    }

    /// Of a thread that drains a ring: a line has to be in its file within 50 ms, formatting and a busy machine
    /// included, and a process that logs nothing should hardly be noticed.
    pub const fn of_drainer() -> Self {
        Self::new(Duration::from_millis(1), Duration::from_millis(20))
    }

    /// Of a call that waits for room in a full ring. Looking more often than each millisecond costs the writer more
    /// than it gains the caller (450 ns a record, not 250).
    pub const fn of_waiting_call() -> Self {
        Self::new(Duration::from_micros(20), Duration::from_millis(1))
    }

    /// How long to pause now.
    pub fn pause(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(self.longest);
        now
    }

    /// Something has happened: short pauses again.
    pub fn quicken(&mut self) {
        self.next = self.shortest;
    }
}
