//! The only place of raw C-API calls: what happens at every log call.

mod arguments;
mod call;
#[allow(dead_code, reason = "its first user is on its way")]
mod extras;
mod fields;
pub mod limits;
pub mod logger;
pub mod methods;
mod plan;
mod planning;
pub mod redaction;
mod shapes;
pub mod upcall;
pub mod values;
mod watch;
