//! Many rows of one call in one entry of the ring: what they share stands there once, their fields column by column.
//!
//! ```text
//! payload  rows u32 · shared text (the sections before the fields) · shape u32 · count u16 · columns
//! column   [key text, if the shape is INLINE] · form u8 · content
//! content  SAME: a value · VALUES: a text that holds a value for each row · else: the rows' numbers, little endian
//! ```
//!
//! A row becomes a record like any other when it is read. Whoever writes rows to a file may stop between two of them,
//! so there are positions between them too: within the entry, at no multiple of eight, where no entry can begin.

use super::bytes::{Bytes, Malformed};
use super::group::encode_group;
use super::value::Value;
use super::{HEADER, INLINE};
use crate::scratch::Scratch;

/// No block has more rows: so that one waits for little room, and its rows' positions lie within it.
pub const MOST_ROWS: usize = 256;

/// How the values of a column stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Form {
    /// One value, which all rows have.
    Same = 0,
    /// Tagged values.
    Values = 1,
    /// A byte each, 0 for `False`.
    Bool = 2,
    /// Signed integers of 8 bits.
    I8 = 3,
    /// Unsigned ones.
    U8 = 4,
    /// Signed integers of 16 bits.
    I16 = 5,
    /// Unsigned ones.
    U16 = 6,
    /// Signed integers of 32 bits.
    I32 = 7,
    /// Unsigned ones.
    U32 = 8,
    /// Signed integers of 64 bits.
    I64 = 9,
    /// Unsigned ones.
    U64 = 10,
    /// Floats of 32 bits.
    F32 = 11,
    /// Floats of 64 bits.
    F64 = 12,
}

impl Form {
    const ALL: [Self; 13] = [
        Self::Same,
        Self::Values,
        Self::Bool,
        Self::I8,
        Self::U8,
        Self::I16,
        Self::U16,
        Self::I32,
        Self::U32,
        Self::I64,
        Self::U64,
        Self::F32,
        Self::F64,
    ];

    /// Bytes of a row's value, where all have as many; else 0.
    #[must_use]
    pub fn width(self) -> usize {
        match self {
            Self::Same | Self::Values => 0,
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }
}

/// Begins a block: the caller appends `count` columns, each behind its key's text if `shape` is [`INLINE`].
pub fn encode_block(rows: usize, shared: &[u8], shape: u32, count: u16, out: &mut Scratch) {
    debug_assert!((1..=MOST_ROWS).contains(&rows));
    out.bytes(&(rows as u32).to_le_bytes());
    out.text(shared);
    encode_group(shape, count, out);
}

/// How many rows a block has; 1 for bytes that are none, which are one record that cannot be read.
#[must_use]
pub fn rows_in(payload: &[u8]) -> u64 {
    let rows = Bytes(payload).u32().map_or(1, u64::from);
    let sane = (1..=MOST_ROWS as u64).contains(&rows) && offset_behind(rows - 1) < (HEADER + payload.len()) as u64;
    if sane { rows } else { 1 }
}

/// How far from its entry's beginning the position lies that has so many rows before it; not for all of them: behind
/// the last row is the next entry.
#[must_use]
pub fn offset_behind(rows: u64) -> u64 {
    rows + rows.saturating_sub(1) / 7
}

/// How many rows lie before a position within a block, by its distance from the entry's beginning.
#[must_use]
pub fn rows_before(offset: u64) -> u64 {
    offset - offset / 8
}

/// A block's rows, read one after the other.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    shared: &'a [u8],
    shape: u32,
    columns: Vec<Column<'a>>,
}

#[derive(Clone, Copy, Debug)]
struct Column<'a> {
    key: Option<&'a [u8]>,
    form: Form,
    /// The values of the rows that have not been read.
    rest: Bytes<'a>,
}

impl<'a> Block<'a> {
    /// Reads what is before the rows.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are too few for so many rows, or a column has no known form.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut bytes = Bytes(payload);
        let rows = bytes.u32()?;
        if u64::from(rows) != rows_in(payload) {
            return Err(Malformed);
        }
        let shared = bytes.text()?;
        let shape = bytes.u32()?;
        let count = bytes.u16()?;
        // No column is shorter than its form: what is prepared for them stays within what the bytes could hold.
        if bytes.0.len() < usize::from(count) {
            return Err(Malformed);
        }
        let columns = (0..count).map(|_| Column::open(&mut bytes, shape == INLINE, rows as usize));
        Ok(Self { shared, shape, columns: columns.collect::<Result<_, _>>()? })
    }

    /// Appends the next row to an empty scratch, as the payload of a record. Its header is the block's.
    ///
    /// # Errors
    /// [`Malformed`] if a value is none, or there are no more; then the rows behind it cannot be read either.
    pub fn next_row(&mut self, out: &mut Scratch) -> Result<(), Malformed> {
        out.bytes(self.shared);
        encode_group(self.shape, self.columns.len() as u16, out);
        self.columns.iter_mut().try_for_each(|column| column.next(out))
    }
}

impl<'a> Column<'a> {
    fn open(bytes: &mut Bytes<'a>, inline: bool, rows: usize) -> Result<Self, Malformed> {
        let key = if inline { Some(bytes.text()?) } else { None };
        let form = *Form::ALL.get(usize::from(bytes.u8()?)).ok_or(Malformed)?;
        let content = match form {
            Form::Same => {
                let from = bytes.0;
                bytes.value()?;
                &from[..from.len() - bytes.0.len()]
            }
            Form::Values => bytes.text()?,
            _ => bytes.take(rows * form.width())?,
        };
        Ok(Self { key, form, rest: Bytes(content) })
    }

    fn next(&mut self, out: &mut Scratch) -> Result<(), Malformed> {
        if let Some(key) = self.key {
            out.text(key);
        }
        let rest = &mut self.rest;
        let value = match self.form {
            Form::Same => {
                out.bytes(rest.0);
                return Ok(());
            }
            Form::Values => rest.value()?,
            Form::Bool => Value::Bool(rest.u8()? != 0),
            Form::I8 => Value::Int(i8::from_le_bytes(rest.array()?).into()),
            Form::U8 => Value::Int(rest.u8()?.into()),
            Form::I16 => Value::Int(i16::from_le_bytes(rest.array()?).into()),
            Form::U16 => Value::Int(rest.u16()?.into()),
            Form::I32 => Value::Int(i32::from_le_bytes(rest.array()?).into()),
            Form::U32 => Value::Int(rest.u32()?.into()),
            Form::I64 => Value::Int(i64::from_le_bytes(rest.array()?)),
            Form::U64 => match rest.u64()? {
                number if number > i64::MAX as u64 => {
                    Value::BigInt(format!("{number:#x}").as_bytes()).encode(out);
                    return Ok(());
                }
                number => Value::Int(number as i64),
            },
            Form::F32 => Value::Float(shortest(f32::from_le_bytes(rest.array()?))),
            Form::F64 => Value::Float(f64::from_le_bytes(rest.array()?)),
        };
        value.encode(out);
        Ok(())
    }
}

/// The number whose digits are the fewest that mean this `f32`: the nearest `f64` of 0.1 is 0.10000000149011612.
fn shortest(number: f32) -> f64 {
    let exact = f64::from(number);
    // Whole numbers of up to 24 bits have no shorter neighbours; neither have infinities and NaN any digits.
    if exact.trunc() == exact && exact.abs() < f64::from(1 << 24) || !exact.is_finite() {
        return exact;
    }
    format!("{number:e}").parse().unwrap_or(exact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn positions_between_rows_are_told_from_those_of_entries_and_lead_back_to_their_rows() {
        let mut last = 0;
        for rows in 1..2 * MOST_ROWS as u64 {
            let offset = offset_behind(rows);
            assert!(offset > last && !offset.is_multiple_of(8), "{rows} rows");
            assert_eq!(rows_before(offset), rows);
            last = offset;
        }
        assert_eq!((offset_behind(0), rows_before(0)), (0, 0));
    }

    #[test]
    fn the_smallest_block_of_most_rows_has_room_for_their_positions() {
        let mut out = Scratch::new();
        encode_block(MOST_ROWS, b"", 0, 1, &mut out);
        out.byte(Form::Bool as u8);
        out.bytes(&[0; MOST_ROWS]);
        assert_eq!(rows_in(out.as_slice()), MOST_ROWS as u64);
        assert!(Block::parse(out.as_slice()).is_ok());
    }

    #[test]
    fn a_column_that_is_shorter_than_its_rows_is_no_column() {
        let mut out = Scratch::new();
        encode_block(3, b"shared", 0, 1, &mut out);
        out.byte(Form::I64 as u8);
        out.bytes(&[0; 23]);
        assert_eq!(Block::parse(out.as_slice()).err(), Some(Malformed));
        out.byte(0);
        assert!(Block::parse(out.as_slice()).is_ok());
    }

    proptest! {
        #[test]
        fn a_float_of_32_bits_has_as_few_digits_as_it_needs(bits in any::<u32>()) {
            let number = f32::from_bits(bits);
            let found = shortest(number);
            if number.is_nan() {
                prop_assert!(found.is_nan());
            } else {
                prop_assert_eq!(found as f32, number);
                let (digits, most) = (format!("{found:e}").len(), format!("{number:e}").len());
                prop_assert!(digits <= most);
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), rows in 1u32..300) {
            let mut ours = rows.to_le_bytes().to_vec();
            ours.extend_from_slice(&bytes);
            for payload in [&bytes, &ours] {
                if let Ok(mut block) = Block::parse(payload) {
                    for _ in 0..rows_in(payload) {
                        let _ = block.next_row(&mut Scratch::new());
                    }
                }
            }
        }
    }
}
