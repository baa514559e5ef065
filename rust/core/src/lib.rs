//! The pure core of undergird: what happens to a log record between the call and the file.
//!
//! No Python, no hidden clock, no hidden thread, no globals. A record is put together in a [`scratch`], as a
//! [`record`] whose repeated texts stand in a [`dictionary`], pushed into a [`ring`] in shared memory (a
//! [`region`], a [`ringfile`]), formatted ([`batch`], [`mod@format`]) by a [`writer`] and appended to a file by a
//! [`sink`] under the rules of its [`lockfile`]; [`rotation`] puts the file aside when it is time. What a dead process
//! left in its ring is written by [`recovery`]. What a ring had no room for is said by an [`announcement`].

// What touches the operating system is not part of loom's models.
#[cfg(not(loom))]
pub mod announcement;
#[cfg(not(loom))]
pub mod batch;
#[cfg(not(loom))]
pub mod census;
#[cfg(not(loom))]
pub mod descriptor;
#[cfg(not(loom))]
pub mod dictionary;
pub mod dictionary_memory;
#[cfg(not(loom))]
pub mod directory;
#[cfg(not(loom))]
pub mod drainer;
#[cfg(not(loom))]
pub mod format;
#[cfg(not(loom))]
pub mod interner;
pub mod ledger;
#[cfg(not(loom))]
pub mod lockfile;
pub mod pace;
#[cfg_attr(loom, allow(dead_code, reason = "the models use its header"))]
pub mod record;
#[cfg(not(loom))]
pub mod recovery;
pub mod region;
pub mod ring;
#[cfg(not(loom))]
pub mod ringfile;
#[cfg(not(loom))]
pub mod rotation;
pub mod sampling;
pub mod scratch;
#[cfg(not(loom))]
pub mod sink;
pub mod sync;
#[cfg(not(loom))]
pub mod writer;
