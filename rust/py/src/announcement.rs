//! What was refused, until the stream has said so: how many in all, by level and by logger.

use std::collections::BTreeMap;

use pyo3::Python;
use undergird_core::record::{Header, INLINE, Kind, Value, encode_group, flags};
use undergird_core::scratch::Scratch;

use crate::host::wall_ns;
use crate::producer::GilSide;
use crate::runtime::Runtime;

/// Nanoseconds between two announcements at least.
const PAUSE: u64 = 1_000_000_000;
/// Loggers that are told apart; the others are counted together.
const LOGGERS: usize = 32;
const OTHERS: &[u8] = b"(others)";

/// Refused records of which the stream has not been told.
#[derive(Debug, Default)]
pub struct Refusals {
    levels: BTreeMap<u8, u64>,
    loggers: BTreeMap<Box<[u8]>, u64>,
    /// When the stream was told last, in nanoseconds since the epoch.
    told: u64,
}

impl Refusals {
    /// Counts so many records of a level and a logger.
    pub fn add(&mut self, level: u8, logger: &[u8], count: u64) {
        *self.levels.entry(level).or_default() += count;
        let known = self.loggers.len() < LOGGERS || self.loggers.contains_key(logger);
        let logger = if known { logger } else { OTHERS };
        match self.loggers.get_mut(logger) {
            Some(refused) => *refused += count,
            None => drop(self.loggers.insert(logger.into(), count)),
        }
    }

    /// The payload of the record that tells of them.
    fn payload(&self) -> Scratch {
        let mut payload = Scratch::new();
        payload.text(b"undergird");
        payload.text(b"records dropped: the log could not keep up");
        encode_group(INLINE, 2 + self.levels.len() as u16, &mut payload);
        payload.text(b"dropped");
        Value::Int(self.levels.values().sum::<u64>() as i64).encode(&mut payload);
        for (level, count) in &self.levels {
            payload.text(format!("dropped_level_{level}").as_bytes());
            Value::Int(*count as i64).encode(&mut payload);
        }
        payload.text(b"dropped_loggers");
        Value::Json(self.by_logger().as_bytes()).encode(&mut payload);
        payload
    }

    /// A JSON object of counts by logger.
    fn by_logger(&self) -> String {
        let counts = self.loggers.iter().map(|(logger, count)| {
            let mut name = String::new();
            for character in String::from_utf8_lossy(logger).chars() {
                match character {
                    '"' | '\\' => name.extend(['\\', character]),
                    control if control < ' ' => name.push_str(&format!("\\u{:04x}", control as u32)),
                    other => name.push(other),
                }
            }
            format!("\"{name}\":{count}")
        });
        format!("{{{}}}", counts.collect::<Vec<_>>().join(","))
    }
}

/// Says in the stream what was refused since the last time, if that is long enough ago.
#[cold]
pub fn announce(runtime: &Runtime, gil: &mut GilSide, route: usize) {
    let now = wall_ns();
    if now.checked_sub(gil.refusals.told).is_none_or(|since| since >= PAUSE) {
        tell(runtime, gil, route, now);
    }
}

/// Says what has not been said yet, before a ring ends.
pub fn announce_rest(_py: Python<'_>, runtime: &Runtime) {
    // SAFETY: the GIL is held, and nothing here runs Python.
    let gil = unsafe { runtime.gil() };
    if gil.announce
        && let Some(route) = gil.routes.iter().position(|route| route.dropped > 0)
    {
        tell(runtime, gil, route, wall_ns());
    }
}

fn tell(runtime: &Runtime, gil: &mut GilSide, route: usize, now: u64) {
    let payload = gil.refusals.payload();
    let header = Header {
        kind: Kind::Log as u8,
        level: 30,
        flags: flags::NAME_INLINE | flags::FIELDS,
        route: gil.routes[route].id,
        name: INLINE,
        stamp: now,
        ..Header::default()
    };
    if gil.push(&runtime.memory, runtime.ring_path(), header, payload.as_slice()).is_ok() {
        gil.routes[route].emitted += 1;
        gil.refusals = Refusals { told: now, ..Refusals::default() };
        gil.announce = false;
    }
}
