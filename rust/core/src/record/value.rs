//! The values of fields and arguments.

use super::bytes::{Bytes, Malformed};
use crate::scratch::Scratch;

mod tag {
    pub const NONE: u8 = 0;
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;
    pub const INT: u8 = 3;
    pub const FLOAT: u8 = 4;
    pub const STR: u8 = 5;
    pub const BIG_INT: u8 = 6;
    pub const TEXT: u8 = 7;
    pub const JSON: u8 = 8;
}

/// One value of a field or an argument, borrowed from the record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Python's `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of at most 64 bits.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string.
    Str(&'a [u8]),
    /// A longer integer, as Python's `hex` writes it: `0x` and digits, behind a `-` if it is negative.
    BigInt(&'a [u8]),
    /// The text of any other object.
    Text(&'a [u8]),
    /// A finished JSON fragment.
    Json(&'a [u8]),
}

impl Value<'_> {
    /// Appends this value to a payload.
    // Always: where the variant is known, nothing is left of the match.
    #[inline(always)]
    pub fn encode(self, out: &mut Scratch) {
        let (tag, text) = match self {
            Value::None => return out.byte(tag::NONE),
            Value::Bool(false) => return out.byte(tag::FALSE),
            Value::Bool(true) => return out.byte(tag::TRUE),
            Value::Int(value) => return out.tagged_word(tag::INT, value.to_le_bytes()),
            Value::Float(value) => return out.tagged_word(tag::FLOAT, value.to_le_bytes()),
            Value::Str(text) => (tag::STR, text),
            Value::BigInt(text) => (tag::BIG_INT, text),
            Value::Text(text) => (tag::TEXT, text),
            Value::Json(text) => (tag::JSON, text),
        };
        out.tagged_text(tag, text);
    }
}

impl<'a> Bytes<'a> {
    #[inline(always)]
    pub(super) fn value(&mut self) -> Result<Value<'a>, Malformed> {
        Ok(match self.u8()? {
            tag::NONE => Value::None,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::INT => Value::Int(i64::from_le_bytes(self.array()?)),
            tag::FLOAT => Value::Float(f64::from_le_bytes(self.array()?)),
            tag::STR => Value::Str(self.text()?),
            tag::BIG_INT => Value::BigInt(self.text()?),
            tag::TEXT => Value::Text(self.text()?),
            tag::JSON => Value::Json(self.text()?),
            _ => return Err(Malformed),
        })
    }
}

/// How many bytes the value at the start takes; `None` if there is none.
pub fn value_length(bytes: &[u8]) -> Option<usize> {
    let mut rest = Bytes(bytes);
    rest.value().ok()?;
    Some(bytes.len() - rest.0.len())
}

/// A run of values, checked when it was found.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    bytes: Bytes<'a>,
    left: u16,
}

impl<'a> Values<'a> {
    pub(super) fn parse(bytes: &mut Bytes<'a>, count: u16) -> Result<Self, Malformed> {
        let start = *bytes;
        for _ in 0..count {
            bytes.value()?;
        }
        Ok(Self { bytes: start, left: count })
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        self.bytes.value().ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}
