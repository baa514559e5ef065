//! Fields that came together.

use super::INLINE;
use super::bytes::{Bytes, Malformed};
use super::value::Value;
use crate::scratch::Scratch;

/// Begins a group: the caller appends `count` values, each behind its key's text if `shape` is [`INLINE`].
#[inline]
pub fn encode_group(shape: u32, count: u16, out: &mut Scratch) {
    out.bytes(&shape.to_le_bytes());
    out.bytes(&count.to_le_bytes());
}

/// Fields that came together: their keys in the dictionary (a shape) or beside the values.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// Dictionary id of the keys, or [`INLINE`] if each value stands behind its key.
    pub shape: u32,
    /// How many fields there are.
    pub count: u16,
    pub(super) rest: Bytes<'a>,
}

impl<'a> Group<'a> {
    pub(super) const EMPTY: Self = Self { shape: INLINE, count: 0, rest: Bytes(&[]) };

    #[inline(always)]
    pub(super) fn open(bytes: &mut Bytes<'a>) -> Result<Self, Malformed> {
        let shape = bytes.u32()?;
        let count = bytes.u16()?;
        // No value is shorter than its tag: what is prepared for a group stays within what its bytes could hold.
        if bytes.0.len() < usize::from(count) {
            return Err(Malformed);
        }
        Ok(Self { shape, count, rest: *bytes })
    }

    /// Passes over a whole group, whose keys stand in it.
    pub(crate) fn skip(bytes: &mut Bytes<'a>) -> Result<(), Malformed> {
        let mut group = Self::open(bytes)?;
        if !group.is_inline() {
            return Err(Malformed);
        }
        for _ in 0..group.count {
            group.field()?;
        }
        *bytes = group.rest;
        Ok(())
    }

    /// The next field: its key, if that stands in the record, and its value. Who reads them counts them.
    #[inline(always)]
    pub(crate) fn field(&mut self) -> Result<(Option<&'a [u8]>, Value<'a>), Malformed> {
        self.rest.field(self.is_inline())
    }

    /// Whether each value stands behind its key.
    #[inline(always)]
    pub(crate) fn is_inline(&self) -> bool {
        self.shape == INLINE
    }
}

impl<'a> Bytes<'a> {
    /// The next field of a group.
    #[inline(always)]
    pub(crate) fn field(&mut self, inline: bool) -> Result<(Option<&'a [u8]>, Value<'a>), Malformed> {
        let key = if inline { Some(self.text()?) } else { None };
        Ok((key, self.value()?))
    }
}
