//! When the disk is asked to have what was written: only a loss of power needs it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use undergird_core::writer::{Round, Writer};

/// The choice made at `configure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// The system writes when it likes.
    Never,
    /// After each batch.
    Always,
    /// After a batch with a record of level ERROR or above.
    Error,
    /// So often, if something was written meanwhile.
    Every(Duration),
}

impl Fsync {
    /// From `configure`'s word and the seconds behind it.
    ///
    /// # Errors
    /// `ValueError` for any other word, and for what is no time.
    pub fn from_word(word: &str, seconds: f64) -> PyResult<Self> {
        Ok(match word {
            "never" => Fsync::Never,
            "always" => Fsync::Always,
            "error" => Fsync::Error,
            "every" => {
                let every = Duration::try_from_secs_f64(seconds);
                Fsync::Every(every.map_err(|error| PyValueError::new_err(error.to_string()))?)
            }
            _ => {
                return Err(PyValueError::new_err(format!(
                    "fsync {word:?} is none of 'never', 'always', 'error', 'every'"
                )));
            }
        })
    }
}

/// Since when there is something that the disk has not been asked for.
#[derive(Debug, Default)]
pub struct Unsynced(Mutex<Option<Instant>>);

impl Unsynced {
    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the disk, if it is to be asked after this round.
    pub fn sync_if_due(&self, fsync: Fsync, writer: &mut Writer, round: &Round) {
        let due = match fsync {
            Fsync::Never => false,
            Fsync::Always => round.written > 0,
            Fsync::Error => round.severe,
            Fsync::Every(pause) => {
                let mut since = self.since();
                if round.written > 0 {
                    since.get_or_insert_with(Instant::now);
                }
                let due = since.is_some_and(|since| since.elapsed() >= pause);
                since.take_if(|_| due).is_some()
            }
        };
        if due {
            writer.sync();
        }
    }

    /// Asks the disk for what would have been asked for later.
    pub fn sync_rest(&self, writer: &mut Writer) {
        if self.since().take().is_some() {
            writer.sync();
        }
    }
}
