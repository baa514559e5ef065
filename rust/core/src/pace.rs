//! When to look at what cannot be waited for: after pauses that are short when something has happened, then longer; or
//! every so often, whatever happens.

use std::time::{Duration, Instant};

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

/// What is done every so often, beside other work. Whoever does it says what time it is.
#[derive(Clone, Copy, Debug)]
pub struct Beat {
    period: Duration,
    last: Option<Instant>,
}

impl Beat {
    /// At once, and then after each period.
    pub const fn new(period: Duration) -> Self {
        Self { period, last: None }
    }

    /// Of a process that looks for dead siblings: what these left is to be found within a second, also by one whose
    /// rounds take half of that.
    pub const fn of_siblings() -> Self {
        Self::new(Duration::from_millis(500))
    }

    /// Of a process that says what it refused although it logs nothing more.
    pub const fn of_announcements() -> Self {
        Self::new(Duration::from_secs(1))
    }

    /// Whether it is time to do it; then it is taken for done.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let due = self.last.is_none_or(|last| now.duration_since(last) >= self.period);
        if due {
            self.last = Some(now);
        }
        due
    }
}
