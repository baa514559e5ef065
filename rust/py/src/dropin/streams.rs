//! What handlers of the standard library write to their streams: lines whose parts are known beforehand, but for a few.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use undergird_core::format::moment::Moment;

use super::lane::{File, Lane};
use super::lanes;
use super::lines::{LENGTH, Lines};
use super::originals::METHODS;
use crate::fast::upcall::call;
use crate::fast::values::text_of;
use crate::gil::GilCell;

/// What Python answers of a handler; see `undergird.logging._streams.Stream`.
#[derive(FromPyObject)]
pub struct Answer<'py> {
    handler: Bound<'py, PyAny>,
    lines: Vec<Vec<Named>>,
    date: Option<MakesDates<'py>>,
    file: Option<File<'py>>,
}

/// How a handler tells a second: what makes a time of it, what makes a text of that, and by which format.
#[derive(FromPyObject)]
pub struct MakesDates<'py>(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

/// A part of a line, as Python names it.
#[derive(FromPyObject)]
enum Named {
    Text(String),
    Differing(u8),
}

/// A part of a line; see `undergird.logging._patterns`.
enum Piece {
    Text(Box<[u8]>),
    /// The date, to the second.
    Second,
    Message,
    /// Three digits.
    Milliseconds,
    /// The number of the process.
    Process,
}

/// A handler that writes to a stream.
struct Stream {
    handler: Py<PyAny>,
    /// By level; those that it does not take have none.
    lines: Vec<Vec<Piece>>,
    date: Option<Date>,
    /// Where its lines go into the ring.
    lane: Option<Arc<Lane>>,
}

/// How a handler tells a second, and the last one that was told.
struct Date {
    how: [Py<PyAny>; 3],
    last: GilCell<(i64, Box<[u8]>)>,
}

/// All handlers that see a logger's records, in their order.
pub struct Streams {
    /// Bit `n`: the level `10 * n` is enabled.
    enabled: u8,
    streams: Vec<Stream>,
}

/// A line that is to be written.
pub struct Line<'py> {
    pub handler: Bound<'py, PyAny>,
    pub lock: Bound<'py, PyAny>,
    pub text: Bound<'py, PyString>,
}

impl Streams {
    /// # Errors
    /// If something is not what it has to be.
    pub fn new(enabled: u8, answers: Vec<Answer<'_>>) -> PyResult<Self> {
        Ok(Self { enabled, streams: answers.into_iter().map(Stream::new).collect::<PyResult<_>>()? })
    }

    /// Whether a level was enabled.
    pub fn was_enabled(&self, level: usize) -> bool {
        self.enabled & (1 << level) != 0
    }

    fn taking(&self, level: usize) -> impl Iterator<Item = &Stream> {
        self.streams.iter().filter(move |stream| !stream.lines[level].is_empty())
    }

    /// Whether the lines of this moment can be made without Python.
    pub fn are_ready(&self, py: Python<'_>, level: usize, now: Moment) -> bool {
        self.taking(level).filter_map(|stream| stream.date.as_ref()).all(|date| date.last.get(py).0 == now.second)
    }

    /// What makes the dates. It runs Python code, in which this may go.
    pub fn dates<'py>(&self, py: Python<'py>) -> Vec<MakesDates<'py>> {
        self.streams.iter().filter_map(|stream| stream.date.as_ref()).map(|date| date.bound(py)).collect()
    }

    /// Remembers the dates that were made of a second.
    pub fn learn(&self, py: Python<'_>, second: i64, dates: Vec<Box<[u8]>>) {
        for (date, text) in self.streams.iter().filter_map(|stream| stream.date.as_ref()).zip(dates) {
            *date.last.get(py) = (second, text);
        }
    }

    /// Whether one of the handlers has a lane.
    pub fn have_lanes(&self) -> bool {
        self.streams.iter().any(|stream| stream.lane.is_some())
    }

    /// The lines of a message for all handlers that take the level; `None` if one is too long. Runs no Python code.
    pub fn lines(&self, py: Python<'_>, level: usize, now: Moment, message: Vec<u8>) -> Option<Lines> {
        let mut lines = Lines::of(message);
        for stream in self.taking(level) {
            lines.add(|message, out| stream.put_together(py, level, now, message, out))?;
        }
        Some(lines)
    }

    /// Puts lines into the ring, if all handlers have lanes; how many of them are there. Runs no Python code.
    pub fn push(&self, level: usize, stamp: u64, lines: &Lines) -> usize {
        let lane = |stream: &Stream| stream.lane.as_ref().is_some_and(|lane| lane.is_open());
        if !self.taking(level).all(lane) {
            return 0;
        }
        let take = |(stream, line): &(&Stream, &[u8])| {
            stream.lane.as_ref().is_some_and(|lane| lane.take(10 * level as u8, stamp, line))
        };
        self.taking(level).zip(lines.iter()).take_while(take).count()
    }

    /// What is written of lines, but for as many as are in the ring. Runs no Python code.
    ///
    /// # Errors
    /// If there is no memory, or an attribute is missing.
    pub fn left<'py>(&self, py: Python<'py>, level: usize, lines: &Lines, pushed: usize) -> PyResult<Vec<Line<'py>>> {
        self.taking(level)
            .zip(lines.iter())
            .skip(pushed)
            .map(|(stream, line)| {
                let text = &line[LENGTH..];
                // SAFETY: the bytes are there; what is no UTF-8 is an error.
                let made = unsafe {
                    let made = ffi::PyUnicode_DecodeUTF8(text.as_ptr().cast(), text.len() as isize, std::ptr::null());
                    Bound::from_owned_ptr_or_err(py, made)?.cast_into::<PyString>()?
                };
                let handler = stream.handler.bind(py).clone();
                let lock = handler.getattr(pyo3::intern!(py, "lock"))?;
                Ok(Line { handler, lock, text: made })
            })
            .collect()
    }
}

impl Stream {
    fn new(answer: Answer<'_>) -> PyResult<Self> {
        let lines: Vec<Vec<Piece>> = answer
            .lines
            .into_iter()
            .map(|pieces| pieces.into_iter().map(Piece::new).collect())
            .collect::<Option<_>>()
            .filter(|lines: &Vec<_>| lines.len() == METHODS.len())
            .ok_or_else(|| PyValueError::new_err("no lines"))?;
        let date = answer.date.map(|MakesDates(converter, strftime, format)| Date {
            how: [converter, strftime, format].map(Bound::unbind),
            last: GilCell::new((i64::MIN, Box::default())),
        });
        let lane = answer.file.and_then(|file| lanes::open(&answer.handler, file));
        Ok(Self { handler: answer.handler.unbind(), lines, date, lane })
    }

    /// Appends a line; the message stands there already.
    fn put_together(&self, py: Python<'_>, level: usize, now: Moment, message: Range<usize>, out: &mut Vec<u8>) {
        for piece in &self.lines[level] {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Second => out.extend_from_slice(self.date.as_ref().map_or(&[], |date| &date.last.get(py).1)),
                Piece::Message => out.extend_from_within(message.clone()),
                Piece::Milliseconds => {
                    let digits = [100, 10, 1].map(|unit| b'0' + (now.milliseconds / unit % 10) as u8);
                    out.extend_from_slice(&digits);
                }
                // Writing to a vector does not fail.
                Piece::Process => drop(write!(out, "{}", std::process::id())),
            }
        }
    }
}

impl Date {
    fn bound<'py>(&self, py: Python<'py>) -> MakesDates<'py> {
        let [converter, strftime, format] = self.how.each_ref().map(|one| one.bind(py).clone());
        MakesDates(converter, strftime, format)
    }
}

impl MakesDates<'_> {
    /// What a second is called.
    ///
    /// # Errors
    /// What the standard library's way would raise too.
    pub fn tell(&self, second: i64) -> PyResult<Box<[u8]>> {
        let Self(converter, strftime, format) = self;
        let py = format.py();
        let time = call(converter, [second.into_pyobject(py)?.as_any()])?;
        let text = call(strftime, [format, &time])?;
        // SAFETY: a live str: the functions are the interpreter's own.
        Ok(unsafe { text_of(text.as_ptr()) })
    }
}

impl Piece {
    fn new(named: Named) -> Option<Self> {
        Some(match named {
            Named::Text(text) => Self::Text(text.into_bytes().into()),
            Named::Differing(0) => Self::Second,
            Named::Differing(1) => Self::Message,
            Named::Differing(2) => Self::Milliseconds,
            Named::Differing(3) => Self::Process,
            Named::Differing(_) => return None,
        })
    }
}
