//! The sections of a record, in the order in which they stand.

use super::bytes::{Bytes, Malformed};
use super::flags;
use super::group::Group;
use super::value::Values;

/// Where in the program a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site<'a> {
    /// The function's name.
    pub function: &'a [u8],
    /// The source file's path.
    pub file: &'a [u8],
    /// The line, from 1.
    pub line: u32,
}

/// An exception that came with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception<'a> {
    /// The traceback as the standard library prints it.
    pub text: &'a [u8],
    /// The class's name.
    pub kind: &'a [u8],
    /// `str()` of the exception.
    pub message: &'a [u8],
}

/// Reads a record's sections, each once. They are asked for in the order of these methods, which is that in which
/// they stand; each gives `None` for a section that the record has not, and [`Malformed`] for bytes that are none.
#[derive(Clone, Debug)]
pub struct Sections<'a> {
    flags: u16,
    rest: Bytes<'a>,
}

#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl<'a> Sections<'a> {
    #[inline(always)]
    pub(super) fn new(flags: u16, rest: Bytes<'a>) -> Self {
        Self { flags, rest }
    }

    #[inline(always)]
    fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// Which sections there are.
    #[inline(always)]
    pub(crate) fn flags(&self) -> u16 {
        self.flags
    }

    /// The logger's name where it is not in the dictionary.
    #[inline(always)]
    pub fn name(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        if self.has(flags::NAME_INLINE) { self.rest.text().map(Some) } else { Ok(None) }
    }

    /// The message, or its template if there are arguments.
    #[inline(always)]
    pub fn message(&mut self) -> Result<&'a [u8], Malformed> {
        self.rest.text()
    }

    /// The arguments of the template.
    #[inline(always)]
    pub fn args(&mut self) -> Result<Option<Values<'a>>, Malformed> {
        if !self.has(flags::ARGS) {
            return Ok(None);
        }
        let count = self.rest.u8()?;
        Values::parse(&mut self.rest, u16::from(count)).map(Some)
    }

    /// The time of the simulation.
    #[inline(always)]
    pub fn sim_time(&mut self) -> Result<Option<f64>, Malformed> {
        if self.has(flags::SIM_TIME) {
            self.rest.array().map(|bytes| Some(f64::from_le_bytes(bytes)))
        } else {
            Ok(None)
        }
    }

    /// How many records were held back before this one.
    #[inline(always)]
    pub fn held_back(&mut self) -> Result<Option<u64>, Malformed> {
        if self.has(flags::HELD_BACK) { self.rest.u64().map(Some) } else { Ok(None) }
    }

    /// Where the call stands.
    #[inline(always)]
    pub fn site(&mut self) -> Result<Option<Site<'a>>, Malformed> {
        if !self.has(flags::SITE) {
            return Ok(None);
        }
        Ok(Some(Site { function: self.rest.text()?, file: self.rest.text()?, line: self.rest.u32()? }))
    }

    /// How many groups there are: names and fields of the run, fields of the context, those bound to the logger, those of the call.
    #[inline(always)]
    pub fn group_count(&self) -> usize {
        // Not by counting bits at once: in most records there is one.
        const ALL: u16 = flags::NAMES | flags::CONTEXT | flags::BOUND | flags::FIELDS;
        match self.flags & ALL {
            0 => 0,
            one if one.is_power_of_two() => 1,
            more => more.count_ones() as usize,
        }
    }

    /// The first N groups. Only looks ahead: their fields are read from [`Sections::fields_of`] each, in order.
    #[inline(always)]
    pub fn groups<const N: usize>(&self) -> Result<[Group<'a>; N], Malformed> {
        let mut ahead = self.rest;
        let mut groups = [Group::EMPTY; N];
        for (place, group) in groups.iter_mut().enumerate() {
            *group = Group::open(&mut ahead)?;
            // Where the last group ends is not known before it is read.
            if place + 1 < N {
                let mut fields = *group;
                for _ in 0..fields.count {
                    fields.field()?;
                }
                ahead = fields.rest;
            }
        }
        Ok(groups)
    }

    /// Where the fields of a group stand. What follows is read from where their reader stops.
    #[inline(always)]
    pub(crate) fn fields_of(&mut self, group: &Group<'a>) -> &mut Bytes<'a> {
        self.rest = group.rest;
        &mut self.rest
    }

    /// The exception.
    #[inline(always)]
    pub fn exception(&mut self) -> Result<Option<Exception<'a>>, Malformed> {
        if !self.has(flags::EXCEPTION) {
            return Ok(None);
        }
        Ok(Some(Exception { text: self.rest.text()?, kind: self.rest.text()?, message: self.rest.text()? }))
    }
}
