//! A record as one line of JSON.
//!
//! The keys stand in a fixed order: `timestamp`, `level`, `logger_name`, `message`, `function_name`, `line_number` and
//! `source_file` where the call site was asked for, the fields of names, context, logger and call, `exception`,
//! `exception_type` and `exception_message`, and `truncated` where something had to be cut.

use super::heads::{Heads, head};
use super::keys::Plans;
use super::message::Messages;
use super::page::{Full, Padded, Page, Stop, append};
use super::stamp::Stamp;
use super::{bigint, decimal, escape, float, fragment};
use crate::dictionary::{Dictionary, Edition};
use crate::record::{Bytes, Malformed, Record, Sections, Value, flags};

/// Writes records as lines of JSON. It only remembers what makes the next line cheaper: the same record and
/// dictionary give the same bytes, whatever was written before.
#[derive(Clone, Debug)]
pub struct JsonFormatter {
    stamp: Stamp,
    messages: Messages,
    /// What `heads` and `plans` were made from.
    edition: Edition,
    heads: Heads,
    plans: Plans,
}

impl JsonFormatter {
    /// A formatter that remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            stamp: Stamp::new(),
            messages: Messages::new(),
            edition: Edition::default(),
            heads: Heads::new(),
            plans: Plans::new(),
        }
    }

    /// Appends `record` to `out` as exactly one line with its `\n`.
    ///
    /// Whatever stands in record and dictionary, the line is valid JSON in UTF-8: a level without a name is
    /// `Level 35`, a logger without one is empty, a field without a key is `field_0`.
    ///
    /// Cost: about 50 ns for three fields, once level, logger and keys have been seen.
    ///
    /// # Errors
    /// [`Malformed`] if a section ends before its time or a tag is unknown; `out` is as before.
    pub fn line(&mut self, record: &Record<'_>, dictionary: &Dictionary, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.edition != *dictionary.edition() {
            self.forget(dictionary.edition());
        }
        append(out, |page| self.write(record, dictionary, page))
    }

    /// Reads each byte of the record once: what is wrong with it shows when a part of the line stands already.
    // Not inlined: what comes before the first try is not worth registers for a second one.
    #[inline(never)]
    fn write(&mut self, record: &Record<'_>, dictionary: &Dictionary, mut page: Page) -> Result<Page, Stop<Malformed>> {
        let header = &record.header;
        let mut sections = record.sections();
        let (second, rest) = self.stamp.parts(header.stamp);
        page.three(b"{\"timestamp\":\"", second, &rest)?;
        match sections.name()? {
            None => page.padded(self.heads.get(header, dictionary))?,
            Some(name) => page.padded(&head(header.level, name, dictionary))?,
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
            page.literal(b",\"source_file\":")?;
            page = quoted(site.file, page)?;
        }
        page = match sections.group_count() {
            0 => page,
            1 => self.fields::<1>(&mut sections, dictionary, page)?,
            2 => self.fields::<2>(&mut sections, dictionary, page)?,
            3 => self.fields::<3>(&mut sections, dictionary, page)?,
            _ => self.fields::<4>(&mut sections, dictionary, page)?,
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

    /// Forgets what was made from another dictionary, or from this one as it was.
    #[cold]
    fn forget(&mut self, edition: &Edition) {
        self.edition = edition.clone();
        self.heads = Heads::new();
        self.plans = Plans::new();
    }

    /// The fields of N groups.
    #[inline(always)]
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
            page = write_fields(sections.fields_of(&group), group.is_inline(), these, page)?;
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

/// A string that not every record has.
#[inline(never)]
fn quoted(text: &[u8], mut page: Page) -> Result<Page, Full> {
    escape::quoted(text, &mut page)?;
    Ok(page)
}

/// The fields of a group, each behind its piece of the plan.
// Not inlined: a loop that has the registers to itself.
#[inline(never)]
fn write_fields(
    fields: &mut Bytes<'_>,
    inline: bool,
    pieces: &[Padded],
    mut page: Page,
) -> Result<Page, Stop<Malformed>> {
    // A copy, because what is borrowed from elsewhere is in memory.
    let mut rest = *fields;
    for piece in pieces {
        if piece.is_empty() {
            rest.field(inline)?;
            continue;
        }
        page.padded(piece)?;
        let (_, value) = rest.field(inline)?;
        match value {
            Value::None => page.literal(b"null")?,
            Value::Bool(true) => page.literal(b"true")?,
            Value::Bool(false) => page.literal(b"false")?,
            Value::Int(number) => decimal::integer(number, &mut page)?,
            Value::Float(number) => float::json(number, &mut page)?,
            Value::Str(text) | Value::Text(text) => escape::quoted(text, &mut page)?,
            Value::BigInt(text) => page = big_int(text, page)?,
            Value::Json(text) if fragment::is_one_line(text) => page.push(text)?,
            Value::Json(text) => page = quoted(text, page)?,
        }
    }
    *fields = rest;
    Ok(page)
}

/// An integer that is too large for the machine: a number, if the usual readers take it, else its digits as a string.
#[inline(never)]
fn big_int(text: &[u8], mut page: Page) -> Result<Page, Full> {
    let decimal = bigint::decimal(text);
    let number = decimal.as_deref().filter(|decimal| {
        let digits = decimal.strip_prefix(b"-").unwrap_or(decimal);
        digits.len() <= fragment::MAX_DIGITS
    });
    match number {
        Some(number) => page.push(number)?,
        None => escape::quoted(decimal.as_deref().unwrap_or(text), &mut page)?,
    }
    Ok(page)
}

impl From<Malformed> for Stop<Malformed> {
    #[inline(always)]
    fn from(error: Malformed) -> Self {
        Self::Error(error)
    }
}
