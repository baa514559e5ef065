//! What the logs are told of refused records: how many in all, by level and by logger.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::dictionary::{Dictionary, Entry};
use crate::format::append_quoted;
use crate::record::{HEADER, Header, INLINE, Kind, Value, encode_group, flags};
use crate::ringfile::{ANY_LEVEL, Refused, RingMemory};
use crate::scratch::Scratch;

/// The level of announcements: a warning.
const LEVEL: u8 = 30;
/// Loggers that are told apart; the others are counted together.
const LOGGERS: usize = 32;
const OTHERS: &[u8] = b"(others)";
/// No ring gets so far; one that says so is damaged.
const FURTHEST: u64 = 1 << 62;

/// A record that tells the logs of a route what they miss.
pub struct Announcement {
    /// Its header.
    pub header: Header,
    /// Its payload.
    pub payload: Scratch,
}

/// What a ring has refused and not told, an announcement for each route: so each log is told of its own records.
pub fn due(memory: &RingMemory, stamp: u64) -> Vec<Announcement> {
    let mut routes = BTreeMap::<u32, Vec<Refused>>::new();
    memory.untold().for_each(|refused| routes.entry(refused.route).or_default().push(refused));
    let head = memory.ring().head();
    if routes.is_empty() || head > FURTHEST || !head.is_multiple_of(8) {
        return Vec::new();
    }
    // The dictionary is read for this alone, which a ring that is full can afford once a second.
    let mut dictionary = Dictionary::new();
    let _ = dictionary.extend(memory.dictionary(0));
    let room = memory.ring().largest().saturating_sub(HEADER);
    // Of a damaged ring anything can be expected; and who logs to no file at all, misses nothing in it.
    let leads = |route: u32| matches!(dictionary.get(route), Some(Entry::Route(sinks)) if !sinks.is_empty());
    let those = routes.into_iter().filter(|(route, _)| leads(*route));
    // What every record of the run bears; where that leaves no room for what there is to say, it is left out.
    let of_the_run = dictionary.fields().filter(|group| group.len() <= room / 2);
    let header = |route| Header {
        kind: Kind::Log as u8,
        level: LEVEL,
        flags: flags::NAME_INLINE | flags::FIELDS | if of_the_run.is_some() { flags::NAMES } else { 0 },
        route,
        name: INLINE,
        stamp,
        ..Header::default()
    };
    those
        .map(|(route, all)| Announcement {
            header: header(route),
            payload: payload(&all, &dictionary, of_the_run, room),
        })
        .collect()
}

fn payload(all: &[Refused], dictionary: &Dictionary, of_the_run: Option<&[u8]>, room: usize) -> Scratch {
    let mut levels = BTreeMap::<Option<i64>, u64>::new();
    let mut loggers = BTreeMap::<&[u8], u64>::new();
    let mut total = 0u64;
    for Refused { level, logger, count, .. } in all {
        total = total.saturating_add(*count);
        let level = levels.entry((*level != ANY_LEVEL).then(|| dictionary.level_number(*level))).or_default();
        *level = level.saturating_add(*count);
        let name = match dictionary.get(*logger) {
            Some(Entry::Name(name)) => name,
            _ => OTHERS,
        };
        let logger = loggers.entry(name).or_default();
        *logger = logger.saturating_add(*count);
    }
    let mut payload = Scratch::new();
    payload.text(b"undergird");
    payload.text(b"records dropped: the log could not keep up");
    payload.bytes(of_the_run.unwrap_or_default());
    encode_group(INLINE, 2 + levels.len() as u16, &mut payload);
    let mut count = |key: &str, count: u64| {
        payload.text(key.as_bytes());
        Value::Int(count as i64).encode(&mut payload);
    };
    count("dropped", total);
    for (level, dropped) in levels {
        match level {
            Some(number) => count(&format!("dropped_level_{number}"), dropped),
            None => count("dropped_level_others", dropped),
        }
    }
    payload.text(b"dropped_loggers");
    let room = room.saturating_sub(payload.len());
    Value::Json(&by_logger(loggers, room)).encode(&mut payload);
    payload
}

/// A JSON object of counts by logger: of those that have lost most, as far as there is room.
fn by_logger(loggers: BTreeMap<&[u8], u64>, room: usize) -> Vec<u8> {
    // Room for the others' count, and for what stands around it.
    let room = room.saturating_sub(64);
    let mut others = loggers.get(OTHERS).copied();
    let mut loggers: Vec<_> = loggers.into_iter().filter(|(name, _)| *name != OTHERS).collect();
    loggers.sort_by_key(|(_, count)| Reverse(*count));
    let mut out = b"{".to_vec();
    for (place, (name, count)) in loggers.into_iter().enumerate() {
        let length = out.len();
        append_count(name, count, &mut out);
        if place >= LOGGERS || out.len() > room {
            out.truncate(length);
            others = Some(others.unwrap_or_default().saturating_add(count));
        }
    }
    if let Some(count) = others {
        append_count(OTHERS, count, &mut out);
    }
    out.push(b'}');
    out
}

fn append_count(name: &[u8], count: u64, out: &mut Vec<u8>) {
    if out.len() > 1 {
        out.push(b',');
    }
    append_quoted(name, out);
    out.extend_from_slice(format!(":{count}").as_bytes());
}
