//! What dead processes of the same run left is written by those that live.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Instant;

use undergird_core::recovery::{Outcome, has_orphans, recover};

use crate::host::Process;
use crate::thread::spawn;
use crate::waiting::{GLANCE, PATIENCE, passed};

/// Whether a recovery is under way in this process.
static UNDERWAY: AtomicBool = AtomicBool::new(false);

/// Looks for rings of dead processes beside our own; if there are any, they are recovered on a thread for it: their
/// files may be on a file system that does not answer. `recovered` counts the records.
pub fn recover_orphans(own: &Path, recovered: &Arc<AtomicU64>) {
    let Some(directory) = own.parent().map(Path::to_path_buf) else { return };
    let found = has_orphans(&directory, own, &mut Process::new(PATIENCE)).unwrap_or_default();
    // ORDERING: Acquire here and Release in `Done` only tell recoveries apart.
    if !found || UNDERWAY.swap(true, Ordering::Acquire) {
        return;
    }
    let (own, recovered) = (own.to_path_buf(), Arc::clone(recovered));
    let done = Done;
    let recovery = move || {
        let _done = done;
        for ring in recover(&directory, Some(&own), &mut Process::new(PATIENCE)).unwrap_or_default() {
            if let Outcome::Recovered { written, .. } | Outcome::Unfinished { written, .. } = ring.outcome {
                recovered.fetch_add(written, Ordering::Relaxed);
            }
        }
    };
    // Where there can be no thread, the closure and its `Done` are dropped.
    let _ = spawn("undergird-orphans", recovery);
}

/// Recovers what there is now, waiting for it until the deadline.
pub fn recover_all_orphans(own: &Path, recovered: &Arc<AtomicU64>, deadline: Option<Instant>) {
    wait(deadline);
    recover_orphans(own, recovered);
    wait(deadline);
}

fn wait(deadline: Option<Instant>) {
    while UNDERWAY.load(Ordering::Acquire) && !passed(deadline) {
        sleep(GLANCE);
    }
}

/// Forgets the recovery of the parent, in a forked child, where its thread does not exist.
pub fn abandon() {
    UNDERWAY.store(false, Ordering::Relaxed);
}

/// The end of a recovery, also of one that panics.
struct Done;

impl Drop for Done {
    fn drop(&mut self) {
        UNDERWAY.store(false, Ordering::Release);
    }
}
