//! The only place of raw C-API calls: what happens at every log call.

mod arguments;
pub mod bound;
mod call;
pub mod clock;
mod columns;
pub mod context;
mod exception;
pub mod extras;
pub mod fields;
mod frames;
mod invocation;
pub mod levels;
pub mod limits;
pub mod logger;
pub mod many;
pub mod methods;
mod metric;
mod names;
mod plan;
mod planning;
pub mod redaction;
mod shapes;
pub mod site;
mod surroundings;
pub mod upcall;
pub mod values;
mod watch;
