//! What has become of every record of a ring: `emitted = written + dropped + failed + in_flight`, for each file.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::AddAssign;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::batch::Source;
use crate::dictionary::Entry;
use crate::ringfile::Look;

/// The counts of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that were logged, accepted or not.
    pub emitted: u64,
    /// Records in the file.
    pub written: u64,
    /// Records that were refused.
    pub dropped: u64,
    /// Records that could not be written for good.
    pub failed: u64,
    /// Records that wait in the ring, counted there.
    pub in_flight: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        // A damaged ring may say anything.
        self.emitted = self.emitted.wrapping_add(other.emitted);
        self.written = self.written.wrapping_add(other.written);
        self.dropped = self.dropped.wrapping_add(other.dropped);
        self.failed = self.failed.wrapping_add(other.failed);
        self.in_flight = self.in_flight.wrapping_add(other.in_flight);
    }
}

/// The counts of each file of a ring that was looked at, as they were at that moment; `None` if its accounts do not say.
pub fn census(look: &Look) -> Option<BTreeMap<PathBuf, Counts>> {
    let memory = &look.memory;
    let (tail, head) = (memory.ring().tail(), memory.ring().head());
    let mut source = Source::new(memory.clone(), Path::new(""));
    source.refresh();
    let entries: Vec<(u32, &Entry)> = source.entries().filter(|(_, entry)| entry.has_account()).collect();
    let accounts: Vec<_> = entries.iter().zip(look.accounts.as_ref()?).collect();
    let mut all = BTreeMap::<PathBuf, Counts>::new();
    for ((id, sink), account) in &accounts {
        let Entry::Sink(sink) = sink else { continue };
        let mut counts = Counts::default();
        for ((route, leads), account) in &accounts {
            let Entry::Route(sinks) = leads else { continue };
            if sinks.contains(id) {
                // What the route has taken since it was noted down.
                let noted = (**account)?;
                let since = Source::count(memory, &|id| id == *route, noted.cursor, noted.cursor, head);
                let emitted = noted.kept.wrapping_add(noted.lost).wrapping_add(since);
                counts += Counts { emitted, dropped: noted.lost, ..Counts::default() };
            }
        }
        // Its writer may not have met it yet.
        let done = account.unwrap_or(crate::ledger::Entry { cursor: tail, ..Default::default() });
        (counts.written, counts.failed) = (done.kept, done.lost);
        let leads = |route: u32| source.route(route).contains(id);
        counts.in_flight = Source::count(memory, &leads, tail, done.cursor, head);
        *all.entry(OsStr::from_bytes(&sink.path).into()).or_default() += counts;
    }
    Some(all)
}
