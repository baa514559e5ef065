//! From a record to a line, whatever it looks like.
//!
//! The parts of a line stand in a fixed order: stamp, level, logger, message, the simulation's time and how many
//! records were held back, if there are such, where the call stands if that was asked for, the fields of names,
//! context, logger and call, the exception, and whether something had to be cut. A [`Style`] says how each of them is
//! written.

use std::marker::PhantomData;

use super::heads::Heads;
use super::keys::{HELD_BACK, Plans, SIM_TIME};
use super::message::Messages;
use super::page::{Padded, Page, Stop, append};
use super::stamp::Stamp;
use super::style::Style;
use crate::dictionary::{Dictionary, Edition};
use crate::record::{Bytes, Malformed, Record, Sections, Value, flags};

/// Writes records as lines. It only remembers what makes the next line cheaper: the same record and dictionary give the
/// same bytes, whatever was written before.
#[derive(Clone, Debug)]
pub struct Formatter<S> {
    stamp: Stamp,
    messages: Messages,
    /// What `heads` and `plans` were made from.
    edition: Edition,
    heads: Heads,
    plans: Plans,
    /// What stands before the simulation's time, and before the number of records that were held back.
    own: [Padded; 2],
    style: PhantomData<S>,
}

impl<S: Style> Formatter<S> {
    /// A formatter that remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            stamp: Stamp::new(),
            messages: Messages::new(),
            edition: Edition::default(),
            heads: Heads::new(),
            plans: Plans::new(),
            own: [SIM_TIME, HELD_BACK].map(|name| Padded::new(S::key(name))),
            style: PhantomData,
        }
    }

    /// Appends `record` to `out`, with its `\n`.
    ///
    /// Whatever stands in record and dictionary, it is what the format promises: a level without a name is
    /// `Level 35`, a logger without one is empty, a field without a key is `field_0`.
    ///
    /// Cost: about 50 ns for three fields as JSON, once level, logger and keys have been seen.
    ///
    /// # Errors
    /// [`Malformed`] if a section ends before its time or a tag is unknown; `out` is as before.
    // Always: called from more than one place it would not be, which costs 26 instructions a line.
    #[inline(always)]
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
        let (second, rest) = self.stamp.parts(header.stamp, S::BEHIND_STAMP);
        S::stamp(second, &rest, &mut page)?;
        match sections.name()? {
            None => page.padded(self.heads.get::<S>(header, dictionary))?,
            Some(name) => page.padded(&Heads::make::<S>(header.level, name, dictionary))?,
        }
        let message = sections.message()?;
        page = match sections.args()? {
            None => S::message(message, page)?,
            Some(args) => S::message(self.messages.render(message, args), page)?,
        };
        if header.flags & (flags::SIM_TIME | flags::HELD_BACK) != 0 {
            page = self.own(&mut sections, page)?;
        }
        if let Some(site) = sections.site()? {
            page = S::site(site, page)?;
        }
        page = match sections.group_count() {
            0 => page,
            1 => self.fields::<1>(&mut sections, dictionary, page)?,
            2 => self.fields::<2>(&mut sections, dictionary, page)?,
            3 => self.fields::<3>(&mut sections, dictionary, page)?,
            _ => self.fields::<4>(&mut sections, dictionary, page)?,
        };
        if let Some(exception) = sections.exception()? {
            page = S::exception(exception, page)?;
        }
        S::end(header.flags & flags::TRUNCATED != 0, &mut page)?;
        Ok(page)
    }

    /// What few records have: the simulation's time, and how many records were held back.
    #[inline(never)]
    fn own(&self, sections: &mut Sections<'_>, mut page: Page) -> Result<Page, Stop<Malformed>> {
        if let Some(time) = sections.sim_time()? {
            page.padded(&self.own[0])?;
            page = S::value(Value::Float(time), page)?;
        }
        if let Some(count) = sections.held_back()? {
            page.padded(&self.own[1])?;
            page = S::value(Value::Int(count.min(i64::MAX as u64) as i64), page)?;
        }
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
        let mut pieces = self.plans.get::<S, N>(&groups, sections.flags(), dictionary);
        for group in groups {
            let (these, others) = pieces.split_at_checked(usize::from(group.count)).ok_or(Malformed)?;
            page = write_fields::<S>(sections.fields_of(&group), group.is_inline(), these, page)?;
            pieces = others;
        }
        Ok(page)
    }
}

impl<S: Style> Default for Formatter<S> {
    fn default() -> Self {
        Self::new()
    }
}

/// The fields of a group, each behind its piece of the plan.
// Not inlined: a loop that has the registers to itself.
#[inline(never)]
fn write_fields<S: Style>(
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
        page = S::value(value, page)?;
    }
    *fields = rest;
    Ok(page)
}

impl From<Malformed> for Stop<Malformed> {
    #[inline(always)]
    fn from(error: Malformed) -> Self {
        Self::Error(error)
    }
}
