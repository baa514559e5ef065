//! One log record as it lies in the ring: a fixed header, then sections that the flags announce.
//!
//! ```text
//! header   length u32 · kind u8 · level u8 · flags u16 · route u32 · name u32 · stamp u64 · position u64
//! payload  [name text] message text [arguments] [sim time f64] [held back u64] [site] [names group] [context group]
//!          [bound group] [fields group] [exception]
//! text     length u32 · bytes (UTF-8; lone surrogates in their three-byte form)
//! group    shape u32 (dictionary id, or INLINE) · count u16 · values (INLINE: each behind its key as text)
//! value    tag u8 · content
//! ```
//!
//! All numbers are little endian and need no alignment. The encoder is trusted, the decoder trusts nothing.

pub mod block;
mod bytes;
mod group;
mod header;
mod sections;
mod value;

pub(crate) use bytes::Bytes;
pub use bytes::Malformed;
pub use group::{Group, encode_group};
pub use header::{Header, Kind, flags};
pub use sections::{Exception, Sections, Site};
pub use value::{Value, Values, value_length};

/// Bytes of a record before its payload.
pub const HEADER: usize = 32;
/// The dictionary id that says: the text stands in the record itself.
pub const INLINE: u32 = u32::MAX;

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
        Sections::new(self.header.flags, Bytes(self.payload))
    }
}
