//! The pure core of undergird: what happens to a log record between the call and the file.
//!
//! No Python, no hidden clock, no hidden thread, no globals. A record is put together in a [`scratch`], as a
//! [`record`] whose repeated texts stand in a [`dictionary`], pushed into a [`ring`] in shared memory (a
//! [`region`], a [`ringfile`]), formatted ([`batch`], [`mod@format`]) by a [`writer`] and appended to a file by a
//! [`sink`] under the rules of its [`lockfile`]. What a dead process left in its ring is written by [`recovery`].

// What touches the operating system is not part of loom's models.
#[cfg(not(loom))]
pub mod batch;
#[cfg(not(loom))]
pub mod descriptor;
pub mod dictionary;
#[cfg(not(loom))]
pub mod directory;
pub mod format;
#[cfg(not(loom))]
pub mod interner;
pub mod ledger;
pub mod lockfile;
pub mod pace;
pub mod record;
#[cfg(not(loom))]
pub mod recovery;
pub mod region;
pub mod ring;
#[cfg(not(loom))]
pub mod ringfile;
pub mod rotation;
pub mod scratch;
#[cfg(not(loom))]
pub mod sink;
pub mod sync;
#[cfg(not(loom))]
pub mod writer;
