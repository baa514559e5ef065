//! Times at which a log is put aside, as the standard library's `TimedRotatingFileHandler` reckons them.

use std::fs;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// Where the descriptions of time zones are.
const ZONES: &str = "/usr/share/zoneinfo";
/// What describes the time zone of this machine.
const LOCAL: &str = "/etc/localtime";

/// When a log is put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// So many seconds after the last time.
    Seconds(u32),
    /// Every so many days, so many seconds after midnight.
    Days {
        /// 1 is daily.
        days: u32,
        /// Seconds after midnight.
        at: u32,
    },
    /// Once a week.
    Weekday {
        /// 0 is Monday.
        day: u8,
        /// Seconds after midnight.
        at: u32,
    },
}

impl Schedule {
    pub(super) fn is_sane(self) -> bool {
        match self {
            Schedule::Seconds(seconds) => seconds > 0,
            Schedule::Days { days, at } => (1..=36_500).contains(&days) && at < 86_400,
            Schedule::Weekday { day, at } => day < 7 && at < 86_400,
        }
    }

    /// The first time after `after`, both in seconds since the epoch.
    pub fn next(self, after: i64, zone: &Zone) -> i64 {
        let (at, skipped) = match self {
            Schedule::Seconds(seconds) => return after.saturating_add(i64::from(seconds)),
            Schedule::Days { days, at } => (at, days - 1),
            Schedule::Weekday { at, .. } => (at, 0),
        };
        let next = || {
            let now = zone.at(after)?;
            let mut date = now.date();
            // A time that the clocks jump over is taken where they land, one that comes twice the first time.
            while !self.falls_on(date) || moment(date, at, &now)?.timestamp().as_second() <= after {
                date = date.tomorrow().ok()?;
            }
            Some(moment(date.checked_add(Span::new().days(skipped)).ok()?, at, &now)?.timestamp().as_second())
        };
        // Only dates at the ends of the calendar come to nothing.
        next().unwrap_or(i64::MAX)
    }

    /// Seconds from one time to the next, but for days on which the clocks change.
    pub fn period(self) -> i64 {
        match self {
            Schedule::Seconds(seconds) => i64::from(seconds),
            Schedule::Days { days, .. } => i64::from(days) * 86_400,
            Schedule::Weekday { .. } => 7 * 86_400,
        }
    }

    fn falls_on(self, date: jiff::civil::Date) -> bool {
        match self {
            Schedule::Weekday { day, .. } => date.weekday().to_monday_zero_offset() == day as i8,
            _ => true,
        }
    }

    /// When the period began that ends at `end`, both in seconds since the epoch.
    pub fn beginning(self, end: i64, zone: &Zone) -> i64 {
        let days = match self {
            Schedule::Seconds(seconds) => return end.saturating_sub(i64::from(seconds)),
            Schedule::Days { days, .. } => days,
            Schedule::Weekday { .. } => 7,
        };
        let begun = || zone.at(end)?.checked_sub(Span::new().days(days)).ok();
        begun().map_or(end, |begun| begun.timestamp().as_second())
    }

    /// What distinguishes the times in names, as `strftime` says it.
    pub fn stamp(self) -> &'static str {
        match self {
            Schedule::Seconds(seconds) if seconds % 3600 == 0 => "%Y-%m-%d_%H",
            Schedule::Seconds(seconds) if seconds % 60 == 0 => "%Y-%m-%d_%H-%M",
            Schedule::Seconds(_) => "%Y-%m-%d_%H-%M-%S",
            Schedule::Days { .. } | Schedule::Weekday { .. } => "%Y-%m-%d",
        }
    }
}

fn moment(date: jiff::civil::Date, at: u32, like: &Zoned) -> Option<Zoned> {
    let time = Time::new((at / 3600) as i8, (at / 60 % 60) as i8, (at % 60) as i8, 0).ok()?;
    date.to_datetime(time).to_zoned(like.time_zone().clone()).ok()
}

/// A time zone by its name, as `TZ` has it: nothing is this machine's, `Europe/Berlin`, `CET-1CEST,M3.5.0,M10.5.0/3`.
/// It is read anew each time: zones change, and nothing of it has to survive a fork.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone(String);

impl Zone {
    /// The zone of a name; one that cannot be found is UTC.
    pub fn named(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }

    fn read(&self) -> TimeZone {
        let name = self.0.strip_prefix(':').unwrap_or(&self.0);
        let described = |path: &str| TimeZone::tzif(name, &fs::read(path).ok()?).ok();
        let zone = match name {
            "UTC" => None,
            "" => described(LOCAL),
            _ if name.starts_with('/') => described(name),
            _ if name.contains("..") => None,
            _ => described(&format!("{ZONES}/{name}")).or_else(|| TimeZone::posix(name).ok()),
        };
        zone.unwrap_or(TimeZone::UTC)
    }

    /// A time there, from seconds since the epoch.
    pub fn at(&self, second: i64) -> Option<Zoned> {
        Some(Timestamp::from_second(second).ok()?.to_zoned(self.read()))
    }
}
