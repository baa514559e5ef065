//! What each module does. One program: compiling and linking one for each would take most of the time. Only tests that
//! start processes are elsewhere (`processes.rs`, `format/`): a child has copies of the locks of all others.
#![cfg(not(loom))]

mod batch;
mod block;
mod census;
mod drainer;
mod handed;
mod pace;
mod recovery;
mod ring;
mod rotation;
mod sampling;
mod settle;
mod sink;
mod support;
mod trial;
mod writer;
