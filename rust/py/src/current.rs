//! The runtime of this process: started when it is first needed, replaced, ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::announcement::announce_rest;
use crate::fast::constants::constants;
use crate::fast::sampling::forget_counts;
use crate::generation::invalidate;
use crate::gil::GilCell;
use crate::home::Settings;
use crate::retirement::Retirement;
use crate::runtime::Runtime;
use crate::{fork, siblings, stats};

/// How long a call that finds its ring's file deleted waits for what is still in the ring to be written.
const HOMELESS: Duration = Duration::from_secs(1);
/// How long the GIL is given away at once, so that Ctrl-C works.
const SLICE: Duration = Duration::from_millis(50);

static CURRENT: AtomicPtr<Runtime> = AtomicPtr::new(std::ptr::null_mut());
static SETTINGS: GilCell<Option<Settings>> = GilCell::new(None);

/// The runtime of this process, if there is one.
///
/// # Safety
/// The caller holds the GIL, and keeps the reference no longer than that (or clones the [`Arc`] with [`shared`]).
#[inline]
pub unsafe fn current() -> Option<&'static Runtime> {
    // SAFETY: null, or from `Arc::into_raw`; it is replaced and released only under the GIL.
    unsafe { CURRENT.load(Ordering::Relaxed).as_ref() }
}

/// Whether calls use a runtime now.
pub fn is_current(runtime: &Runtime) -> bool {
    std::ptr::eq(CURRENT.load(Ordering::Relaxed), runtime)
}

/// The runtime of this process, to be kept while the GIL is given away.
pub fn shared(py: Python<'_>) -> Option<Arc<Runtime>> {
    if fork::notice() {
        stats::PAST.get(py).clear();
        forget_counts(py);
    }
    let runtime = CURRENT.load(Ordering::Relaxed);
    if runtime.is_null() {
        return None;
    }
    // SAFETY: from `Arc::into_raw`, and under the GIL nobody releases it.
    unsafe {
        Arc::increment_strong_count(runtime);
        Some(Arc::from_raw(runtime))
    }
}

/// The runtime of this process, started now if it has settings and none yet.
///
/// # Errors
/// An `OSError` if there are settings but not even a ring in the heap.
pub fn ensure(py: Python<'_>) -> PyResult<Option<Arc<Runtime>>> {
    while let Some(runtime) = shared(py) {
        // Relaxed: what matters is the file, which will be looked at again.
        if !runtime.homeless.load(Ordering::Relaxed) {
            return Ok(Some(runtime));
        }
        // Gives the GIL away, so another thread may have started the next one when this is done.
        retire(py, Some(Instant::now() + HOMELESS));
    }
    let Some(settings) = SETTINGS.get(py).clone() else { return Ok(None) };
    let runtime = Arc::new(Runtime::new(settings)?);
    if let Some(constants) = constants(py) {
        // SAFETY: the GIL is held, and the reference ends here.
        unsafe { runtime.gil() }.fields(&runtime.memory, &constants.group());
    }
    runtime.start(py);
    CURRENT.store(Arc::into_raw(Arc::clone(&runtime)).cast_mut(), Ordering::Relaxed);
    Ok(Some(runtime))
}

/// Waits until everything logged so far is in its files; whether it is. `None` waits for as long as it takes.
///
/// # Errors
/// What a signal handler raised meanwhile.
pub fn flush(py: Python<'_>, deadline: Option<Instant>) -> PyResult<bool> {
    let Some(runtime) = shared(py) else { return Ok(true) };
    let position = runtime.memory.ring().head();
    // After the end each call has tried to write its own record; what is left has had its time.
    let deadline = if runtime.is_finished() { Some(Instant::now()) } else { deadline };
    loop {
        let slice = Instant::now() + SLICE;
        let until = deadline.map_or(slice, |deadline| deadline.min(slice));
        if py.detach(|| runtime.drain_to(position, Some(until))) {
            return Ok(true);
        }
        py.check_signals()?;
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(false);
        }
    }
}

/// Writes everything and ends the thread; later records are written by the call itself. Whether everything was
/// written in time.
///
/// # Errors
/// What a signal handler raised meanwhile; then nothing has ended.
pub fn shutdown(py: Python<'_>, deadline: Option<Instant>) -> PyResult<bool> {
    flush(py, deadline)?;
    let Some(runtime) = shared(py) else { return Ok(true) };
    // SAFETY: the GIL is held, and the reference ends here.
    unsafe { runtime.gil() }.make_sync();
    Ok(end(py, &runtime, deadline))
}

/// Sets how the next runtime is to be, and ends the present one; whether everything it held was written.
///
/// # Errors
/// What a signal handler raised meanwhile; then nothing has changed.
pub fn reconfigure(py: Python<'_>, settings: Settings, deadline: Option<Instant>) -> PyResult<bool> {
    // What is waiting is written before the change, so that it is not the new set-up's first act.
    let drained = flush(py, deadline)?;
    *SETTINGS.get(py) = Some(settings);
    // Loggers that found no run have planned to do without one.
    invalidate();
    fork::set_up();
    Ok(retire(py, deadline) && drained)
}

/// Ends a runtime; whether everything was written in time. What was refused is said when there is room for it, which a
/// full ring has when it has been drained.
fn end(py: Python<'_>, runtime: &Runtime, deadline: Option<Instant>) -> bool {
    py.detach(|| runtime.stop(deadline));
    announce_rest(py, runtime);
    py.detach(|| runtime.finish(deadline))
}

/// Takes the present runtime away, so that the next call starts another, and writes what it holds.
fn retire(py: Python<'_>, deadline: Option<Instant>) -> bool {
    let Some(old) = shared(py) else { return true };
    let was = CURRENT.swap(std::ptr::null_mut(), Ordering::Relaxed);
    // SAFETY: the reference that `ensure` left there; `old` is another.
    drop(unsafe { Arc::from_raw(was) });
    let retirement = old.retire();
    // Nobody pushes into the old ring from here on: all plans are void.
    invalidate();
    let done = end(py, &old, deadline);
    drop(retirement);
    stats::remember(py, &old);
    done
}

/// Forgets the runtime in a forked child. It is leaked: its locks may be held by threads that do not exist here.
pub fn abandon() {
    CURRENT.store(std::ptr::null_mut(), Ordering::Relaxed);
    Retirement::forget_all();
    siblings::abandon();
}
