//! The only place of raw C-API calls: what happens at every log call.

mod arguments;
pub mod logger;
mod plan;
mod shapes;
pub mod values;
