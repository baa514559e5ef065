//! Threads, and the one that drains the ring, which never needs the GIL.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use undergird_core::pace::{Beat, Pace};

use crate::announcement::announce_at_rest;
use crate::runtime::Runtime;
use crate::siblings::recover_orphans;

/// Starts a thread.
///
/// # Errors
/// If the system has no thread left.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    // Signals are for Python's threads.
    with_signals_blocked(|| Builder::new().name(name.into()).spawn(work))
}

fn with_signals_blocked<T>(action: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are initialised before they are read; masks belong to this thread.
    unsafe {
        let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let result = action();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        result
    }
}

/// Drains the ring until the runtime ends.
pub fn drain(runtime: &Arc<Runtime>) {
    let mut pace = Pace::of_drainer();
    let mut siblings = Beat::of_siblings();
    let mut announcements = Beat::of_announcements();
    let mut telling: Option<JoinHandle<()>> = None;
    while !runtime.is_finished() {
        let round = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.round(false)));
        let round = round.ok().flatten().unwrap_or_default();
        if siblings.is_due(Instant::now())
            && let Some(path) = runtime.ring_path()
        {
            recover_orphans(path, &runtime.recovered);
        }
        if round.more {
            continue;
        }
        if round.written > 0 {
            pace.quicken();
        } else if announcements.is_due(Instant::now()) && telling.as_ref().is_none_or(JoinHandle::is_finished) {
            telling = announce_at_rest(runtime);
        }
        std::thread::park_timeout(pace.pause());
    }
}
