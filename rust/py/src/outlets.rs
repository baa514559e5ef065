//! What others see of the writer's files without waiting for the writer.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use undergird_core::ringfile::Account;
use undergird_core::writer::Writer;

struct Seen {
    sink: u32,
    path: PathBuf,
    account: Account,
    error: Option<String>,
}

/// The files that the writer has met. The lock is held for a moment only, and no Python runs under it.
#[derive(Default)]
pub struct Outlets(Mutex<Vec<Seen>>);

impl Outlets {
    fn lock(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what the writer sees.
    pub fn publish(&self, writer: &Writer) {
        let mut outlets = self.lock();
        for (at, outlet) in writer.outlets().iter().enumerate() {
            let error = outlet.error().map(str::to_string);
            match outlets.get_mut(at) {
                Some(seen) => seen.error = error,
                None => {
                    let (path, account) = (outlet.path().into(), outlet.account().clone());
                    outlets.push(Seen { sink: outlet.id(), path, account, error });
                }
            }
        }
    }

    /// The account of a sink, if the writer has met it.
    pub fn account(&self, sink: u32) -> Option<Account> {
        self.lock().iter().find(|seen| seen.sink == sink).map(|seen| seen.account.clone())
    }

    /// What keeps a file from getting on, in whichever way it is written.
    pub fn trouble(&self, path: &Path) -> Option<String> {
        self.lock().iter().filter(|seen| seen.path == path).find_map(|seen| seen.error.clone())
    }
}
