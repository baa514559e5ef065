//! A record as one line of JSON.
//!
//! The keys stand in a fixed order: `timestamp`, `level`, `logger_name`, `message`, `function_name` and `line_number`
//! where the call site was asked for, the fields of context, logger and call, `exception`, `exception_type` and
//! `exception_message`, and `truncated` where something had to be cut.

use std::sync::Arc;

use super::keys::Plans;
use super::message::Messages;
use super::page::{Full, Page, SLACK, Stop, append};
use super::stamp::Stamp;
use super::{decimal, escape, float, fragment};
use crate::dictionary::{Dictionary, Entry};
use crate::record::{Fields, Header, Malformed, Record, Sections, Value, flags};

/// Pairs of level and logger that are remembered; a power of two.
const HEADS: usize = 256;

/// Writes records as lines of JSON. It only remembers what makes the next line cheaper: the same record and
/// dictionary give the same bytes, whatever was written before.
#[derive(Clone, Debug)]
pub struct JsonFormatter {
    stamp: Stamp,
    heads: Box<[Option<Head>; HEADS]>,
    /// The name of loggers that the dictionary does not know.
    nameless: Arc<[u8]>,
    plans: Plans,
    messages: Messages,
}

/// The text between the stamp and the message ([`SLACK`] bytes behind it), and what it was made from: texts of a
/// dictionary, which are known again by their addresses as long as they are kept.
#[derive(Clone, Debug)]
struct Head {
    level: u8,
    renamed: Option<Arc<[u8]>>,
    name: Arc<[u8]>,
    text: Vec<u8>,
}

impl JsonFormatter {
    /// A formatter that remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            stamp: Stamp::new(),
            heads: Box::new([const { None }; HEADS]),
            nameless: Arc::default(),
            plans: Plans::new(),
            messages: Messages::new(),
        }
    }

    /// Appends `record` to `out` as exactly one line with its `\n`.
    ///
    /// Whatever stands in record and dictionary, the line is valid JSON in UTF-8: a level without a name is
    /// `Level 35`, a logger without one is empty, a field without a key is `field_0`.
    ///
    /// Cost: about 60 ns for three fields, once level, logger and keys have been seen.
    ///
    /// # Errors
    /// [`Malformed`] if a section ends before its time or a tag is unknown; `out` is as before.
    pub fn line(&mut self, record: &Record<'_>, dictionary: &Dictionary, out: &mut Vec<u8>) -> Result<(), Malformed> {
        append(out, |page| self.write(record, dictionary, page))
    }

    /// Reads each byte of the record once: what is wrong with it shows when a part of the line stands already.
    // Not inlined: what comes before the first try is not worth registers for a second one.
    #[inline(never)]
    fn write(&mut self, record: &Record<'_>, dictionary: &Dictionary, mut page: Page) -> Result<Page, Stop<Malformed>> {
        let header = &record.header;
        let mut sections = record.sections();
        let (second, rest) = self.stamp.parts(header.stamp);
        page.literal(b"{\"timestamp\":\"")?;
        page.literal(second)?;
        page.literal(&rest)?;
        match sections.name()? {
            None => page.padded(self.head(header, dictionary))?,
            Some(name) => page.padded(&head_text(header.level, dictionary, name))?,
        }
        let message = sections.message()?;
        match sections.args()? {
            None => escape::quoted(message, &mut page)?,
            Some(args) => page = quoted(self.messages.render(message, args), page)?,
        }
        if let Some(site) = sections.site()? {
            page.literal(b",\"function_name\":")?;
            page = quoted(site.function, page)?;
            page.literal(b",\"line_number\":")?;
            decimal::integer(i64::from(site.line), &mut page)?;
        }
        page = match sections.group_count() {
            0 => page,
            1 => self.fields::<1>(&mut sections, dictionary, page)?,
            2 => self.fields::<2>(&mut sections, dictionary, page)?,
            _ => self.fields::<3>(&mut sections, dictionary, page)?,
        };
        if let Some(exception) = sections.exception()? {
            page.literal(b",\"exception\":")?;
            page = quoted(exception.text, page)?;
            page.literal(b",\"exception_type\":")?;
            page = quoted(exception.kind, page)?;
            page.literal(b",\"exception_message\":")?;
            page = quoted(exception.message, page)?;
        }
        if header.flags & flags::TRUNCATED != 0 {
            page.literal(b",\"truncated\":true")?;
        }
        page.literal(b"}\n")?;
        Ok(page)
    }

    /// From the end of the stamp to the colon before the message, [`SLACK`] bytes behind it.
    #[inline(always)]
    fn head(&mut self, header: &Header, dictionary: &Dictionary) -> &[u8] {
        let name = match dictionary.get(header.name) {
            Some(Entry::Name(name)) => name,
            _ => &self.nameless,
        };
        let renamed = dictionary.renamed_level(header.level);
        let slot = &mut self.heads[(header.name as usize * 8 + usize::from(header.level) / 8) % HEADS];
        let known = slot.as_ref().is_some_and(|head| {
            head.level == header.level
                && Arc::ptr_eq(&head.name, name)
                && head.renamed.as_ref().map(Arc::as_ptr) == renamed.map(Arc::as_ptr)
        });
        if !known {
            let text = head_text(header.level, dictionary, name);
            *slot = Some(Head { level: header.level, renamed: renamed.cloned(), name: name.clone(), text });
        }
        slot.as_ref().map_or(&[], |head| &head.text)
    }

    /// The fields of N groups.
    #[inline(never)]
    fn fields<const N: usize>(
        &mut self,
        sections: &mut Sections<'_>,
        dictionary: &Dictionary,
        mut page: Page,
    ) -> Result<Page, Stop<Malformed>> {
        let groups = sections.groups::<N>()?;
        let mut pieces = self.plans.get(&groups, dictionary);
        for group in groups {
            let (these, others) = pieces.split_at_checked(usize::from(group.count)).ok_or(Malformed)?;
            let mut fields = group.into_iter();
            page = write_fields(&mut fields, these, page)?;
            sections.behind(&fields)?;
            pieces = others;
        }
        Ok(page)
    }
}

impl Default for JsonFormatter {
    fn default() -> Self {
        Self::new()
    }
}

/// See [`JsonFormatter::head`].
#[cold]
fn head_text(level: u8, dictionary: &Dictionary, name: &[u8]) -> Vec<u8> {
    let mut text = b"\",\"level\":".to_vec();
    match dictionary.level_name(level) {
        Some(level_name) => escape::append_quoted(level_name, &mut text),
        None => escape::append_quoted(format!("Level {level}").as_bytes(), &mut text),
    }
    text.extend_from_slice(b",\"logger_name\":");
    escape::append_quoted(name, &mut text);
    text.extend_from_slice(b",\"message\":");
    text.extend_from_slice(&[0; SLACK]);
    text
}

/// A string that not every record has.
#[inline(never)]
fn quoted(text: &[u8], mut page: Page) -> Result<Page, Full> {
    escape::quoted(text, &mut page)?;
    Ok(page)
}

/// The fields of a group, each behind its piece of the plan.
// Not inlined: a loop that has the registers to itself.
#[inline(never)]
fn write_fields(fields: &mut Fields<'_>, pieces: &[Box<[u8]>], mut page: Page) -> Result<Page, Stop<Malformed>> {
    // A copy, because what is borrowed from elsewhere is in memory.
    let mut rest = fields.clone();
    for piece in pieces {
        if piece.is_empty() {
            rest.next();
            continue;
        }
        page.padded(piece)?;
        let (_, value) = rest.next().ok_or(Malformed)?;
        write_value(value, &mut page)?;
    }
    *fields = rest;
    Ok(page)
}

#[inline(always)]
fn write_value(value: Value<'_>, page: &mut Page) -> Result<(), Full> {
    match value {
        Value::None => page.literal(b"null"),
        Value::Bool(true) => page.literal(b"true"),
        Value::Bool(false) => page.literal(b"false"),
        Value::Int(number) => decimal::integer(number, page),
        Value::Float(number) if number.is_finite() => float::repr(number, page),
        Value::Float(number) if number.is_nan() => page.literal(b"\"NaN\""),
        Value::Float(number) if number > 0.0 => page.literal(b"\"Infinity\""),
        Value::Float(_) => page.literal(b"\"-Infinity\""),
        Value::BigInt(digits) if fragment::is_integer(digits) => page.push(digits),
        Value::Json(text) if fragment::is_one_line(text) => page.push(text),
        Value::Str(text) | Value::Text(text) | Value::BigInt(text) | Value::Json(text) => escape::quoted(text, page),
    }
}

impl From<Malformed> for Stop<Malformed> {
    #[inline(always)]
    fn from(error: Malformed) -> Self {
        Self::Error(error)
    }
}
