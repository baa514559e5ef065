//! What happens to a record when the ring is full.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The choice made at `configure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overload {
    /// The caller waits, for a bounded time.
    Block,
    /// The record is refused and counted.
    DropNewest,
    /// Records below a level are refused and counted; the others wait.
    DropBelow(i64),
}

impl Overload {
    /// Whether a record of this level waits for room.
    pub fn waits(self, level: i64) -> bool {
        match self {
            Overload::Block => true,
            Overload::DropNewest => false,
            Overload::DropBelow(limit) => level >= limit,
        }
    }

    /// From `configure`'s word and the level's number behind it.
    ///
    /// # Errors
    /// `ValueError` for any other word.
    pub fn from_word(word: &str, level: i64) -> PyResult<Self> {
        Ok(match word {
            "block" => Overload::Block,
            "drop_newest" => Overload::DropNewest,
            "drop_below" => Overload::DropBelow(level),
            _ => {
                return Err(PyValueError::new_err(format!(
                    "overload {word:?} is none of 'block', 'drop_newest', 'drop_below:LEVEL'"
                )));
            }
        })
    }
}
