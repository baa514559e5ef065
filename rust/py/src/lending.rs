//! Files that handlers have open, for the writer to write through.

use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use undergird_core::descriptor::{Descriptor, Held};
use undergird_core::sink::Handed;

use crate::fork::RINGS;

/// What is lent of a sink, and under what a forked child closes its copy.
#[derive(Debug, Default)]
struct Lent {
    handed: Arc<Handed>,
    shown: Arc<Descriptor>,
}

/// What is lent, by the numbers of the sinks. The lock is held for a moment only, and no Python runs under it.
#[derive(Debug, Default)]
pub struct Lending(Mutex<HashMap<u32, Lent>>);

impl Lending {
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Lent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is lent of a sink.
    pub fn of(&self, sink: u32) -> Arc<Handed> {
        Arc::clone(&self.lock().entry(sink).or_default().handed)
    }

    /// Lends a copy of a descriptor, in place of the one before; the file's device and inode have to be these.
    ///
    /// # Errors
    /// If there is no descriptor left, or it is another file.
    pub fn lend(&self, sink: u32, descriptor: BorrowedFd<'_>, identity: (u64, u64)) -> io::Result<Arc<Handed>> {
        let shown = Arc::default();
        let held = Held::copy_of(descriptor, &shown)?;
        if held.identity() != identity {
            return Err(io::ErrorKind::NotFound.into());
        }
        RINGS.add(&shown);
        let mut all = self.lock();
        let lent = all.entry(sink).or_default();
        RINGS.remove(&std::mem::replace(&mut lent.shown, shown));
        lent.handed.lend(Some(held));
        Ok(Arc::clone(&lent.handed))
    }

    /// Takes back what is lent of a sink.
    pub fn take_back(&self, sink: u32) {
        if let Some(lent) = self.lock().get(&sink) {
            RINGS.remove(&lent.shown);
            lent.handed.lend(None);
        }
    }
}
