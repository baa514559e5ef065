//! When a log is put aside, under which name, and which of those are kept.
//!
//! The rules stand in the ring's dictionary with the sink, so that whoever recovers a ring rotates as its process
//! would have done.
//!
//! ```text
//! max bytes u64 · keep: files u32, seconds u64, bytes u64 (all ones: all) · compression u8
//! schedule u8 (0 none, 1 seconds, 2 days, 3 weekday) · number u32 · time of day u32 · zone text · names text
//! ```

pub mod compress;
pub mod names;
pub mod schedule;

use crate::lockfile::sum;
use crate::record::{Bytes, Malformed};

use names::Names;
use schedule::{Schedule, Zone};

/// What is kept of the logs that were put aside; `None` keeps all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// How many.
    pub files: Option<u32>,
    /// For how long after the last record, in seconds.
    pub seconds: Option<u64>,
    /// Bytes of all of them.
    pub bytes: Option<u64>,
}

/// What becomes of the content of logs that were put aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Compression {
    /// They stay as they are.
    #[default]
    None = 0,
    /// gzip.
    Gzip = 1,
    /// Zstandard, in builds with the feature `zstd`.
    Zstd = 2,
}

impl Compression {
    /// What the names of logs end with that are compressed so.
    pub const fn suffix(self) -> &'static str {
        match self {
            Compression::None => "",
            Compression::Gzip => ".gz",
            Compression::Zstd => ".zst",
        }
    }

    /// Whether this build can do it.
    pub const fn is_built_in(self) -> bool {
        !matches!(self, Compression::Zstd) || cfg!(feature = "zstd")
    }
}

/// The rules for one log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// A log never reaches this many bytes, if it has more than one line; 0 sets no limit.
    pub max_bytes: u64,
    /// When it is put aside whatever its size.
    pub schedule: Option<Schedule>,
    /// Whose midnight it is.
    pub zone: Zone,
    /// What it is called then.
    pub names: Names,
    /// Which are kept.
    pub keep: Keep,
    /// How they are kept.
    pub compression: Compression,
}

impl Rotation {
    /// Whether it ever puts a log aside.
    pub fn is_on(&self) -> bool {
        self.max_bytes > 0 || self.schedule.is_some()
    }

    /// What tells the times of one schedule from those of another.
    pub fn fingerprint(&self) -> u64 {
        let mut bytes = Vec::new();
        self.encode_schedule(&mut bytes);
        sum(&bytes)
    }

    /// The rules' bytes; none, if there is no rotation.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.is_on() {
            return out;
        }
        out.extend_from_slice(&self.max_bytes.to_le_bytes());
        out.extend_from_slice(&self.keep.files.unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&self.keep.seconds.unwrap_or(u64::MAX).to_le_bytes());
        out.extend_from_slice(&self.keep.bytes.unwrap_or(u64::MAX).to_le_bytes());
        out.push(self.compression as u8);
        self.encode_schedule(&mut out);
        text(&mut out, self.names.pattern().as_bytes());
        out
    }

    fn encode_schedule(&self, out: &mut Vec<u8>) {
        let (kind, number, at) = match self.schedule {
            None => (0, 0, 0),
            Some(Schedule::Seconds(seconds)) => (1, seconds, 0),
            Some(Schedule::Days { days, at }) => (2, days, at),
            Some(Schedule::Weekday { day, at }) => (3, u32::from(day), at),
        };
        out.push(kind);
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&at.to_le_bytes());
        text(out, self.zone.name().as_bytes());
    }

    /// Reads the rules of a sink.
    ///
    /// # Errors
    /// If they are cut, or of a kind that this version does not know.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let mut rest = Bytes(bytes);
        let max_bytes = rest.u64()?;
        let keep = Keep {
            files: Some(rest.u32()?).filter(|files| *files != u32::MAX),
            seconds: Some(rest.u64()?).filter(|seconds| *seconds != u64::MAX),
            bytes: Some(rest.u64()?).filter(|bytes| *bytes != u64::MAX),
        };
        let compression = match rest.u8()? {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Zstd,
            _ => return Err(Malformed),
        };
        let (kind, number, at) = (rest.u8()?, rest.u32()?, rest.u32()?);
        let schedule = match kind {
            0 => None,
            1 => Some(Schedule::Seconds(number)),
            2 => Some(Schedule::Days { days: number, at }),
            3 => Some(Schedule::Weekday { day: u8::try_from(number).map_err(|_| Malformed)?, at }),
            _ => return Err(Malformed),
        };
        if schedule.is_some_and(|schedule| !schedule.is_sane()) {
            return Err(Malformed);
        }
        let zone = Zone::named(std::str::from_utf8(rest.text()?).map_err(|_| Malformed)?);
        let pattern = std::str::from_utf8(rest.text()?).map_err(|_| Malformed)?;
        let names = Names::parse(pattern).map_err(|_| Malformed)?;
        let rules = Self { max_bytes, schedule, zone, names, keep, compression };
        // Rules that never put a log aside are none, as they are written.
        Ok(if rules.is_on() { rules } else { Self::default() })
    }
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text);
}
