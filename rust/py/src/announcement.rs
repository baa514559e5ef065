//! Telling the logs what was refused, when there is room and time for it.

use pyo3::Python;
use undergird_core::announcement::{Announcement, due};

use crate::host::wall_ns;
use crate::producer::GilSide;
use crate::runtime::Runtime;

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
    if gil.announce {
        tell(runtime, gil, wall_ns());
    }
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
    gil.announce = false;
}
