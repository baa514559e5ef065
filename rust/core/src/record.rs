//! One log record as it lies in the ring: a fixed header, then sections that the flags announce.
//!
//! ```text
//! header   length u32 · kind u8 · level u8 · flags u16 · route u32 · name u32 · stamp u64 · position u64
//! payload  [name text] message text [arguments] [site] [context group] [bound group] [fields group] [exception]
//! text     length u32 · bytes (UTF-8; lone surrogates in their three-byte form)
//! group    shape u32 (dictionary id, or INLINE) · count u16 · values (INLINE: each behind its key as text)
//! value    tag u8 · content
//! ```
//!
//! All numbers are little endian and need no alignment. The encoder is trusted, the decoder trusts nothing.

use crate::scratch::Scratch;

/// Bytes of a record before its payload.
pub const HEADER: usize = 32;
/// The dictionary id that says: the text stands in the record itself.
pub const INLINE: u32 = u32::MAX;

/// What an entry of the ring is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Fills the room between the last record and the end of the ring's memory.
    Pad = 0,
    /// A log record.
    Log = 1,
    /// A log record whose payload lies in a spill file beside the ring; the payload here is its length, u64.
    Spill = 2,
}

/// Which sections a record has, in the order in which they stand.
pub mod flags {
    /// The logger's name stands in the record.
    pub const NAME_INLINE: u16 = 1;
    /// The message is a `%` template with arguments.
    pub const ARGS: u16 = 1 << 1;
    /// Function, file and line of the call.
    pub const SITE: u16 = 1 << 2;
    /// Fields of the surrounding context.
    pub const CONTEXT: u16 = 1 << 3;
    /// Fields bound to the logger.
    pub const BOUND: u16 = 1 << 4;
    /// Fields of the call.
    pub const FIELDS: u16 = 1 << 5;
    /// Traceback text, exception type, exception message.
    pub const EXCEPTION: u16 = 1 << 6;
    /// Something was too long and was cut.
    pub const TRUNCATED: u16 = 1 << 7;
}

mod tag {
    pub const NONE: u8 = 0;
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;
    pub const INT: u8 = 3;
    pub const FLOAT: u8 = 4;
    pub const STR: u8 = 5;
    pub const BIG_INT: u8 = 6;
    pub const TEXT: u8 = 7;
    pub const JSON: u8 = 8;
}

/// The fixed part of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Bytes of header and payload, without the padding to eight.
    pub length: u32,
    /// A [`Kind`].
    pub kind: u8,
    /// The level's index; the dictionary names it.
    pub level: u8,
    /// See [`flags`].
    pub flags: u16,
    /// Dictionary id of the route: the sinks that this record goes to.
    pub route: u32,
    /// Dictionary id of the logger's name, or [`INLINE`].
    pub name: u32,
    /// Nanoseconds since the epoch, wall clock.
    pub stamp: u64,
    /// Where in the ring's endless stream of bytes the record begins.
    pub position: u64,
}

impl Header {
    /// The header's bytes.
    #[inline]
    pub fn to_bytes(&self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[0..4].copy_from_slice(&self.length.to_le_bytes());
        out[4] = self.kind;
        out[5] = self.level;
        out[6..8].copy_from_slice(&self.flags.to_le_bytes());
        out[8..12].copy_from_slice(&self.route.to_le_bytes());
        out[12..16].copy_from_slice(&self.name.to_le_bytes());
        out[16..24].copy_from_slice(&self.stamp.to_le_bytes());
        out[24..32].copy_from_slice(&self.position.to_le_bytes());
        out
    }

    /// Reads a header; any bytes are some header.
    #[inline]
    pub fn from_bytes(bytes: &[u8; HEADER]) -> Self {
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        Self {
            length: u32_at(0),
            kind: bytes[4],
            level: bytes[5],
            flags: u16::from_le_bytes([bytes[6], bytes[7]]),
            route: u32_at(8),
            name: u32_at(12),
            stamp: u64_at(16),
            position: u64_at(24),
        }
    }
}

/// One value of a field or an argument, borrowed from the record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Python's `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of at most 64 bits.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string.
    Str(&'a [u8]),
    /// A longer integer, in decimal digits.
    BigInt(&'a [u8]),
    /// The text of any other object.
    Text(&'a [u8]),
    /// A finished JSON fragment.
    Json(&'a [u8]),
}

impl Value<'_> {
    /// Appends this value to a payload.
    // Always: where the variant is known, nothing is left of the match.
    #[inline(always)]
    pub fn encode(self, out: &mut Scratch) {
        let (tag, text) = match self {
            Value::None => return out.byte(tag::NONE),
            Value::Bool(false) => return out.byte(tag::FALSE),
            Value::Bool(true) => return out.byte(tag::TRUE),
            Value::Int(value) => return out.tagged_word(tag::INT, value.to_le_bytes()),
            Value::Float(value) => return out.tagged_word(tag::FLOAT, value.to_le_bytes()),
            Value::Str(text) => (tag::STR, text),
            Value::BigInt(text) => (tag::BIG_INT, text),
            Value::Text(text) => (tag::TEXT, text),
            Value::Json(text) => (tag::JSON, text),
        };
        out.tagged_text(tag, text);
    }
}

/// Begins a group: the caller appends `count` values, each behind its key's text if `shape` is [`INLINE`].
#[inline]
pub fn encode_group(shape: u32, count: u16, out: &mut Scratch) {
    out.bytes(&shape.to_le_bytes());
    out.bytes(&count.to_le_bytes());
}

/// Bytes that are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the bytes are not a log record")
    }
}

impl std::error::Error for Malformed {}

/// A cursor over untrusted bytes.
// Always inlined, as all that reads records: what is read then stays in registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    #[inline(always)]
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    #[inline(always)]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    #[inline(always)]
    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    #[inline(always)]
    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    #[inline(always)]
    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    #[inline(always)]
    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    #[inline(always)]
    pub(crate) fn text(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    #[inline(always)]
    fn value(&mut self) -> Result<Value<'a>, Malformed> {
        Ok(match self.u8()? {
            tag::NONE => Value::None,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::INT => Value::Int(i64::from_le_bytes(self.array()?)),
            tag::FLOAT => Value::Float(f64::from_le_bytes(self.array()?)),
            tag::STR => Value::Str(self.text()?),
            tag::BIG_INT => Value::BigInt(self.text()?),
            tag::TEXT => Value::Text(self.text()?),
            tag::JSON => Value::Json(self.text()?),
            _ => return Err(Malformed),
        })
    }
}

/// How many bytes the value at the start takes; `None` if there is none.
pub fn value_length(bytes: &[u8]) -> Option<usize> {
    let mut rest = Bytes(bytes);
    rest.value().ok()?;
    Some(bytes.len() - rest.0.len())
}

/// A run of values, checked when it was found.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    bytes: Bytes<'a>,
    left: u16,
}

impl<'a> Values<'a> {
    fn parse(bytes: &mut Bytes<'a>, count: u16) -> Result<Self, Malformed> {
        let start = *bytes;
        for _ in 0..count {
            bytes.value()?;
        }
        Ok(Self { bytes: start, left: count })
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        self.bytes.value().ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

/// Fields that came together: their keys in the dictionary (a shape) or beside the values.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// Dictionary id of the keys; `None` if each value stands behind its key.
    pub shape: Option<u32>,
    /// How many fields there are.
    pub count: u16,
    bytes: Bytes<'a>,
}

impl<'a> Group<'a> {
    #[inline(always)]
    fn open(bytes: &mut Bytes<'a>) -> Result<Self, Malformed> {
        let shape = bytes.u32()?;
        let count = bytes.u16()?;
        // No value is shorter than its tag: what is prepared for a group stays within what its bytes could hold.
        if bytes.0.len() < usize::from(count) {
            return Err(Malformed);
        }
        Ok(Self { shape: (shape != INLINE).then_some(shape), count, bytes: *bytes })
    }
}

impl<'a> IntoIterator for Group<'a> {
    type Item = (Option<&'a [u8]>, Value<'a>);
    type IntoIter = Fields<'a>;

    #[inline(always)]
    fn into_iter(self) -> Fields<'a> {
        Fields { bytes: self.bytes, inline: self.shape.is_none(), left: self.count }
    }
}

/// The fields of a [`Group`]: the key, if it stands in the record, and the value. Ends early where the bytes are
/// no field.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    bytes: Bytes<'a>,
    inline: bool,
    left: u16,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Option<&'a [u8]>, Value<'a>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let left = self.left.checked_sub(1)?;
        let key = if self.inline { Some(self.bytes.text().ok()?) } else { None };
        let value = self.bytes.value().ok()?;
        self.left = left;
        Some((key, value))
    }
}

impl<'a> Fields<'a> {
    /// What follows the last field.
    #[inline(always)]
    fn end(&self) -> Result<Bytes<'a>, Malformed> {
        if self.left == 0 { Ok(self.bytes) } else { Err(Malformed) }
    }
}

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

/// A whole record, borrowed from the ring.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The fixed part.
    pub header: Header,
    /// The sections.
    pub payload: &'a [u8],
}

impl<'a> Record<'a> {
    /// Splits a record's bytes into header and payload.
    ///
    /// # Errors
    /// [`Malformed`] if they are shorter than a header.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (header, payload) = bytes.split_first_chunk::<HEADER>().ok_or(Malformed)?;
        Ok(Self { header: Header::from_bytes(header), payload })
    }

    /// Reads the payload.
    #[inline(always)]
    pub fn sections(&self) -> Sections<'a> {
        Sections { flags: self.header.flags, rest: Bytes(self.payload) }
    }
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
    fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
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

    /// Where the call stands.
    #[inline(always)]
    pub fn site(&mut self) -> Result<Option<Site<'a>>, Malformed> {
        if !self.has(flags::SITE) {
            return Ok(None);
        }
        Ok(Some(Site { function: self.rest.text()?, file: self.rest.text()?, line: self.rest.u32()? }))
    }

    /// How many groups there are: fields of the context, those bound to the logger, those of the call.
    #[inline(always)]
    pub fn group_count(&self) -> u32 {
        (self.flags & (flags::CONTEXT | flags::BOUND | flags::FIELDS)).count_ones()
    }

    /// The first N groups. Only looks ahead: go on [`Sections::behind`] what has been read of each.
    #[inline(always)]
    pub fn groups<const N: usize>(&self) -> Result<[Group<'a>; N], Malformed> {
        let mut ahead = self.rest;
        let mut groups = [Group { shape: None, count: 0, bytes: ahead }; N];
        for (place, group) in groups.iter_mut().enumerate() {
            *group = Group::open(&mut ahead)?;
            // Where the last group ends is not known before it is read.
            if place + 1 < N {
                let mut fields = group.into_iter();
                fields.by_ref().for_each(drop);
                ahead = fields.end()?;
            }
        }
        Ok(groups)
    }

    /// Goes on behind the fields of a group.
    #[inline(always)]
    pub fn behind(&mut self, fields: &Fields<'a>) -> Result<(), Malformed> {
        self.rest = fields.end()?;
        Ok(())
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
