//! The running core of this process: its ring, the thread that drains it, and what becomes of both at a fork.
//!
//! Python's side (the producer and what it has entered into the dictionary) is touched only with the GIL held,
//! the writer only under its lock, and neither ever waits for the other while it holds its own.

use std::cell::UnsafeCell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use undergird_core::batch::Source;
use undergird_core::descriptor::Descriptor;
use undergird_core::directory::{SHARED_MEMORY, make_private, ring_directory};
use undergird_core::ledger::Ledger;
use undergird_core::ring::Producer;
use undergird_core::ringfile::{Owner, RingFile, RingMemory, Sizes};
use undergird_core::writer::Writer;

use crate::generation::{generation, invalidate};
use crate::host::{Process, boot_id, process_start, wall_ns};
use crate::overload::Overload;
use crate::producer::GilSide;
use crate::{stats, thread};

/// How long anybody waits for a log's lock that another process holds.
pub const PATIENCE: Duration = Duration::from_millis(100);

/// How long a call that finds its ring's file deleted waits for what is still in the ring to be written.
const HOMELESS: Duration = Duration::from_secs(1);

/// How a run wants its ring.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the logs are; it names the folder of the rings.
    pub log_directory: PathBuf,
    /// The folder above the ring folders, if not shared memory.
    pub ring_base: Option<PathBuf>,
    /// Bytes of records in a ring.
    pub ring_size: usize,
    /// Bytes of records in the ring of a forked child.
    pub worker_ring_size: usize,
    /// Whether a line is in the file when the call returns.
    pub sync: bool,
    /// What happens when the ring is full.
    pub overload: Overload,
    /// Whether to ask the disk after each batch.
    pub fsync: bool,
}

/// Where the ring is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In a folder that was asked for, or in shared memory.
    Wanted,
    /// Beside the log, for want of room.
    BesideTheLog,
    /// In the heap: it does not outlive the process.
    Heap,
}

impl Placement {
    /// The word for it in `stats()`.
    pub fn word(self) -> &'static str {
        match self {
            Placement::Wanted => "wanted",
            Placement::BesideTheLog => "beside the log",
            Placement::Heap => "heap",
        }
    }
}

/// What others see of one of the writer's files.
struct Seen {
    sink: u32,
    path: PathBuf,
    ledger: Arc<Ledger>,
    error: Option<String>,
}

/// A value that is reached with the GIL held only.
pub struct GilCell<T>(UnsafeCell<T>);

// SAFETY: the GIL keeps threads apart.
unsafe impl<T: Send> Sync for GilCell<T> {}

impl<T> GilCell<T> {
    /// A cell that holds a value.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The value; callers run no Python while they hold it.
    #[expect(clippy::mut_from_ref, reason = "exclusive by the GIL, and callers run no Python while they hold it")]
    pub fn get(&self, _py: Python<'_>) -> &mut T {
        // SAFETY: exclusive by the GIL.
        unsafe { &mut *self.0.get() }
    }
}

/// A ring and its drainer.
pub struct Runtime {
    pub settings: Settings,
    pub memory: RingMemory,
    pub placement: Placement,
    pub writer: Mutex<Writer>,
    pub stop: AtomicBool,
    /// Set when every call has to see to its own line: `sync=True`, or after the end.
    pub sync: AtomicBool,
    /// Records of dead siblings that this process has written.
    pub recovered: AtomicU64,
    /// Set when somebody has deleted the ring's file: another has to be made.
    pub homeless: AtomicBool,
    ring: Option<RingFile>,
    ring_descriptor: Arc<Descriptor>,
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
static FORKED: AtomicBool = AtomicBool::new(false);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Runtime {
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

    /// The writer, waiting for whoever drains now.
    pub fn writer(&self) -> MutexGuard<'_, Writer> {
        lock(&self.writer)
    }

    /// The writer, if nobody drains now.
    pub fn try_writer(&self) -> Option<MutexGuard<'_, Writer>> {
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

    /// Notices when somebody has deleted the ring's file (as cleaners do at logout): the next call makes another.
    pub fn look_home(&self) {
        if self.ring.as_ref().is_some_and(|ring| !ring.is_there()) && !self.homeless.swap(true, Ordering::Relaxed) {
            invalidate();
        }
    }

    /// The ring's file.
    pub fn ring_path(&self) -> Option<&Path> {
        self.ring.as_ref().map(RingFile::path)
    }

    /// Drains until every record before `position` is in its files, or the deadline; `None` waits for as long as
    /// it takes. Needs no GIL.
    pub fn drain_to(&self, position: u64, deadline: Option<Instant>) -> bool {
        let mut host = Process::new(PATIENCE);
        loop {
            if let Some(mut writer) = self.try_writer() {
                while self.memory.ring().tail() < position {
                    let round = writer.round(&mut host, true);
                    self.after_round(&mut writer, round.written);
                    if !round.more && round.written == 0 {
                        break;
                    }
                    if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                        break;
                    }
                }
            }
            if self.memory.ring().tail() >= position {
                return true;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return false;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Drains until everything before `position` is in its files, waiting for whoever drains now; gives up when
    /// nothing moves. Needs no GIL.
    pub fn drain_now(&self, position: u64, deadline: Instant) {
        let mut host = Process::new(PATIENCE);
        while self.memory.ring().tail() < position && Instant::now() < deadline {
            let mut writer = self.writer();
            let round = writer.round(&mut host, false);
            self.after_round(&mut writer, round.written);
            if round.written == 0 && !round.more {
                break;
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

    /// What follows a round: others see what the writer sees, and the disk is asked.
    pub fn after_round(&self, writer: &mut Writer, written: u64) {
        let mut outlets = lock(&self.outlets);
        for (at, outlet) in writer.outlets().iter().enumerate() {
            let error = outlet.trouble().map(|trouble| trouble.error.clone());
            match outlets.get_mut(at) {
                Some(seen) => seen.error = error,
                None => {
                    show(outlet.lock_descriptor());
                    outlets.push(Seen {
                        sink: outlet.id(),
                        path: outlet.path().into(),
                        ledger: Arc::clone(outlet.ledger()),
                        error,
                    });
                }
            }
        }
        drop(outlets);
        if self.settings.fsync && written > 0 {
            let _ = writer.sync();
        }
    }

    /// Ends the thread, and removes the ring's file if everything is written. Needs no GIL.
    pub fn finish(&self, drainer: Option<JoinHandle<()>>, deadline: Option<Instant>) -> bool {
        // ORDERING: Release pairs with the Acquire in `thread::run`.
        self.stop.store(true, Ordering::Release);
        self.wake();
        if let Some(drainer) = drainer {
            let _ = drainer.join();
        }
        let done = self.drain_to(self.memory.ring().head(), deadline);
        if let Some(ring) = &self.ring {
            thread::recover_siblings(self, ring.path());
            if done {
                let mut writer = self.writer();
                writer.forget(&mut Process::new(PATIENCE));
                ring.remove();
            }
        }
        hide(&self.ring_descriptor);
        self.writer().outlets().iter().for_each(|outlet| hide(outlet.lock_descriptor()));
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

/// The runtime of this process, to be kept while the GIL is given away.
pub fn shared(_py: Python<'_>) -> Option<Arc<Runtime>> {
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
    let drainer = runtime.joinable.get(py).take();
    runtime.sync.store(true, Ordering::Relaxed);
    py.detach(|| runtime.finish(drainer, deadline))
}

/// Sets how the next runtime is to be, and ends the present one; whether everything it held was written.
pub fn reconfigure(py: Python<'_>, settings: Settings, deadline: Option<Instant>) -> bool {
    // What is waiting is written before the change, so that it is not the new set-up's first act.
    let drained = flush(py, deadline);
    *SETTINGS.get(py) = Some(settings);
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
    let was = CURRENT.swap(std::ptr::null_mut(), Ordering::Relaxed);
    // SAFETY: the reference that `ensure` left there; `old` is another.
    drop(unsafe { Arc::from_raw(was) });
    // Nobody pushes into the old ring from here on: all plans are void.
    invalidate();
    let drainer = old.joinable.get(py).take();
    let done = py.detach(|| old.finish(drainer, deadline));
    stats::remember(py, &old);
    done
}

/// The runtime of this process, started now if it has settings and none yet.
///
/// # Errors
/// An `OSError` if there are settings but not even a ring in the heap.
pub fn ensure(py: Python<'_>) -> PyResult<Option<Arc<Runtime>>> {
    notice_fork(py);
    if let Some(runtime) = shared(py) {
        // Relaxed: what matters is the file, and whoever asks looks at it again.
        if !runtime.homeless.load(Ordering::Relaxed) {
            return Ok(Some(runtime));
        }
        retire(py, Some(Instant::now() + HOMELESS));
    }
    let Some(settings) = SETTINGS.get(py).clone() else { return Ok(None) };
    let runtime = Arc::new(start(settings)?);
    let drainer = thread::spawn(Arc::clone(&runtime))?;
    let _ = runtime.drainer.set(drainer.thread().clone());
    *runtime.joinable.get(py) = Some(drainer);
    CURRENT.store(Arc::into_raw(Arc::clone(&runtime)).cast_mut(), Ordering::Relaxed);
    Ok(Some(runtime))
}

fn start(settings: Settings) -> PyResult<Runtime> {
    let uid = user();
    let forked = FORKED.load(Ordering::Relaxed);
    let sizes = Sizes::of(if forked { settings.worker_ring_size } else { settings.ring_size });
    let owner = Owner {
        pid: std::process::id(),
        uid,
        process_start: process_start(),
        created: wall_ns(),
        boot: boot_id(),
        log_directory: &settings.log_directory,
    };
    let lock = Arc::new(Descriptor::default());
    let beside = settings.log_directory.join(".undergird");
    let wanted = settings.ring_base.clone().unwrap_or_else(|| SHARED_MEMORY.into());
    let mut made = None;
    for (base, placement) in [(wanted, Placement::Wanted), (beside, Placement::BesideTheLog)] {
        let directory = ring_directory(&base, uid, &settings.log_directory);
        if base.ends_with(".undergird") {
            let _ = std::fs::create_dir(&base);
        }
        let ring = make_private(&directory, uid).and_then(|()| RingFile::create(&directory, sizes, &owner, &lock));
        if let Ok(ring) = ring {
            made = Some((ring, placement));
            break;
        }
    }
    let (memory, ring, placement) = match made {
        Some((ring, placement)) => (ring.memory().clone(), Some(ring), placement),
        None => (RingMemory::on_heap(sizes, &owner)?, None, Placement::Heap),
    };
    show(&lock);
    // SAFETY: the ring was made just now, so this is its only producer.
    let producer = unsafe { Producer::new(memory.ring().clone()) };
    let path = ring.as_ref().map_or_else(PathBuf::new, |ring| ring.path().to_path_buf());
    Ok(Runtime {
        writer: Mutex::new(Writer::new(Source::new(memory.clone(), &path))),
        gil: UnsafeCell::new(GilSide::new(producer)),
        ring_descriptor: lock,
        outlets: Mutex::default(),
        stop: AtomicBool::new(false),
        sync: AtomicBool::new(settings.sync),
        recovered: AtomicU64::new(0),
        homeless: AtomicBool::new(false),
        drainer: OnceLock::new(),
        joinable: GilCell::new(None),
        memory,
        placement,
        ring,
        settings,
    })
}

/// The user whose process this is.
pub fn user() -> u32 {
    // SAFETY: no preconditions, and it cannot fail.
    unsafe { libc::getuid() }
}

/// Descriptors that a forked child must close at once; a fixed table, so that the fork handler needs no lock.
static DESCRIPTORS: [AtomicPtr<Descriptor>; 64] = [const { AtomicPtr::new(std::ptr::null_mut()) }; 64];

/// Adds a descriptor to those that a forked child closes.
pub fn show(descriptor: &Arc<Descriptor>) {
    let new = Arc::as_ptr(descriptor).cast_mut();
    // ORDERING: Acquire and Release pair with each other: who sees the pointer sees the descriptor.
    if DESCRIPTORS.iter().any(|slot| slot.load(Ordering::Acquire) == new) {
        return;
    }
    for slot in &DESCRIPTORS {
        if slot.compare_exchange(std::ptr::null_mut(), new, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            std::mem::forget(Arc::clone(descriptor));
            return;
        }
    }
}

/// Takes a descriptor out again.
pub fn hide(descriptor: &Arc<Descriptor>) {
    let old = Arc::as_ptr(descriptor).cast_mut();
    for slot in &DESCRIPTORS {
        // ORDERING: as in `show`.
        if slot.compare_exchange(old, std::ptr::null_mut(), Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            // SAFETY: the reference that `show` left there.
            drop(unsafe { Arc::from_raw(old) });
        }
    }
}

/// The child's side of a fork: nothing of the parent's is taken over, and nothing here waits or allocates.
extern "C" fn in_child() {
    for slot in &DESCRIPTORS {
        // SAFETY: null, or kept alive by the reference that `show` left; it is leaked here, with its owners.
        if let Some(descriptor) = unsafe { slot.swap(std::ptr::null_mut(), Ordering::Acquire).as_ref() } {
            descriptor.close_in_child();
        }
    }
    // Leaked: its locks may be held by threads that do not exist here.
    CURRENT.store(std::ptr::null_mut(), Ordering::Relaxed);
    FORKED.store(true, Ordering::Relaxed);
    generation().store(0, Ordering::Relaxed);
}

/// A fork that ran no fork handlers shows only in the wiped generation.
fn notice_fork(py: Python<'_>) {
    static NEXT: AtomicU64 = AtomicU64::new(1 << 32);
    if generation().load(Ordering::Relaxed) == 0 {
        in_child();
        // A range of its own for each child, so that no plan made before a fork can look valid after it.
        stats::PAST.get(py).clear();
        generation().store(NEXT.fetch_add(1 << 32, Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Registers the fork handler.
pub fn install_fork_handler() {
    // SAFETY: `in_child` is a function for the process's whole life that only does what a fork handler may.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}
