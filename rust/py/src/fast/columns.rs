//! The columns of `log.many`, read before a byte of the ring is touched.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use undergird_core::record::Value;
use undergird_core::record::block::Form;
use undergird_core::scratch::Scratch;

use super::limits::{Noticed, clip};
use super::values::encode;

/// A field of all rows.
pub enum Column {
    /// One value, which all of them have.
    Same(Values),
    /// A value of their own each.
    Values(Values),
    /// Numbers, where their owner has them.
    Numbers(Form, Buffer),
}

/// Values as the ring has them, one behind the other.
pub struct Values {
    bytes: Scratch,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// Rows whose value was too long.
    cut: Vec<usize>,
}

impl Column {
    /// Reads a column. `code` is what `undergird.log.bulk` says of it: `=` for one value for all rows, `[` for a tuple
    /// of values; else the type of the elements of a buffer, as numpy spells it.
    ///
    /// # Errors
    /// Only what is not for a logger to swallow, and what is wrong with the code.
    pub fn read(code: &str, object: &Bound<'_, PyAny>, name: &Bound<'_, PyString>, rows: usize) -> PyResult<Self> {
        if code == "=" {
            let mut value = Values::new(1);
            value.push(object, name)?;
            return Ok(Self::Same(value));
        }
        if code == "[" {
            let elements = object.cast::<PyTuple>()?;
            let mut values = Values::new(rows);
            elements.iter().try_for_each(|element| values.push(&element, name))?;
            return counted(values.ends.len(), rows).map(|()| Self::Values(values));
        }
        let buffer = Buffer::of(object)?;
        counted(buffer.count(), rows)?;
        let form = match code {
            "U" | "S" => {
                let (mut values, mut narrowed) = (Values::new(rows), Vec::new());
                for row in 0..rows {
                    let element = buffer.element(row);
                    values.push_text(if code == "U" { narrow(element, &mut narrowed) } else { trimmed(element) });
                }
                return Ok(Self::Values(values));
            }
            "?" => Form::Bool,
            "i1" => Form::I8,
            "u1" => Form::U8,
            "i2" => Form::I16,
            "u2" => Form::U16,
            "i4" => Form::I32,
            "u4" => Form::U32,
            "i8" => Form::I64,
            "u8" => Form::U64,
            "f4" => Form::F32,
            "f8" => Form::F64,
            _ => return Err(PyTypeError::new_err(format!("a column cannot be {code:?}"))),
        };
        if buffer.width() != form.width() {
            return Err(PyTypeError::new_err(format!("a column of {} bytes a row is not {code:?}", buffer.width())));
        }
        Ok(Self::Numbers(form, buffer))
    }

    /// Bytes of a row's value.
    #[inline]
    pub fn size(&self, row: usize) -> usize {
        match self {
            Self::Same(_) => 0,
            Self::Values(values) => values.ends[row] - values.begin(row),
            Self::Numbers(form, _) => form.width(),
        }
    }

    /// Whether all rows' values have as many bytes.
    pub fn has_width(&self) -> bool {
        !matches!(self, Self::Values(_))
    }

    /// Bytes that it takes in a block, whatever rows that has.
    pub fn fixed(&self) -> usize {
        match self {
            Self::Same(value) => 1 + value.bytes.len(),
            _ => 1 + size_of::<u32>(),
        }
    }

    /// Whether a row's value had to be cut: of one that all rows have, each.
    pub fn is_cut(&self, row: usize) -> bool {
        match self {
            Self::Same(value) => !value.cut.is_empty(),
            Self::Values(values) => values.cut.contains(&row),
            Self::Numbers(..) => false,
        }
    }

    /// Appends the rows from `from` to before `to`.
    pub fn encode(&self, from: usize, to: usize, out: &mut Scratch) {
        match self {
            Self::Same(value) => {
                out.byte(Form::Same as u8);
                out.bytes(value.bytes.as_slice());
            }
            Self::Values(values) => {
                out.byte(Form::Values as u8);
                out.text(&values.bytes.as_slice()[values.begin(from)..values.ends[to - 1]]);
            }
            Self::Numbers(form, buffer) => {
                out.byte(*form as u8);
                buffer.copy(from, to, out);
            }
        }
    }
}

fn counted(found: usize, rows: usize) -> PyResult<()> {
    if found == rows { Ok(()) } else { Err(PyValueError::new_err(format!("a column has {found} rows, not {rows}"))) }
}

impl Values {
    fn new(rows: usize) -> Self {
        Self { bytes: Scratch::new(), ends: Vec::with_capacity(rows), cut: Vec::new() }
    }

    fn begin(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    fn end(&mut self, noticed: &Noticed) {
        if noticed.truncated {
            self.cut.push(self.ends.len());
        }
        self.ends.push(self.bytes.len());
    }

    fn push(&mut self, value: &Bound<'_, PyAny>, name: &Bound<'_, PyString>) -> PyResult<()> {
        let mut noticed = Noticed::default();
        // SAFETY: live objects, and the GIL is held.
        unsafe { encode(value.as_ptr(), || name.as_ptr(), &mut self.bytes, &mut noticed)? };
        self.end(&noticed);
        Ok(())
    }

    fn push_text(&mut self, text: &[u8]) {
        let mut noticed = Noticed::default();
        Value::Str(clip(text, &mut noticed)).encode(&mut self.bytes);
        self.end(&noticed);
    }
}

/// A text of an array, which fills it up with zeros.
fn trimmed(text: &[u8]) -> &[u8] {
    &text[..text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)]
}

/// A text of code points of four bytes, filled up with zeros, in UTF-8; lone surrogates in their three-byte form.
fn narrow<'a>(element: &[u8], out: &'a mut Vec<u8>) -> &'a [u8] {
    let points = element.as_chunks::<4>().0;
    let count = points.iter().rposition(|point| *point != [0; 4]).map_or(0, |last| last + 1);
    let points = points[..count].iter().map(|point| u32::from_le_bytes(*point));
    out.clear();
    if points.clone().fold(0, |all, point| all | point) < 0x80 {
        out.extend(points.map(|point| point as u8));
        return out;
    }
    for point in points {
        match char::from_u32(point) {
            Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            None => out.extend([0xE0 | (point >> 12) as u8, 0x80 | (point >> 6 & 63) as u8, 0x80 | (point & 63) as u8]),
        }
    }
    out
}

/// Memory of one dimension that an object lends until this is dropped.
// Boxed: who lends it may have pointed into the structure.
pub struct Buffer(Box<ffi::Py_buffer>);

impl Buffer {
    fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut view = Box::new(ffi::Py_buffer::new());
        // SAFETY: a live object, and the GIL is held.
        if unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut *view, ffi::PyBUF_STRIDED_RO) } != 0 {
            return Err(PyErr::fetch(object.py()));
        }
        let buffer = Self(view);
        if buffer.0.ndim != 1 || buffer.0.shape.is_null() || buffer.0.strides.is_null() {
            return Err(PyTypeError::new_err("a column has one dimension"));
        }
        Ok(buffer)
    }

    fn count(&self) -> usize {
        // SAFETY: there is one dimension.
        unsafe { *self.0.shape as usize }
    }

    fn width(&self) -> usize {
        self.0.itemsize as usize
    }

    #[inline]
    fn element(&self, row: usize) -> &[u8] {
        debug_assert!(row < self.count());
        // SAFETY: within the dimension; the owner keeps the memory where it is while it is lent, and with the GIL held
        // nobody changes it who keeps to the rules.
        unsafe {
            let at = self.0.buf.cast::<u8>().offset(row as isize * *self.0.strides);
            std::slice::from_raw_parts(at, self.width())
        }
    }

    fn copy(&self, from: usize, to: usize, out: &mut Scratch) {
        // SAFETY: there is one dimension.
        if unsafe { *self.0.strides } == self.0.itemsize {
            // SAFETY: as in `element`; the elements lie one behind the other.
            out.bytes(unsafe { std::slice::from_raw_parts(self.element(from).as_ptr(), (to - from) * self.width()) });
        } else {
            (from..to).for_each(|row| out.bytes(self.element(row)));
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: lent by `PyObject_GetBuffer`; a column lives within a call, which holds the GIL.
        unsafe { ffi::PyBuffer_Release(&raw mut *self.0) };
    }
}
