//! A ring and its drainer.
//!
//! Python's side (the producer and what it has entered into the dictionary) is touched only with the GIL held,
//! the writer only under its lock, and neither ever waits for the other while it holds its own.

use std::cell::UnsafeCell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::{JoinHandle, Thread, sleep};
use std::time::{Duration, Instant};

use pyo3::Python;
use undergird_core::batch::Source;
use undergird_core::ring::Producer;
use undergird_core::ringfile::{RingFile, RingMemory};
use undergird_core::writer::{Round, Writer};

use crate::compression::Compressor;
use crate::dropin::counts;
use crate::durability::{Fsync, Unsynced};
use crate::fork::RINGS;
use crate::generation::invalidate;
use crate::home::{Home, Settings};
use crate::host::Process;
use crate::lending::Lending;
use crate::outlets::Outlets;
use crate::producer::GilSide;
use crate::retirement::Retirement;
use crate::waiting::{GLANCE, PATIENCE, passed};
use crate::{fork, siblings, thread};

/// A ring and its drainer.
pub struct Runtime {
    pub settings: Settings,
    pub memory: RingMemory,
    /// Set when the thread has to end.
    stop: AtomicBool,
    /// Records of dead siblings that this process has written.
    pub recovered: Arc<AtomicU64>,
    home: Home,
    /// Set when somebody has deleted the ring's file: another has to be made.
    pub homeless: AtomicBool,
    /// Whether records were refused of which the logs have not been told. Set and cleared with the GIL held.
    pub untold: AtomicBool,
    /// Set when this runtime has been replaced.
    retired: AtomicBool,
    writer: Mutex<Writer>,
    /// The writer's files, for who does not want to wait for the writer.
    pub outlets: Outlets,
    /// What handlers of the standard library lend it.
    pub lending: Arc<Lending>,
    compressor: Compressor,
    unsynced: Unsynced,
    gil: UnsafeCell<GilSide>,
    drainer: OnceLock<Thread>,
    joinable: Mutex<Option<JoinHandle<()>>>,
}

// SAFETY: `gil` is reached through `Runtime::gil` only, whose callers hold the GIL; all else is Sync.
unsafe impl Sync for Runtime {}
// SAFETY: as above; nothing in it belongs to a thread.
unsafe impl Send for Runtime {}

impl Runtime {
    /// A new ring; nobody drains it yet.
    ///
    /// # Errors
    /// If not even a ring in the heap can be had.
    pub fn new(settings: Settings) -> std::io::Result<Self> {
        let home = Home::make(&settings, fork::is_child())?;
        RINGS.add(&home.lock);
        let memory = home.memory.clone();
        // SAFETY: the ring was made just now, so this is its only producer.
        let producer = unsafe { Producer::new(memory.ring().clone()) };
        let path = home.file.as_ref().map_or(Path::new(""), RingFile::path);
        let writer = Writer::new(Source::new(memory.clone(), path));
        let mut writer = if settings.fsync == Fsync::Never { writer } else { writer.durable() };
        writer.inherit(fork::inheritance());
        Ok(Self {
            writer: Mutex::new(writer),
            gil: UnsafeCell::new(GilSide::new(producer, settings.sync)),
            outlets: Outlets::default(),
            lending: Arc::default(),
            compressor: Compressor::default(),
            unsynced: Unsynced::default(),
            stop: AtomicBool::new(false),
            recovered: Arc::default(),
            homeless: AtomicBool::new(false),
            untold: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            drainer: OnceLock::new(),
            joinable: Mutex::default(),
            memory,
            home,
            settings,
        })
    }

    /// Starts the thread that drains the ring. Where there can be none, calls see to their own lines.
    pub fn start(self: &Arc<Self>, _py: Python<'_>) {
        let runtime = Arc::clone(self);
        match thread::spawn("undergird", move || thread::drain(&runtime)) {
            Ok(drainer) => {
                let _ = self.drainer.set(drainer.thread().clone());
                *self.joinable.lock().unwrap_or_else(PoisonError::into_inner) = Some(drainer);
            }
            // SAFETY: the GIL is held.
            Err(_) => unsafe { self.gil() }.make_sync(),
        }
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
        if Retirement::is_underway() && !self.retired.load(Ordering::Relaxed) {
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
        // ORDERING: Acquire pairs with the Release in `stop`.
        self.stop.load(Ordering::Acquire)
    }

    /// Where the ring is.
    pub fn placement(&self) -> &'static str {
        self.home.placement.word()
    }

    /// One batch for each file; `None` if somebody else drains now. Needs no GIL.
    pub fn round(&self, insist: bool) -> Option<Round> {
        self.look_home();
        self.work(|writer, host| writer.round(host, insist))
    }

    fn work(&self, round: impl FnOnce(&mut Writer, &mut Process) -> Round) -> Option<Round> {
        let mut writer = self.try_writer()?;
        counts::publish(&self.memory);
        let round = round(&mut writer, &mut Process::new(PATIENCE).with(&self.lending));
        self.unsynced.sync_if_due(self.settings.fsync, &mut writer, &round);
        self.outlets.publish(&writer);
        writer.take_rotated().for_each(|(log, rotation)| self.compressor.add(log, rotation));
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
            match self.work(|writer, host| writer.round_in_haste(host)) {
                // Somebody else drains, and may be about to write our record too.
                None => sleep(Duration::from_micros(20)),
                Some(round) if round.written == 0 && !round.more => break,
                Some(_) => {}
            }
        }
    }

    /// Has been replaced: what it holds comes before what its successor writes.
    pub fn retire(&self) -> Retirement {
        self.retired.store(true, Ordering::Relaxed);
        Retirement::begin()
    }

    /// Ends the thread and drains the ring. Needs no GIL.
    pub fn stop(&self, deadline: Option<Instant>) {
        // ORDERING: Release pairs with the Acquire in `is_finished`.
        self.stop.store(true, Ordering::Release);
        self.wake();
        let drainer = self.joinable.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(drainer) = drainer {
            // It may hang in a write to a file system that does not answer; then it is left behind.
            while !drainer.is_finished() && !passed(deadline) {
                sleep(GLANCE);
            }
        }
        self.drain_to(self.memory.ring().head(), deadline);
    }

    /// Removes the ring's file, if everything is written by the deadline and nothing is left to tell. Needs no GIL.
    pub fn finish(&self, deadline: Option<Instant>) -> bool {
        let done = self.drain_to(self.memory.ring().head(), deadline);
        if let Some(mut writer) = self.try_writer() {
            self.unsynced.sync_rest(&mut writer);
            self.outlets.publish(&writer);
        }
        if let Some(ring) = &self.home.file {
            siblings::recover_all_orphans(ring.path(), &self.recovered, deadline);
            // Not after a record that came meanwhile: its call is about to write it.
            if let Some(mut writer) = self.try_writer()
                && done
                && writer.is_done()
                && self.memory.untold().next().is_none()
            {
                ring.remove();
                writer.forget(&mut Process::new(PATIENCE));
            }
        }
        RINGS.remove(&self.home.lock);
        self.compressor.wait(deadline);
        done
    }
}
