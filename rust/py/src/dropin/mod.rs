//! The standard library's loggers, made native: methods for its classes, which know without asking Python what is
//! switched off and whose record goes into the ring, and leave everything else to the functions that they stand for. Raw
//! C-API calls, as in `fast`.

pub mod attribute;
mod calls;
pub mod counts;
mod decision;
mod enabled;
mod finding;
mod interpreter;
mod lane;
pub mod lanes;
mod lines;
mod memory;
pub mod methods;
mod originals;
mod question;
mod setters;
mod streams;
mod watchers;
pub mod write;

pub use watchers::changed;
