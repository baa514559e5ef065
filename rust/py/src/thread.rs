//! The thread that drains the ring. It never needs the GIL.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use undergird_core::pace::Pace;
use undergird_core::recovery::{Outcome, recover};

use crate::host::Process;
use crate::runtime::{PATIENCE, Runtime};

/// How often dead siblings are looked for.
const LOOK_AROUND: Duration = Duration::from_millis(500);

/// Starts the thread.
///
/// # Errors
/// If the system has no thread left.
pub fn spawn(runtime: Arc<Runtime>) -> std::io::Result<JoinHandle<()>> {
    // Signals are for Python's threads.
    let handle = with_signals_blocked(|| Builder::new().name("undergird".into()).spawn(move || run(&runtime)))?;
    Ok(handle)
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

fn run(runtime: &Runtime) {
    let mut pace = Pace::of_drainer();
    let mut looked = None::<Instant>;
    while !runtime.is_finished() {
        let round = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.round(false)));
        let round = round.ok().flatten().unwrap_or_default();
        if round.more {
            continue;
        }
        if round.written > 0 {
            pace.quicken();
        }
        if looked.is_none_or(|looked| looked.elapsed() >= LOOK_AROUND) {
            if let Some(path) = runtime.ring_path() {
                recover_siblings(runtime, path);
            }
            looked = Some(Instant::now());
        }
        std::thread::park_timeout(pace.pause());
    }
}

/// Writes what dead processes of the same run left in their rings.
pub fn recover_siblings(runtime: &Runtime, own: &Path) {
    let Some(directory) = own.parent() else { return };
    let found = recover(directory, Some(own), &mut Process::new(PATIENCE)).unwrap_or_default();
    for ring in found {
        if let Outcome::Recovered { written, .. } | Outcome::Unfinished { written, .. } = ring.outcome {
            runtime.recovered.fetch_add(written, Ordering::Relaxed);
        }
    }
}
