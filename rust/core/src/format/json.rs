//! A record as one line of JSON.
//!
//! The keys stand in a fixed order: `timestamp`, `level`, `logger_name`, `message`, `function_name` and `line_number`
//! where the call site was asked for, the fields of context, logger and call, `exception`, `exception_type` and
//! `exception_message`, and `truncated` where something had to be cut.

use super::float::Repr;
use super::keys::{Layers, Plans};
use super::message::Messages;
use super::page::{Page, SLACK, same};
use super::stamp::Stamp;
use super::{escape, fragment};
use crate::dictionary::{Dictionary, Entry};
use crate::record::{Record, Value, flags};

/// Pairs of level and logger that are remembered; a power of two.
const HEADS: usize = 256;

/// Writes records as lines of JSON. It only remembers what makes the next line cheaper: the same record and
/// dictionary give the same bytes, whatever was written before.
#[derive(Clone, Debug)]
pub struct JsonFormatter {
    stamp: Stamp,
    heads: Vec<Option<Head>>,
    plans: Plans,
    messages: Messages,
}

/// The text between the stamp and the message ([`SLACK`] bytes behind it), and what it was made from.
#[derive(Clone, Debug)]
struct Head {
    level: u8,
    id: u32,
    level_name: Box<[u8]>,
    name: Box<[u8]>,
    text: Box<[u8]>,
}

impl JsonFormatter {
    /// A formatter that remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { stamp: Stamp::new(), heads: vec![None; HEADS], plans: Plans::new(), messages: Messages::new() }
    }

    /// Appends `record` to `out` as exactly one line with its `\n`.
    ///
    /// Whatever stands in record and dictionary, the line is valid JSON in UTF-8: a level without a name is
    /// `Level 35`, a logger without one is empty, a field without a key is `field_0`.
    ///
    /// Cost: about 90 ns for three fields, once level, logger and keys have been seen.
    pub fn line(&mut self, record: &Record<'_>, dictionary: &Dictionary, out: &mut Vec<u8>) {
        let page = &mut Page::new(out);
        page.literal(b"{\"timestamp\":\"");
        page.literal(self.stamp.text(record.header.stamp));
        self.head(record, dictionary, page);
        match record.args {
            None => escape::quoted(record.message, page),
            Some(args) => escape::quoted(self.messages.render(record.message, args), page),
        }
        if let Some(site) = record.site {
            page.literal(b",\"function_name\":");
            escape::quoted(site.function, page);
            page.literal(b",\"line_number\":");
            page.short(itoa::Buffer::new().format(site.line).as_bytes());
        }
        let layers = [record.context.as_ref(), record.bound.as_ref(), record.fields.as_ref()];
        self.fields(&layers, dictionary, page);
        if let Some(exception) = record.exception {
            page.literal(b",\"exception\":");
            escape::quoted(exception.text, page);
            page.literal(b",\"exception_type\":");
            escape::quoted(exception.kind, page);
            page.literal(b",\"exception_message\":");
            escape::quoted(exception.message, page);
        }
        if record.header.flags & flags::TRUNCATED != 0 {
            page.literal(b",\"truncated\":true");
        }
        page.literal(b"}\n");
    }

    /// From the end of the stamp to the colon before the message.
    #[inline]
    fn head(&mut self, record: &Record<'_>, dictionary: &Dictionary, page: &mut Page<'_>) {
        let header = &record.header;
        let level_name = dictionary.level_name(header.level);
        let name = match (record.name, dictionary.get(header.name)) {
            (Some(name), _) => return write_head(header.level, level_name, name, page),
            (None, Some(Entry::Name(name))) => name,
            (None, _) => return write_head(header.level, level_name, b"", page),
        };
        let place = (header.name as usize * 8 + usize::from(header.level) / 8) % HEADS;
        let head = match &self.heads[place] {
            Some(head)
                if head.level == header.level
                    && head.id == header.name
                    && same(&head.name, name)
                    && level_name.is_some_and(|level_name| same(&head.level_name, level_name)) =>
            {
                head
            }
            _ => {
                let begin = page.end();
                write_head(header.level, level_name, name, page);
                if let Some(level_name) = level_name {
                    self.heads[place] = Some(Head {
                        level: header.level,
                        id: header.name,
                        level_name: level_name.into(),
                        name: name.clone(),
                        text: [page.since(begin), &[0; SLACK]].concat().into(),
                    });
                }
                return;
            }
        };
        page.padded(&head.text, head.text.len() - SLACK);
    }

    #[inline]
    fn fields(&mut self, layers: &Layers<'_, '_>, dictionary: &Dictionary, page: &mut Page<'_>) {
        if layers.iter().all(Option::is_none) {
            return;
        }
        let plan = self.plans.get(layers, dictionary);
        let mut pieces = plan.pieces().iter();
        for &&group in layers.iter().flatten() {
            for ((_, value), &piece) in group.into_iter().zip(&mut pieces) {
                if plan.write(piece, page) {
                    write_value(value, page);
                }
            }
        }
    }
}

impl Default for JsonFormatter {
    fn default() -> Self {
        Self::new()
    }
}

fn write_head(level: u8, level_name: Option<&[u8]>, name: &[u8], page: &mut Page<'_>) {
    page.literal(b"\",\"level\":");
    match level_name {
        Some(level_name) => escape::quoted(level_name, page),
        None => escape::quoted(format!("Level {level}").as_bytes(), page),
    }
    page.literal(b",\"logger_name\":");
    escape::quoted(name, page);
    page.literal(b",\"message\":");
}

#[inline]
fn write_value(value: Value<'_>, page: &mut Page<'_>) {
    match value {
        Value::None => page.literal(b"null"),
        Value::Bool(true) => page.literal(b"true"),
        Value::Bool(false) => page.literal(b"false"),
        Value::Int(number) => page.short(itoa::Buffer::new().format(number).as_bytes()),
        Value::Float(number) if number.is_finite() => page.short(Repr::new().text(number)),
        Value::Float(number) if number.is_nan() => page.literal(b"\"NaN\""),
        Value::Float(number) if number > 0.0 => page.literal(b"\"Infinity\""),
        Value::Float(_) => page.literal(b"\"-Infinity\""),
        Value::BigInt(digits) if fragment::is_integer(digits) => page.push(digits),
        Value::Json(text) if fragment::is_one_line(text) => page.push(text),
        Value::Str(text) | Value::Text(text) | Value::BigInt(text) | Value::Json(text) => escape::quoted(text, page),
    }
}
