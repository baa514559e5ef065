//! Telling the logs what was refused, when there is room and time for it: at the next call, at the end, or, where no call
//! comes, by a thread that waits for the GIL in the place of the one that drains the ring.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use pyo3::Python;
use undergird_core::announcement::{Announcement, due};

use crate::current::is_current;
use crate::host::wall_ns;
use crate::producer::GilSide;
use crate::runtime::Runtime;
use crate::thread::spawn;

/// Nanoseconds between two announcements at least.
const PAUSE: u64 = 1_000_000_000;

/// What the logs are still to be told. How much it is stands in the ring's memory, for who recovers it.
#[derive(Debug, Default)]
pub struct Untold {
    /// When they were told last, in nanoseconds since the epoch.
    told: u64,
    /// Bytes for which there was no room the last time: as long as there is none, nothing has to be put together.
    wanted: usize,
}

/// Says in the logs what was refused since the last time, if that is long enough ago.
#[cold]
pub fn announce(runtime: &Runtime, gil: &mut GilSide) {
    let now = wall_ns();
    let since = now.checked_sub(gil.untold.told);
    if since.is_none_or(|since| since >= PAUSE) && gil.producer.has_room(gil.untold.wanted) {
        tell(runtime, gil, now);
    }
}

/// Says what has not been said yet, before a ring ends.
pub fn announce_rest(_py: Python<'_>, runtime: &Runtime) {
    // SAFETY: the GIL is held, and nothing here runs Python.
    let gil = unsafe { runtime.gil() };
    if runtime.untold.load(Ordering::Relaxed) {
        tell(runtime, gil, wall_ns());
    }
}

/// Says what was refused where there is room now and no call comes that would say it.
///
/// The GIL makes the producer single, so a thread of its own waits for it, which nobody ever waits for: not the one that
/// drains the ring, and not the interpreter when it ends.
pub fn announce_at_rest(runtime: &Arc<Runtime>) -> Option<JoinHandle<()>> {
    let ring = runtime.memory.ring();
    if !runtime.untold.load(Ordering::Relaxed) || ring.used() > ring.capacity() / 2 || runtime.is_finished() {
        return None;
    }
    let runtime = Arc::clone(runtime);
    let telling = move || {
        // No GIL is to be had any more where the interpreter ends: the end has said it.
        if runtime.is_finished() {
            return;
        }
        Python::try_attach(|_py| {
            if is_current(&runtime) && !runtime.is_finished() && runtime.untold.load(Ordering::Relaxed) {
                // SAFETY: the GIL is held, and nothing here runs Python.
                announce(&runtime, unsafe { runtime.gil() });
            }
        });
    };
    spawn("undergird-told", telling).ok()
}

fn tell(runtime: &Runtime, gil: &mut GilSide, now: u64) {
    for Announcement { header, payload } in due(&runtime.memory, now) {
        let payload = payload.as_slice();
        // What is in the ring's memory outlives this process already.
        if !matches!(runtime.memory.tell(&mut gil.producer, header, payload, |_| Ok(())), Ok(true)) {
            gil.untold.wanted = payload.len();
            return;
        }
        if let Some(route) = gil.routes.iter_mut().find(|route| route.id == header.route) {
            route.emitted += 1;
        }
    }
    gil.untold = Untold { told: now, wanted: 0 };
    runtime.untold.store(false, Ordering::Relaxed);
}
