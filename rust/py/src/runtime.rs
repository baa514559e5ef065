//! The running core of this process: its ring, who drains it, and how both are replaced.
//!
//! Python's side (the producer and what it has entered into the dictionary) is touched only with the GIL held,
//! the writer only under its lock, and neither ever waits for the other while it holds its own.

use std::cell::UnsafeCell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::{JoinHandle, Thread, sleep};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use undergird_core::batch::Source;
use undergird_core::ledger::Ledger;
use undergird_core::ring::Producer;
use undergird_core::ringfile::{RingFile, RingMemory};
use undergird_core::writer::{Round, Writer};

use crate::accept::announce_rest;
use crate::generation::invalidate;
use crate::gil::GilCell;
use crate::home::{Home, Settings};
use crate::host::Process;
use crate::producer::GilSide;
use crate::{fork, stats, thread};

/// How long anybody waits for a log's lock that another process holds.
pub const PATIENCE: Duration = Duration::from_millis(100);
/// How long a call that finds its ring's file deleted waits for what is still in the ring to be written.
const HOMELESS: Duration = Duration::from_secs(1);
/// How often something is looked at that cannot be waited for.
const GLANCE: Duration = Duration::from_micros(200);

/// What others see of one of the writer's files.
struct Seen {
    sink: u32,
    path: PathBuf,
    ledger: Arc<Ledger>,
    error: Option<String>,
}

/// A ring and its drainer.
pub struct Runtime {
    pub settings: Settings,
    pub memory: RingMemory,
    /// Set when the thread has to end.
    stop: AtomicBool,
    /// Set when every call has to see to its own line: `sync=True`, or after the end.
    pub sync: AtomicBool,
    /// Records of dead siblings that this process has written.
    pub recovered: AtomicU64,
    home: Home,
    /// Set when somebody has deleted the ring's file: another has to be made.
    homeless: AtomicBool,
    /// Set when this runtime has been replaced.
    retired: AtomicBool,
    writer: Mutex<Writer>,
    /// The writer's files, for who does not want to wait for the writer. Held for a moment only.
    outlets: Mutex<Vec<Seen>>,
    gil: UnsafeCell<GilSide>,
    drainer: OnceLock<Thread>,
    joinable: GilCell<Option<JoinHandle<()>>>,
}

// SAFETY: `gil` is reached through `Runtime::gil` only, whose callers hold the GIL; all else is Sync.
unsafe impl Sync for Runtime {}
// SAFETY: as above; nothing in it belongs to a thread.
unsafe impl Send for Runtime {}

static CURRENT: AtomicPtr<Runtime> = AtomicPtr::new(std::ptr::null_mut());
static SETTINGS: GilCell<Option<Settings>> = GilCell::new(None);
/// How many replaced runtimes are writing what they hold. The present one waits for them, so that the records of
/// a thread stay in order.
static RETIRING: AtomicU32 = AtomicU32::new(0);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn passed(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

impl Runtime {
    fn new(settings: Settings) -> std::io::Result<Self> {
        let home = Home::make(&settings, fork::is_child())?;
        fork::show(&home.lock);
        let memory = home.memory.clone();
        // SAFETY: the ring was made just now, so this is its only producer.
        let producer = unsafe { Producer::new(memory.ring().clone()) };
        let path = home.file.as_ref().map_or(Path::new(""), RingFile::path);
        Ok(Self {
            writer: Mutex::new(Writer::new(Source::new(memory.clone(), path))),
            gil: UnsafeCell::new(GilSide::new(producer)),
            outlets: Mutex::default(),
            stop: AtomicBool::new(false),
            sync: AtomicBool::new(settings.sync),
            recovered: AtomicU64::new(0),
            homeless: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            drainer: OnceLock::new(),
            joinable: GilCell::new(None),
            memory,
            home,
            settings,
        })
    }

    /// Whether calls use this runtime now.
    pub fn is_current(&self) -> bool {
        std::ptr::eq(CURRENT.load(Ordering::Relaxed), self)
    }

    /// The side that belongs to Python.
    ///
    /// # Safety
    /// The caller holds the GIL, and lets the reference go before it runs Python or gives the GIL away.
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "exclusive by the GIL")]
    pub unsafe fn gil(&self) -> &mut GilSide {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.gil.get() }
    }

    /// The writer, if nobody drains now and nothing older has to be written first.
    fn try_writer(&self) -> Option<MutexGuard<'_, Writer>> {
        // ORDERING: Acquire pairs with the Release in `retire`: what is older is in the file.
        if RETIRING.load(Ordering::Acquire) > 0 && !self.retired.load(Ordering::Relaxed) {
            return None;
        }
        match self.writer.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Makes the draining thread look now rather than at its next tick.
    pub fn wake(&self) {
        if let Some(thread) = self.drainer.get() {
            thread.unpark();
        }
    }

    /// Notices when somebody has deleted the ring's file (as cleaners do at logout) or closed the descriptor that
    /// holds its lock: the next call makes another.
    fn look_home(&self) {
        // After the end the file is gone because we have removed it; calls then see to their own lines.
        if self.stop.load(Ordering::Relaxed) {
            return;
        }
        if self.home.file.as_ref().is_some_and(|ring| !ring.is_there()) && !self.homeless.swap(true, Ordering::Relaxed)
        {
            invalidate();
        }
    }

    /// The ring's file.
    pub fn ring_path(&self) -> Option<&Path> {
        self.home.file.as_ref().map(RingFile::path)
    }

    /// Whether the end has come: calls write by themselves.
    pub fn is_finished(&self) -> bool {
        // ORDERING: Acquire pairs with the Release in `finish`.
        self.stop.load(Ordering::Acquire)
    }

    /// Where the ring is.
    pub fn placement(&self) -> &'static str {
        self.home.placement.word()
    }

    /// One batch for each file; `None` if somebody else drains now. Needs no GIL.
    pub fn round(&self, insist: bool) -> Option<Round> {
        let mut writer = self.try_writer()?;
        self.look_home();
        let round = writer.round(&mut Process::new(PATIENCE), insist);
        self.publish(&writer);
        if self.settings.fsync && round.written > 0 {
            let _ = writer.sync();
        }
        Some(round)
    }

    /// Drains until every record before `position` is in its files, or the deadline; `None` waits for as long as
    /// it takes. Needs no GIL.
    pub fn drain_to(&self, position: u64, deadline: Option<Instant>) -> bool {
        while self.memory.ring().tail() < position {
            let round = self.round(true).unwrap_or_default();
            if round.written > 0 || round.more {
                continue;
            }
            if passed(deadline) {
                return self.memory.ring().tail() >= position;
            }
            sleep(GLANCE);
        }
        true
    }

    /// Drains until everything before `position` is in its files; gives up when nothing moves. Needs no GIL.
    pub fn drain_now(&self, position: u64, deadline: Instant) {
        while self.memory.ring().tail() < position && Instant::now() < deadline {
            match self.round(false) {
                // Somebody else drains, and may be about to write our record too.
                None => sleep(Duration::from_micros(20)),
                Some(round) if round.written == 0 && !round.more => break,
                Some(_) => {}
            }
        }
    }

    /// The ledger of a sink, if the writer has met it.
    pub fn ledger(&self, sink: u32) -> Option<Arc<Ledger>> {
        let outlets = lock(&self.outlets);
        outlets.iter().find(|seen| seen.sink == sink).map(|seen| Arc::clone(&seen.ledger))
    }

    /// What keeps a file from getting on.
    pub fn trouble(&self, path: &str) -> Option<String> {
        let outlets = lock(&self.outlets);
        outlets.iter().find(|seen| seen.path.as_os_str() == path)?.error.clone()
    }

    /// Shows others what the writer sees.
    fn publish(&self, writer: &Writer) {
        let mut outlets = lock(&self.outlets);
        for (at, outlet) in writer.outlets().iter().enumerate() {
            let error = outlet.trouble().map(|trouble| trouble.error.clone());
            match outlets.get_mut(at) {
                Some(seen) => seen.error = error,
                None => {
                    fork::show(outlet.lock_descriptor());
                    let (path, ledger) = (outlet.path().into(), Arc::clone(outlet.ledger()));
                    outlets.push(Seen { sink: outlet.id(), path, ledger, error });
                }
            }
        }
    }

    /// Ends the thread, and removes the ring's file if everything is written by the deadline. Needs no GIL.
    fn finish(&self, drainer: Option<JoinHandle<()>>, deadline: Option<Instant>) -> bool {
        // ORDERING: Release pairs with the Acquire in `thread::run`.
        self.stop.store(true, Ordering::Release);
        self.wake();
        if let Some(drainer) = drainer {
            // It may hang in a write to a file system that does not answer; then it is left behind.
            while !drainer.is_finished() && !passed(deadline) {
                sleep(GLANCE);
            }
        }
        let done = self.drain_to(self.memory.ring().head(), deadline);
        if let Some(ring) = &self.home.file {
            thread::recover_siblings(self, ring.path());
            // Not after a record that came meanwhile: its call is about to write it.
            if let Some(mut writer) = self.try_writer()
                && done
                && writer.is_done()
            {
                ring.remove();
                writer.forget(&mut Process::new(PATIENCE));
            }
        }
        fork::hide(&self.home.lock);
        if let Some(writer) = self.try_writer() {
            writer.outlets().iter().for_each(|outlet| fork::hide(outlet.lock_descriptor()));
        }
        done
    }
}

/// The runtime of this process, if there is one.
///
/// # Safety
/// The caller holds the GIL, and keeps the reference no longer than that (or clones the [`Arc`] with [`shared`]).
#[inline]
pub unsafe fn current() -> Option<&'static Runtime> {
    // SAFETY: null, or from `Arc::into_raw`; it is replaced and released only under the GIL.
    unsafe { CURRENT.load(Ordering::Relaxed).as_ref() }
}

/// Lets go of what belongs to the parent, in a child whose fork ran no fork handlers.
pub fn notice_fork(py: Python<'_>) {
    if fork::notice() {
        stats::PAST.get(py).clear();
    }
}

/// The runtime of this process, to be kept while the GIL is given away.
pub fn shared(py: Python<'_>) -> Option<Arc<Runtime>> {
    notice_fork(py);
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

/// Writes everything and ends the thread; later records are written by the call itself. Whether everything was
/// written in time.
pub fn shutdown(py: Python<'_>, deadline: Option<Instant>) -> bool {
    let Some(runtime) = shared(py) else { return true };
    flush(py, deadline);
    announce_rest(py, &runtime);
    let drainer = runtime.joinable.get(py).take();
    runtime.sync.store(true, Ordering::Relaxed);
    py.detach(|| runtime.finish(drainer, deadline))
}

/// Sets how the next runtime is to be, and ends the present one; whether everything it held was written.
pub fn reconfigure(py: Python<'_>, settings: Settings, deadline: Option<Instant>) -> bool {
    // What is waiting is written before the change, so that it is not the new set-up's first act.
    let drained = flush(py, deadline);
    *SETTINGS.get(py) = Some(settings);
    fork::set_up();
    retire(py, deadline) && drained
}

/// Waits until everything logged so far is in its files; whether it is.
fn flush(py: Python<'_>, deadline: Option<Instant>) -> bool {
    let Some(runtime) = shared(py) else { return true };
    let position = runtime.memory.ring().head();
    py.detach(|| runtime.drain_to(position, deadline))
}

/// Takes the present runtime away, so that the next call starts another, and writes what it holds.
fn retire(py: Python<'_>, deadline: Option<Instant>) -> bool {
    let Some(old) = shared(py) else { return true };
    announce_rest(py, &old);
    let was = CURRENT.swap(std::ptr::null_mut(), Ordering::Relaxed);
    // SAFETY: the reference that `ensure` left there; `old` is another.
    drop(unsafe { Arc::from_raw(was) });
    old.retired.store(true, Ordering::Relaxed);
    RETIRING.fetch_add(1, Ordering::Relaxed);
    // Nobody pushes into the old ring from here on: all plans are void.
    invalidate();
    let drainer = old.joinable.get(py).take();
    let done = py.detach(|| old.finish(drainer, deadline));
    // ORDERING: Release pairs with the Acquire in `try_writer`.
    RETIRING.fetch_sub(1, Ordering::Release);
    stats::remember(py, &old);
    done
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
    let drainer = thread::spawn(Arc::clone(&runtime))?;
    let _ = runtime.drainer.set(drainer.thread().clone());
    *runtime.joinable.get(py) = Some(drainer);
    CURRENT.store(Arc::into_raw(Arc::clone(&runtime)).cast_mut(), Ordering::Relaxed);
    Ok(Some(runtime))
}

/// Forgets the runtime in a forked child. It is leaked: its locks may be held by threads that do not exist here.
pub fn abandon() {
    CURRENT.store(std::ptr::null_mut(), Ordering::Relaxed);
    RETIRING.store(0, Ordering::Relaxed);
}
