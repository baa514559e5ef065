//! How a record becomes a line.
//!
//! `json` puts a line together on a `page`. What the records of a batch share is remembered: the second in `stamp`,
//! templates in `message`, level and logger in `heads`, keys in `keys` (these two by way of a `memory`). `escape` writes
//! strings, looking at a `block` at a time, `decimal` integers, `bigint` those of any size, `float` floats as CPython
//! does; `percent` is its `%` operator for plain values, `fragment` judges JSON that was made elsewhere.

mod bigint;
mod block;
mod decimal;
mod escape;
pub mod float;
mod fragment;
mod heads;
mod json;
mod keys;
mod memory;
mod message;
mod page;
pub mod percent;
pub mod stamp;

pub use json::JsonFormatter;

/// How a sink writes its records; the number stands in the dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Format {
    /// One JSON object a line: [`JsonFormatter`].
    Json = 0,
}

impl Format {
    /// The format of a number found in a dictionary.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        (number == Self::Json as u8).then_some(Self::Json)
    }
}
