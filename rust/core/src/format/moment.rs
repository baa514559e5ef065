//! The time of a record as the standard library's `LogRecord` has it: a float of seconds, and three digits.

/// When a record was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The second of `LogRecord.created`.
    pub second: i64,
    /// `LogRecord.msecs`.
    pub milliseconds: u32,
}

impl Moment {
    /// Of nanoseconds since the epoch, as CPython has it from 3.13 on. Near the end of a second the float may be the next one
    /// already.
    #[must_use]
    pub fn of_nanoseconds(ns: u64) -> Self {
        let second = (ns as f64 / 1e9) as i64;
        let milliseconds = (ns % 1_000_000_000 / 1_000_000) as u32;
        let is_rounded_up = milliseconds == 999 && second != (ns / 1_000_000_000) as i64;
        Self { second, milliseconds: if is_rounded_up { 0 } else { milliseconds } }
    }

    /// Of seconds since the epoch, as CPython has it before.
    #[must_use]
    pub fn of_seconds(created: f64) -> Self {
        Self { second: created as i64, milliseconds: ((created - created.trunc()) * 1000.0) as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn times_are_those_of_the_standard_library() {
        // What the expressions of `logging.LogRecord` in CPython 3.13 and 3.12 give.
        for (ns, later, before) in [
            (1_677_903_920_999_998_503, (1_677_903_920, 999), (1_677_903_920, 999)),
            (1_677_903_920_999_999_900, (1_677_903_921, 0), (1_677_903_921, 0)),
            (1_700_000_000_123_456_789, (1_700_000_000, 123), (1_700_000_000, 123)),
            (1_700_000_000_001_000_000, (1_700_000_000, 1), (1_700_000_000, 0)),
            (0, (0, 0), (0, 0)),
        ] {
            let of = |(second, milliseconds)| Moment { second, milliseconds };
            assert_eq!(Moment::of_nanoseconds(ns), of(later), "{ns}");
            assert_eq!(Moment::of_seconds(ns as f64 / 1e9), of(before), "{ns}");
        }
    }
}
