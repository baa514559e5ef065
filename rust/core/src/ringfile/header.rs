//! The header of a ring file.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::{BYTE_ORDER, LOG_DIRECTORY, LONGEST_LOG_DIRECTORY, MAGIC, VERSION};
use crate::lockfile::RingId;
use crate::record::Bytes;
use crate::ring::CONTROL;

/// What the header of a ring says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingHeader {
    /// The ring's name for good.
    pub id: RingId,
    /// The boot in which it was made.
    pub boot: [u8; 16],
    /// The process that made it.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// When that process started, in ticks since boot.
    pub process_start: u64,
    /// When the ring was made, in nanoseconds since the epoch.
    pub created: u64,
    /// Where the logs are.
    pub log_directory: PathBuf,
    pub(super) dictionary: (usize, usize),
    pub(super) data: (usize, usize),
}

/// Why bytes are not a ring that can be read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotARing {
    /// They begin with something else.
    Foreign,
    /// A later version, or another byte order.
    Version(u32),
    /// The header contradicts itself or the file's size.
    Damaged(&'static str),
}

impl std::fmt::Display for NotARing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotARing::Foreign => f.write_str("not a ring file"),
            NotARing::Version(version) => {
                write!(f, "a ring of format version {version}, which this version does not know")
            }
            NotARing::Damaged(what) => write!(f, "a damaged ring: {what}"),
        }
    }
}

impl std::error::Error for NotARing {}

impl RingHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(CONTROL);
        out.extend_from_slice(&MAGIC);
        for word in [VERSION, BYTE_ORDER] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&self.id);
        out.extend_from_slice(&self.boot);
        for word in [self.pid, self.uid] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        let places = [self.dictionary.0, self.dictionary.1, self.data.0, self.data.1].map(|place| place as u64);
        for word in [self.process_start, self.created].into_iter().chain(places) {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.resize(LOG_DIRECTORY, 0);
        let path = self.log_directory.as_os_str().as_bytes();
        let path = if path.len() <= LONGEST_LOG_DIRECTORY { path } else { &[] };
        out.extend_from_slice(&(path.len() as u32).to_le_bytes());
        out.extend_from_slice(path);
        out
    }

    /// Bytes of the file up to the end of its last part.
    pub(super) fn end(&self) -> usize {
        [self.dictionary, self.data].map(|(at, length)| at + length).into_iter().max().unwrap_or(CONTROL)
    }

    /// Reads and checks a header; `bytes` is the whole file.
    ///
    /// # Errors
    /// [`NotARing`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NotARing> {
        let short = |_| NotARing::Damaged("it is too short");
        let mut rest = Bytes(bytes);
        if rest.array::<8>().map_err(|_| NotARing::Foreign)? != MAGIC {
            return Err(NotARing::Foreign);
        }
        let (version, order) = (rest.u32().map_err(short)?, rest.u32().map_err(short)?);
        if version != VERSION || order != BYTE_ORDER {
            return Err(NotARing::Version(version));
        }
        if bytes.len() < CONTROL {
            return Err(NotARing::Damaged("it is too short"));
        }
        let id = rest.array().map_err(short)?;
        let boot = rest.array().map_err(short)?;
        let (pid, uid) = (rest.u32().map_err(short)?, rest.u32().map_err(short)?);
        let (process_start, created) = (rest.u64().map_err(short)?, rest.u64().map_err(short)?);
        let mut place = || rest.u64().ok().and_then(|place| usize::try_from(place).ok()).unwrap_or(usize::MAX);
        let dictionary = (place(), place());
        let data = (place(), place());
        let fits = |(at, length): (usize, usize)| {
            at >= CONTROL && at.checked_add(length).is_some_and(|end| end <= bytes.len())
        };
        if !fits(dictionary) || !fits(data) || !data.1.is_power_of_two() || data.1 < 128 || !data.0.is_multiple_of(8) {
            return Err(NotARing::Damaged("its parts do not lie in the file"));
        }
        let mut rest = Bytes(&bytes[LOG_DIRECTORY..CONTROL]);
        let log_directory = rest.text().map_err(|_| NotARing::Damaged("its log directory is cut"))?;
        let log_directory = PathBuf::from(OsStr::from_bytes(log_directory));
        Ok(Self { id, boot, pid, uid, process_start, created, log_directory, dictionary, data })
    }
}
