//! How a record becomes a line.
//!
//! `line` puts a line together on a `page`, in a `style`: `json`, `logfmt` or `text`, the last two on what is `plain`.
//! What the records of a batch share is remembered: the second in `stamp` (`moment` is what the standard library makes of
//! one), templates in `message`, level and logger in `heads`, keys in `keys` (these two by way of a `memory`). `escape`
//! writes strings, looking at a `block` at a time, `decimal` integers, `bigint` those of any size, `float` floats as
//! CPython does; `percent` is its `%` operator for plain values, `fragment` judges JSON that was made elsewhere.

mod bigint;
mod block;
mod decimal;
mod escape;
pub mod float;
mod fragment;
mod given;
mod heads;
mod json;
mod keys;
mod line;
mod logfmt;
mod memory;
mod message;
pub mod moment;
mod page;
pub mod percent;
mod plain;
pub mod stamp;
mod style;
mod text;

pub(crate) use escape::append_quoted;
pub use given::Given;
pub use json::Json;
pub use line::Formatter;
pub use logfmt::Logfmt;
pub use style::Style;
pub use text::Text;

/// Writes lines of JSON.
pub type JsonFormatter = Formatter<Json>;
/// Writes lines of logfmt.
pub type LogfmtFormatter = Formatter<Logfmt>;
/// Writes lines for people.
pub type TextFormatter = Formatter<Text>;

/// How a sink writes its records; the number stands in the dictionary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Json = 0,
    /// Pairs of keys and values, one record a line.
    Logfmt = 1,
    /// Lines for people.
    Text = 2,
    /// Lines that were made by the call: the message, and nothing else.
    Given = 3,
}

impl Format {
    /// The format of a number found in a dictionary.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Json, Self::Logfmt, Self::Text, Self::Given].into_iter().find(|format| *format as u8 == number)
    }
}
