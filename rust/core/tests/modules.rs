//! What each module does. One program: compiling and linking one for each would take most of the time.
#![cfg(not(loom))]

mod batch;
mod block;
mod census;
mod format;
mod pace;
mod recovery;
mod ring;
mod rotation;
mod sampling;
mod settle;
mod sink;
mod support;
mod writer;
