//! The last step of a call: into the ring, or, when it is full, what was agreed for that case.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use undergird_core::pace::Pace;
use undergird_core::record::Header;

use crate::announcement::announce;
use crate::current::{is_current, shared};
use crate::hooks::hooks;
use crate::producer::GilSide;
use crate::runtime::Runtime;
use crate::stats;

/// How long a call waits for room while nothing is written.
const LONGEST: Duration = Duration::from_secs(1);
/// How long in all, where other threads take the room each time.
const STARVED: Duration = Duration::from_secs(10);
/// How long in all on a thread that runs an event loop.
const IN_EVENT_LOOP: Duration = Duration::from_millis(1);
/// How long the GIL is given away at once, so that Ctrl-C works.
const SLICE: Duration = Duration::from_millis(50);
/// How long a synchronous call waits for its line to be in the file.
const SYNC: Duration = Duration::from_secs(5);

/// Pushes a record, or a block of so many `rows`, and sees to it that it is drained in time.
///
/// Whether the record has been dealt with; not, if the ring was replaced while the call waited for room. Then the
/// record has to be put together again, for the new one.
///
/// # Errors
/// Only what a signal handler raised while the call waited.
#[inline]
pub fn accept(
    py: Python<'_>,
    runtime: &Runtime,
    route: usize,
    header: Header,
    payload: &[u8],
    rows: u64,
) -> PyResult<bool> {
    // SAFETY: the GIL is held, and nothing below runs Python while the reference lives.
    let gil = unsafe { runtime.gil() };
    if runtime.untold.load(Ordering::Relaxed) {
        announce(runtime, gil);
    }
    if gil.push(&runtime.memory, runtime.ring_path(), header, payload).is_err() {
        return overloaded(py, route, header, payload, rows);
    }
    let taken = &mut gil.routes[route];
    taken.emitted += rows;
    let sync = taken.sync;
    if gil.producer.used_at_most() > gil.wake_above {
        wake(runtime, gil);
    }
    if sync {
        drain(py);
    }
    Ok(true)
}

/// Pushes a record if there is room and its calls do not wait; where it ends then. What is refused is not counted: the
/// caller has another way.
#[inline]
pub fn accept_if_room(
    runtime: &Runtime,
    gil: &mut GilSide,
    route: usize,
    header: Header,
    payload: &[u8],
) -> Option<u64> {
    if gil.routes[route].sync || gil.push(&runtime.memory, runtime.ring_path(), header, payload).is_err() {
        return None;
    }
    gil.routes[route].emitted += 1;
    if gil.producer.used_at_most() > gil.wake_above {
        wake(runtime, gil);
    }
    Some(gil.producer.head())
}

/// Wakes the writer and notes down what was taken, about once for each quarter of the ring that fills up.
#[cold]
fn wake(runtime: &Runtime, gil: &mut GilSide) {
    let quarter = runtime.memory.ring().capacity() / 4;
    let used = gil.producer.used();
    gil.wake_above = quarter;
    gil.note();
    if used > quarter {
        runtime.wake();
        gil.wake_above = (used + quarter).min(3 * quarter);
    }
}

#[cold]
fn drain(py: Python<'_>) {
    if let Some(runtime) = shared(py) {
        // SAFETY: the GIL is held.
        let position = unsafe { runtime.gil() }.producer.head();
        py.detach(|| runtime.drain_now(position, Instant::now() + SYNC));
    }
}

/// The ring is full: waits for room as agreed, then pushes or refuses.
#[cold]
fn overloaded(py: Python<'_>, route: usize, header: Header, payload: &[u8], rows: u64) -> PyResult<bool> {
    let Some(runtime) = shared(py) else { return Ok(false) };
    // A signal's handler may run and raise there: then nothing is waited for.
    let (patience, mut interrupted) = match hooks(py)?.in_event_loop(py) {
        Ok(running) => (if running { IN_EVENT_LOOP } else { STARVED }, Ok(())),
        Err(error) => (STARVED, Err(error)),
    };
    let last = Instant::now() + patience;
    let mut deadline = last.min(Instant::now() + LONGEST);
    let begun = runtime.memory.ring().tail();
    let mut seen = begun;
    // SAFETY: the GIL is held; the reference ends here.
    let level = unsafe { runtime.gil() }.level_number(header.level);
    let waits = runtime.settings.overload.waits(level);
    loop {
        // SAFETY: the GIL is held; the reference is let go before it is given away.
        let gil = unsafe { runtime.gil() };
        let tail = runtime.memory.ring().tail();
        let stuck = gil.stuck_at == Some(tail);
        let current = is_current(&runtime);
        if !current && interrupted.is_ok() {
            return Ok(false);
        }
        // What is pushed into a ring that has been replaced would stay there.
        if current && gil.push(&runtime.memory, runtime.ring_path(), header, payload).is_ok() {
            gil.routes[route].emitted += rows;
            gil.note();
            gil.stuck_at = None;
            if gil.routes[route].sync {
                drain(py);
            }
            return interrupted.map(|()| true);
        }
        if tail != seen {
            seen = tail;
            deadline = last.min(Instant::now() + LONGEST);
        }
        if !waits || stuck || interrupted.is_err() || Instant::now() >= deadline {
            // A wait in which nothing moved is not repeated before something does.
            gil.stuck_at = (waits && tail == begun).then_some(tail);
            gil.routes[route].emitted += rows;
            gil.refuse(&runtime.memory, route, &header, payload, rows);
            runtime.untold.store(true, Ordering::Relaxed);
            if !current {
                // Its counts have been taken over already.
                stats::refused_late(py, &gil.routes[route], gil.sinks(), rows);
            }
            return interrupted.map(|()| true);
        }
        py.detach(|| wait(&runtime, deadline.min(Instant::now() + SLICE)));
        interrupted = py.check_signals();
    }
}

/// Waits until half of the ring is free, or the deadline. Needs no GIL.
fn wait(runtime: &Arc<Runtime>, deadline: Instant) {
    let ring = runtime.memory.ring();
    let mut pace = Pace::of_waiting_call();
    while ring.used() > ring.capacity() / 2 && Instant::now() < deadline {
        runtime.wake();
        std::thread::sleep(pace.pause());
    }
}
