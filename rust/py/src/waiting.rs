//! How long somebody waits who cannot know for how long it takes.

use std::time::{Duration, Instant};

/// How long anybody waits for a log's lock that another process holds.
pub const PATIENCE: Duration = Duration::from_millis(100);

/// How often something is looked at that cannot be waited for.
pub const GLANCE: Duration = Duration::from_micros(200);

/// Whether the time is up; without a deadline it never is.
pub fn passed(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}
