//! The fixed part of a record.

use super::HEADER;

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
    /// Many rows of one call: see [`super::block`].
    Block = 3,
}

/// Which sections a record has.
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
    /// Names of thread, process and task, and the fields of the run: they stand before those of the context.
    pub const NAMES: u16 = 1 << 8;
    /// The time of the simulation, beside the stamp.
    pub const SIM_TIME: u16 = 1 << 9;
    /// How many records of the same place were held back before this one.
    pub const HELD_BACK: u16 = 1 << 10;
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
