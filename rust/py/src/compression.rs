//! Logs that were put aside are compressed on a thread of its own, which no call waits for.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Instant;

use undergird_core::rotation::compress::{clear_up, compress};
use undergird_core::rotation::{Compression, Rotation};
use undergird_core::writer::Host;

use crate::host::Process;
use crate::thread::spawn;
use crate::waiting::{GLANCE, PATIENCE, passed};

/// What is to be compressed, and whether a thread is at it.
#[derive(Default)]
struct Work {
    logs: Vec<(PathBuf, Rotation)>,
    underway: bool,
}

/// The compressor of one runtime.
#[derive(Clone, Default)]
pub struct Compressor(Arc<Mutex<Work>>);

impl Compressor {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compresses what has been put aside of a log, soon.
    pub fn add(&self, log: PathBuf, rotation: &Rotation) {
        if rotation.compression == Compression::None {
            return;
        }
        let mut work = self.lock();
        if !work.logs.iter().any(|(known, _)| *known == log) {
            work.logs.push((log, rotation.clone()));
        }
        if !work.underway {
            let this = self.clone();
            work.underway = spawn("undergird-pack", move || while this.one() {}).is_ok();
        }
    }

    /// Compresses for one log; whether there was one.
    fn one(&self) -> bool {
        let next = {
            let mut work = self.lock();
            let next = work.logs.pop();
            work.underway = next.is_some();
            next
        };
        let Some((log, rotation)) = next else { return false };
        let mut host = Process::new(PATIENCE);
        let mut first = true;
        // What cannot be compressed now will be found after the next rotation, or by the next start.
        let _ = clear_up(&log);
        let _ = compress(&log, &rotation, &mut || host.wait(std::mem::take(&mut first)));
        true
    }

    /// Waits for what has been begun, until the deadline.
    pub fn wait(&self, deadline: Option<Instant>) {
        while self.lock().underway && !passed(deadline) {
            sleep(GLANCE);
        }
    }
}
