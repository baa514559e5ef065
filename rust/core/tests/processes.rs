//! What becomes of records when processes fork, meet, die and fail. A program apart, whose tests run one after the
//! other: a child has copies of the locks of all that its parent does at that moment.
#![cfg(not(loom))]

mod announcement;
mod faults;
mod full_disk;
mod haste;
mod kill;
mod kill_files;
mod neighbours;
mod support;
