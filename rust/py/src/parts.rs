//! A record of the standard library's, as Python tells it.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use undergird_core::record::{INLINE, encode_group, flags};
use undergird_core::scratch::Scratch;

use crate::fast::limits::{Noticed, countable};
use crate::fast::values::{encode, encode_text};
use crate::hooks::Exception;

/// What a record is made of; `Parts` in `_core.pyi` is the same.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Parts<'py> {
    /// Nanoseconds since the epoch.
    pub stamp: u64,
    /// Its level's number.
    pub level: i64,
    /// Its level's name.
    pub level_name: Bound<'py, PyString>,
    name: Bound<'py, PyString>,
    message: Bound<'py, PyString>,
    fields: Bound<'py, PyDict>,
    /// What stands beside the stamp.
    sim_time: Option<f64>,
    held_back: u64,
    /// Function, file and line.
    site: Option<(Bound<'py, PyString>, Bound<'py, PyString>, u32)>,
    exception: Option<Exception<'py>>,
}

impl Parts<'_> {
    /// The payload of a record that has its logger's name in it, and the flags of its sections.
    ///
    /// # Errors
    /// What rendering a field raises.
    pub fn encode(&self) -> PyResult<(Scratch, u16)> {
        let mut payload = Scratch::new();
        let mut noticed = Noticed::default();
        let mut flags = flags::NAME_INLINE;
        // SAFETY: live objects, all `str` where they are treated so, and the GIL is held.
        unsafe {
            encode_text(self.name.as_ptr(), &mut payload, &mut noticed);
            encode_text(self.message.as_ptr(), &mut payload, &mut noticed);
            if let Some(time) = self.sim_time {
                flags |= flags::SIM_TIME;
                payload.bytes(&time.to_le_bytes());
            }
            if self.held_back > 0 {
                flags |= flags::HELD_BACK;
                payload.bytes(&self.held_back.to_le_bytes());
            }
            if let Some((function, file, line)) = &self.site {
                flags |= flags::SITE;
                encode_text(function.as_ptr(), &mut payload, &mut noticed);
                encode_text(file.as_ptr(), &mut payload, &mut noticed);
                payload.bytes(&line.to_le_bytes());
            }
            if !self.fields.is_empty() {
                flags |= flags::FIELDS;
                // A copy: rendering may run code that changes the original.
                let fields = self.fields.copy()?;
                let count = countable(fields.len(), &mut noticed);
                encode_group(INLINE, count, &mut payload);
                for (key, value) in fields.iter().take(count.into()) {
                    let key = key.str()?;
                    encode_text(key.as_ptr(), &mut payload, &mut noticed);
                    encode(value.as_ptr(), || key.as_ptr(), &mut payload, &mut noticed)?;
                }
            }
            if let Some((text, kind, message)) = &self.exception {
                flags |= flags::EXCEPTION;
                for part in [text, kind, message] {
                    encode_text(part.as_ptr(), &mut payload, &mut noticed);
                }
            }
        }
        if noticed.truncated {
            flags |= flags::TRUNCATED;
        }
        Ok((payload, flags))
    }
}
