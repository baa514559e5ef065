//! The loop of the thread that drains a ring: when it writes, when it looks after others, and when it rests.

use std::time::{Duration, Instant};

use crate::pace::{Beat, Pace};
use crate::writer::Round;

/// What the loop does, and what it knows of time.
pub trait Duties {
    /// Whether the thread has to end.
    fn is_finished(&mut self) -> bool;
    /// Writes one batch to each file.
    fn round(&mut self) -> Round;
    /// Looks for what dead siblings left. Whatever takes long is done elsewhere.
    fn look_for_orphans(&mut self);
    /// Sees to it that what was refused is told, now that there is nothing to write.
    fn announce(&mut self);
    /// What time it is.
    fn now(&mut self) -> Instant;
    /// Rests for so long, or until somebody wakes it.
    fn pause(&mut self, time: Duration);
}

/// Drains until it is finished. However much there is to write, what dead siblings left is looked for every so often.
pub fn drain(duties: &mut impl Duties) {
    let mut pace = Pace::of_drainer();
    let mut siblings = Beat::of_siblings();
    let mut announcements = Beat::of_announcements();
    while !duties.is_finished() {
        let round = duties.round();
        if siblings.is_due(duties.now()) {
            duties.look_for_orphans();
        }
        if round.more {
            continue;
        }
        if round.written > 0 {
            pace.quicken();
        } else if announcements.is_due(duties.now()) {
            duties.announce();
        }
        duties.pause(pace.pause());
    }
}
