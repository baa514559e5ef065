//! Which records of a place are let through, and which are held back.
//!
//! Two rules: the first so many of a period and then every so many-th, as the sampler of Uber's zap has it; and so many
//! in a time, with a burst, by the generic cell rate algorithm (ITU-T I.371), which needs to remember one number only.
//! Times are floats in whatever unit: a simulation's need not be seconds.

pub mod gates;

/// What is let through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Of each period the first so many, then every `then`-th; none of these if `then` is 0.
    Sample {
        /// How many are let through at first.
        first: u64,
        /// Which of the following.
        then: u64,
        /// How long a period is; it begins with a record. Infinite for one that does not end.
        per: f64,
    },
    /// One in each interval on average.
    Limit {
        /// The time between two.
        interval: f64,
        /// How many may come at once, from 1.
        burst: f64,
    },
}

/// What is remembered of a place.
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// Where the period began; or when the next one would be due, were they evenly spaced. Not a number before the first.
    mark: f64,
    /// How many records the period has had.
    seen: u64,
}

impl Default for State {
    fn default() -> Self {
        Self { mark: f64::NAN, seen: 0 }
    }
}

/// By what part of an interval a record may be early: sums of floats are not exact.
const EARLY: f64 = 1e-6;

impl Rule {
    /// Whether a record at `now` is let through.
    ///
    /// A clock that goes back begins a new period, or has the whole burst again, as soon as it shows.
    pub fn lets_through(&self, state: &mut State, now: f64) -> bool {
        match *self {
            Self::Sample { first, then, per } => {
                let age = now - state.mark;
                if !(age >= 0.0 && age < per) {
                    *state = State { mark: now, seen: 0 };
                }
                state.seen = state.seen.saturating_add(1);
                state.seen <= first || then > 0 && (state.seen - first).is_multiple_of(then)
            }
            Self::Limit { interval, burst } => {
                let ahead = state.mark - now;
                // What lies further ahead than a whole burst was not set by a clock that has only gone forward since.
                if !(ahead > 0.0 && ahead <= (burst + 1.0) * interval) {
                    state.mark = now;
                } else if ahead > (burst - 1.0 + EARLY) * interval {
                    return false;
                }
                state.mark += interval;
                true
            }
        }
    }
}
