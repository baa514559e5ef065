//! Loggers by number: what is held back is counted by these.

use std::collections::HashMap;

use pyo3::prelude::*;

use crate::gil::GilCell;

static NAMES: GilCell<Vec<Box<[u8]>>> = GilCell::new(Vec::new());
static NUMBERS: GilCell<Option<HashMap<Box<[u8]>, u32>>> = GilCell::new(None);

/// The number of a logger's name.
pub fn subject(py: Python<'_>, name: &[u8]) -> u32 {
    let numbers = NUMBERS.get(py).get_or_insert_default();
    if let Some(number) = numbers.get(name) {
        return *number;
    }
    let names = NAMES.get(py);
    let number = names.len() as u32;
    names.push(name.into());
    numbers.insert(name.into(), number);
    number
}

/// The name that has a number.
pub fn name_of(py: Python<'_>, subject: u32) -> String {
    NAMES.get(py).get(subject as usize).map_or_else(String::new, |name| String::from_utf8_lossy(name).into_owned())
}
