//! Threads, and the one that drains the ring, which never needs the GIL.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use undergird_core::drainer::{self, Duties};
use undergird_core::writer::Round;

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
    drainer::drain(&mut Drainer { runtime, telling: None });
}

struct Drainer<'a> {
    runtime: &'a Arc<Runtime>,
    telling: Option<JoinHandle<()>>,
}

impl Duties for Drainer<'_> {
    fn is_finished(&mut self) -> bool {
        self.runtime.is_finished()
    }

    fn round(&mut self) -> Round {
        let round = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.runtime.round(false)));
        round.ok().flatten().unwrap_or_default()
    }

    fn look_for_orphans(&mut self) {
        if let Some(path) = self.runtime.ring_path() {
            recover_orphans(path, &self.runtime.recovered);
        }
    }

    fn announce(&mut self) {
        if self.telling.as_ref().is_none_or(JoinHandle::is_finished) {
            self.telling = announce_at_rest(self.runtime);
        }
    }

    fn now(&mut self) -> Instant {
        Instant::now()
    }

    fn pause(&mut self, time: Duration) {
        std::thread::park_timeout(time);
    }
}
