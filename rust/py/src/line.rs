//! Records as the lines that a file would have, for handlers that write elsewhere.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use undergird_core::dictionary::{Dictionary, Entry};
use undergird_core::format::{Format, Formatter, Json, Logfmt, Style, Text};
use undergird_core::record::{HEADER, Header, INLINE, Kind, Record};

use crate::fast::values::text_of;
use crate::parts::Parts;

/// Any index that is no standard level's: the dictionary names it.
const LEVEL: u8 = 1;

/// The line of a record in a format, by its number.
#[pyfunction]
#[pyo3(signature = (format, parts, /))]
pub fn line(format: u8, parts: Parts<'_>) -> PyResult<String> {
    let (payload, flags) = parts.encode()?;
    let length = (HEADER + payload.len()) as u32;
    let header = Header {
        length,
        kind: Kind::Log as u8,
        level: LEVEL,
        flags,
        name: INLINE,
        stamp: parts.stamp,
        ..Header::default()
    };
    let record = Record { header, payload: payload.as_slice() };
    // SAFETY: a live str, and the GIL is held.
    let level_name = unsafe { text_of(parts.level_name.as_ptr()) };
    let mut dictionary = Dictionary::new();
    let entry = Entry::Level { index: LEVEL, number: parts.level, name: level_name[..].into() };
    dictionary.extend(&entry.encode()).map_err(|error| PyValueError::new_err(error.to_string()))?;
    match Format::from_number(format) {
        Some(Format::Json) => spelled::<Json>(&record, &dictionary),
        Some(Format::Logfmt) => spelled::<Logfmt>(&record, &dictionary),
        Some(Format::Text) => spelled::<Text>(&record, &dictionary),
        Some(Format::Given) | None => Err(PyValueError::new_err(format!("no such format: {format}"))),
    }
}

fn spelled<S: Style>(record: &Record<'_>, dictionary: &Dictionary) -> PyResult<String> {
    let mut out = Vec::new();
    let written = Formatter::<S>::new().line(record, dictionary, &mut out);
    written.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}
