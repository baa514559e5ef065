//! Putting a log aside while its lock is held.

use std::io;
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::fstat;

use super::Locked;
use crate::lockfile::{Journal, ROLLOVER, Rollover};
use crate::rotation::Rotation;
use crate::rotation::schedule::Schedule;
use crate::sink::movable;

impl Locked<'_> {
    /// Whether the log has to be put aside before a line of `next` bytes is appended.
    ///
    /// # Errors
    /// If the lock file cannot be written.
    pub fn is_due(&mut self, rotation: &Rotation, next: usize, now: i64) -> io::Result<bool> {
        if !self.sink.regular {
            return Ok(false);
        }
        let too_long = next > self.room(rotation);
        let late = match rotation.schedule {
            Some(schedule) => {
                let at = self.rollover(schedule, rotation, now)?;
                if at <= now && self.size == 0 {
                    self.set_rollover(schedule, rotation, now)?;
                }
                at <= now
            }
            None => false,
        };
        Ok(self.size > 0 && (too_long || late))
    }

    /// Bytes that may be appended before it is too long.
    pub fn room(&self, rotation: &Rotation) -> usize {
        match rotation.max_bytes {
            0 => usize::MAX,
            most => (most - 1).saturating_sub(self.size) as usize,
        }
    }

    /// When the log is put aside next, in seconds since the epoch.
    fn rollover(&mut self, schedule: Schedule, rotation: &Rotation, now: i64) -> io::Result<i64> {
        let known = self.state().rollover.filter(|rollover| rollover.schedule == rotation.fingerprint());
        match known {
            // Further away than any: it was set by a clock that has gone back since.
            Some(rollover) if rollover.at.saturating_sub(now) > schedule.period() => {
                let at = schedule.next(now, &rotation.zone);
                if at < rollover.at { self.set_rollover(schedule, rotation, now) } else { Ok(rollover.at) }
            }
            Some(rollover) => Ok(rollover.at),
            // As the standard library: a log that is there already was begun when it was last written to.
            None if self.size > 0 => self.set_rollover(schedule, rotation, self.changed()?.min(now)),
            None => self.set_rollover(schedule, rotation, now),
        }
    }

    fn set_rollover(&mut self, schedule: Schedule, rotation: &Rotation, after: i64) -> io::Result<i64> {
        let at = schedule.next(after, &rotation.zone);
        let rollover = Rollover { at, schedule: rotation.fingerprint() };
        self.say(&rollover.encode(), ROLLOVER)?;
        self.state_mut().rollover = Some(rollover);
        Ok(at)
    }

    fn changed(&self) -> io::Result<i64> {
        Ok(fstat(self.sink.log().file())?.st_mtime as i64)
    }

    /// Puts the log aside and begins another.
    ///
    /// # Errors
    /// What the file system says; then the log is where it was, or another has been begun.
    pub fn rotate(&mut self, rotation: &Rotation, now: i64) -> io::Result<()> {
        let log = movable(self.sink.path())?;
        let begun = match rotation.schedule {
            Some(schedule) => schedule.beginning(self.rollover(schedule, rotation, now)?, &rotation.zone),
            None => self.changed()?,
        };
        // Said before it is done, so that nobody in haste writes to the old one.
        let last = self.state().journal.clone().unwrap_or_default();
        self.enter(Journal { length: 0, stamp: last.stamp.wrapping_add(1), ..last })?;
        rotation.names.put_aside(&log, begun, &rotation.zone, &rotation.keep)?;
        self.come_back()?;
        if let Some(schedule) = rotation.schedule
            && self.rollover(schedule, rotation, now)? <= now
        {
            self.set_rollover(schedule, rotation, now)?;
        }
        rotation.names.prune(&log, &rotation.keep, UNIX_EPOCH + Duration::from_secs(now.max(0) as u64))
    }
}
