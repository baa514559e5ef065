//! Records as lines, percent templates and floats: what a reader sees, and what CPython says to it.
#![cfg(not(loom))]

mod draft;
mod hostile;
mod lines;
mod oracle;
mod percent;
mod plain;
mod texts;
