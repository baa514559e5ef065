//! A wall-clock stamp as RFC 3339 text: UTC, microseconds, `Z`.

use super::decimal;

const NS_PER_SECOND: u64 = 1_000_000_000;
const SECONDS_PER_DAY: u64 = 86_400;

/// Length of the text: `2026-11-21T07:26:00.123456Z`.
pub const STAMP_LEN: usize = 27;
/// Up to the point.
pub(super) const SECOND_LEN: usize = 20;
/// Behind it, and one byte more.
pub(super) const TAIL_LEN: usize = STAMP_LEN - SECOND_LEN + 1;

/// Writes stamps; remembers the last second, because the records of a batch mostly share it.
///
/// ```
/// use undergird_core::format::stamp::Stamp;
/// assert_eq!(Stamp::new().text(1_795_245_960_123_456_789), *b"2026-11-21T07:26:00.123456Z");
/// ```
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Where the second begins, in nanoseconds.
    begin: u64,
    second: [u8; SECOND_LEN],
}

impl Stamp {
    /// A writer that has the epoch in its memory.
    #[must_use]
    pub fn new() -> Self {
        Self { begin: 0, second: *b"1970-01-01T00:00:00." }
    }

    /// The text of `ns` nanoseconds since the epoch. Every `u64` is a valid stamp (the last is in 2554);
    /// what is finer than a microsecond is cut off, as `datetime` does.
    pub fn text(&mut self, ns: u64) -> [u8; STAMP_LEN] {
        let mut text = [0; STAMP_LEN];
        let (second, rest) = self.parts(ns, *b"Z\0");
        text[..SECOND_LEN].copy_from_slice(second);
        text[SECOND_LEN..].copy_from_slice(&rest[..TAIL_LEN - 1]);
        text
    }

    /// The same in two parts: up to the point, which the stamps of a second share, and behind it, with two
    /// bytes at the end.
    #[inline(always)]
    pub(super) fn parts(&mut self, ns: u64, end: [u8; 2]) -> (&[u8; SECOND_LEN], [u8; TAIL_LEN]) {
        // Before `begin` it wraps to a large number.
        let mut within = ns.wrapping_sub(self.begin);
        if within >= NS_PER_SECOND {
            self.set_second(ns / NS_PER_SECOND);
            within = ns - self.begin;
        }
        (&self.second, decimal::six_before(within as u32 / 1_000, end))
    }

    #[cold]
    fn set_second(&mut self, second: u64) {
        let (year, month, day) = civil(second / SECONDS_PER_DAY);
        let clock = (second % SECONDS_PER_DAY) as u32;
        self.set_pair(0, year / 100);
        self.set_pair(2, year % 100);
        self.set_pair(5, month);
        self.set_pair(8, day);
        self.set_pair(11, clock / 3600);
        self.set_pair(14, clock / 60 % 60);
        self.set_pair(17, clock % 60);
        self.begin = second * NS_PER_SECOND;
    }

    fn set_pair(&mut self, at: usize, number: u32) {
        let digit = |number| b'0' + (number % 10) as u8;
        self.second[at..at + 2].copy_from_slice(&[digit(number / 10), digit(number)]);
    }
}

impl Default for Stamp {
    fn default() -> Self {
        Self::new()
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
///
/// The algorithm is `civil_from_days` of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms":
/// years begin in March, so that the leap day comes last, and 400 years are always 146,097 days.
fn civil(days: u64) -> (u32, u32, u32) {
    let shifted = days + 719_468; // days since 0000-03-01
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year as u32, month as u32, day as u32)
}
