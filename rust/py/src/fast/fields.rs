//! Fields that are bound to a logger.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use undergird_core::record::{INLINE, encode_group, value_length};
use undergird_core::scratch::Scratch;

use super::limits::{Noticed, countable};
use super::values::{encode, text_of};

/// Fields that every record of a logger carries, rendered when they were bound.
pub struct Fields {
    keys: Vec<Box<[u8]>>,
    values: Box<[u8]>,
    pub truncated: bool,
    pub dict: Py<PyDict>,
}

impl Fields {
    /// Renders fields, now.
    ///
    /// # Errors
    /// `TypeError` for a key that is no `str`; else only what is not for a logger to swallow.
    pub fn render(fields: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut out = Scratch::new();
        let mut keys = Vec::with_capacity(fields.len());
        // A copy: rendering may run code that changes the original.
        let dict = fields.copy()?;
        let mut noticed = Noticed::default();
        let count = countable(dict.len(), &mut noticed);
        for (key, value) in dict.iter().take(count.into()) {
            let key = key.cast_into::<PyString>()?;
            // SAFETY: live objects, and the GIL is held.
            unsafe {
                keys.push(text_of(key.as_ptr()));
                encode(value.as_ptr(), || key.as_ptr(), &mut out, &mut noticed)?;
            }
        }
        Ok(Self { keys, values: out.as_slice().into(), truncated: noticed.truncated, dict: dict.unbind() })
    }

    /// The keys in order.
    pub fn keys(&self) -> &[Box<[u8]>] {
        &self.keys
    }

    /// Appends them as a group, under the number of their keys or [`INLINE`].
    pub fn encode(&self, shape: u32, out: &mut Scratch) {
        encode_group(shape, self.keys.len() as u16, out);
        if shape != INLINE {
            return out.bytes(&self.values);
        }
        let mut values = &self.values[..];
        for key in &self.keys {
            out.text(key);
            let (value, rest) = values.split_at(value_length(values).unwrap_or(values.len()));
            out.bytes(value);
            values = rest;
        }
    }
}
