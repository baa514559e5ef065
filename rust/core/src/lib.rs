//! The pure core of undergird: what happens to a log record between the call and the file.
//!
//! No Python, no hidden clock, no hidden thread, no globals. The modules stand in the order of a record's way:
//! it is put together in a [`scratch`], as a [`record`] whose repeated texts stand in a [`dictionary`], pushed
//! into a [`ring`] in shared memory (a [`region`], a [`ringfile`]), formatted ([`format`]) by a [`writer`] and
//! appended to a file by a [`sink`] under the rules of its [`lockfile`]. What a dead process left in its ring is
//! written by [`recovery`].

pub mod record;
pub mod scratch;
pub mod sync;

pub mod dictionary;
pub mod format;
