//! How a record becomes a line.
//!
//! `json` puts a line together on a `page`, with what the records of a batch share remembered in `keys`,
//! `message` and `stamp`; `escape` writes strings, `decimal` integers, `float` floats as CPython does, `percent` is
//! its `%` operator for plain values, `fragment` judges JSON that was made elsewhere.

mod decimal;
mod escape;
pub mod float;
mod fragment;
mod json;
mod keys;
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
