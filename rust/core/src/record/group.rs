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
    /// Dictionary id of the keys; `None` if each value stands behind its key.
    pub shape: Option<u32>,
    /// How many fields there are.
    pub count: u16,
    bytes: Bytes<'a>,
}

impl<'a> Group<'a> {
    pub(super) const EMPTY: Self = Self { shape: None, count: 0, bytes: Bytes(&[]) };

    #[inline(always)]
    pub(super) fn open(bytes: &mut Bytes<'a>) -> Result<Self, Malformed> {
        let shape = bytes.u32()?;
        let count = bytes.u16()?;
        // No value is shorter than its tag: what is prepared for a group stays within what its bytes could hold.
        if bytes.0.len() < usize::from(count) {
            return Err(Malformed);
        }
        Ok(Self { shape: (shape != INLINE).then_some(shape), count, bytes: *bytes })
    }
}

impl<'a> IntoIterator for Group<'a> {
    type Item = (Option<&'a [u8]>, Value<'a>);
    type IntoIter = Fields<'a>;

    #[inline(always)]
    fn into_iter(self) -> Fields<'a> {
        Fields { bytes: self.bytes, inline: self.shape.is_none(), left: self.count }
    }
}

/// The fields of a [`Group`]: the key, if it stands in the record, and the value. Ends early where the bytes are
/// no field.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    bytes: Bytes<'a>,
    inline: bool,
    left: u16,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Option<&'a [u8]>, Value<'a>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let left = self.left.checked_sub(1)?;
        let key = if self.inline { Some(self.bytes.text().ok()?) } else { None };
        let value = self.bytes.value().ok()?;
        self.left = left;
        Some((key, value))
    }
}

impl<'a> Fields<'a> {
    /// What follows the last field.
    #[inline(always)]
    pub(super) fn end(&self) -> Result<Bytes<'a>, Malformed> {
        if self.left == 0 { Ok(self.bytes) } else { Err(Malformed) }
    }
}
