//! Fields that every record of the run carries, such as its id and its seed: made ready once, and copied by the calls
//! behind the names of process, thread and task.

use std::sync::Arc;

use pyo3::prelude::*;
use undergird_core::record::{INLINE, encode_group};
use undergird_core::scratch::Scratch;

use super::fields::Fields;
use crate::generation::invalidate;
use crate::gil::GilCell;

/// What they are: as many keys as values.
pub struct Constants {
    pub keys: Vec<Box<[u8]>>,
    pub values: Vec<Box<[u8]>>,
}

static RUN: GilCell<Option<Arc<Constants>>> = GilCell::new(None);

/// Makes fields those of the run; `None` for none. They have been rendered, and so few that each record has room.
#[pyfunction]
#[pyo3(signature = (fields, /))]
pub fn set_constants(py: Python<'_>, fields: Option<&Fields>) {
    *RUN.get(py) = fields.map(|fields| Arc::new(fields.constants(py)));
    invalidate();
}

/// Those of the run, if it has any.
pub fn constants(py: Python<'_>) -> Option<Arc<Constants>> {
    RUN.get(py).clone()
}

impl Constants {
    /// How many there are.
    pub fn count(&self) -> u16 {
        self.keys.len() as u16
    }

    /// A group of them alone, with their keys.
    pub fn group(&self) -> Box<[u8]> {
        let mut group = Scratch::new();
        encode_group(INLINE, self.count(), &mut group);
        self.encode(INLINE, &mut group);
        group.as_slice().into()
    }

    /// Appends them to a group whose keys have this number in the dictionary, or [`INLINE`].
    pub fn encode(&self, number: u32, out: &mut Scratch) {
        for (key, value) in self.keys.iter().zip(&self.values) {
            if number == INLINE {
                out.text(key);
            }
            out.bytes(value);
        }
    }
}
