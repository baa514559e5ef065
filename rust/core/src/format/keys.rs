//! Which keys the fields of a line have, worked out once for each combination of shapes.
//!
//! A line names each key once: a call's field hides a bound one of the same name, that one the context's, and that
//! one a name of thread, process or task. A field
//! that would be taken for one of the line's own keys gets `_` appended.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::escape;
use super::memory::Memory;
use super::page::Padded;
use super::style::Style;
use crate::dictionary::{Dictionary, Entry};
use crate::record::{Group, INLINE, flags};

/// The line's own keys.
const RESERVED: [&[u8]; 11] = [
    b"timestamp",
    b"level",
    b"logger_name",
    b"message",
    b"function_name",
    b"line_number",
    b"source_file",
    b"exception",
    b"exception_type",
    b"exception_message",
    b"truncated",
];

pub(super) const SIM_TIME: &[u8] = b"sim_time";
pub(super) const HELD_BACK: &[u8] = b"held_back";

/// Its own keys in a record with some flags: what only some programs ask for is a name like any other elsewhere.
fn reserved(flags: u16) -> impl Iterator<Item = &'static [u8]> {
    let asked_for = [(flags::SIM_TIME, SIM_TIME), (flags::HELD_BACK, HELD_BACK)];
    let asked_for = asked_for.into_iter().filter(move |(flag, _)| flags & flag != 0).map(|(_, name)| name);
    RESERVED.into_iter().chain(asked_for)
}

/// What stands before each value of all groups, in order; nothing before a value that is hidden.
type Plan = Vec<Padded>;

#[cold]
#[inline(never)]
fn plan<S: Style>(groups: &[Group<'_>], flags: u16, dictionary: &Dictionary) -> Plan {
    let names: Vec<Cow<'_, [u8]>> =
        groups.iter().flat_map(|group| group_names::<S>(group, flags, dictionary)).collect();
    let mut last = HashMap::with_capacity(names.len());
    for (place, name) in names.iter().enumerate() {
        last.insert(name, place);
    }
    let piece = |(place, name): (usize, &Cow<'_, [u8]>)| {
        Padded::new(if last[name] == place { S::key(name) } else { Vec::new() })
    };
    names.iter().enumerate().map(piece).collect()
}

/// The names under which a group's values are written, as many as there are values.
fn group_names<'a, S: Style>(group: &Group<'a>, flags: u16, dictionary: &'a Dictionary) -> Vec<Cow<'a, [u8]>> {
    let known: &[Box<[u8]>] = shape_of(group, dictionary).unwrap_or(&[]);
    let mut names: Vec<Cow<'a, [u8]>> = Vec::new();
    let mut unsettled = Vec::new();
    let mut fields = *group;
    for place in 0..usize::from(group.count) {
        let key = match group.shape {
            // Where the bytes are no field, nothing will be written.
            INLINE => fields.field().ok().and_then(|(key, _)| key),
            _ => known.get(place).map(|key| &**key),
        };
        let mut changed = false;
        let key = key.map(canonical).map(|key| match S::name(&key) {
            Cow::Borrowed(_) => key,
            Cow::Owned(name) => {
                changed = true;
                Cow::Owned(name)
            }
        });
        // What a name was changed into may be another key's name.
        if changed || key.as_ref().is_none_or(|key| reserved(flags).any(|name| name == &**key)) {
            unsettled.push(place);
        }
        // A value without a key comes from a damaged record; it is kept under its number.
        names.push(key.unwrap_or_else(|| Cow::Owned(format!("field_{place}").into_bytes())));
    }
    if unsettled.is_empty() {
        return names;
    }
    let mut taken: HashSet<Vec<u8>> = reserved(flags).map(<[u8]>::to_vec).collect();
    let mut next = unsettled.iter().peekable();
    for (place, name) in names.iter().enumerate() {
        if next.next_if_eq(&&place).is_none() {
            taken.insert(name.to_vec());
        }
    }
    for place in unsettled {
        let mut name = names[place].to_vec();
        while !taken.insert(name.clone()) {
            name.push(b'_');
        }
        names[place] = Cow::Owned(name);
    }
    names
}

fn shape_of<'a>(group: &Group<'_>, dictionary: &'a Dictionary) -> Option<&'a [Box<[u8]>]> {
    match dictionary.get(group.shape)? {
        Entry::Shape(keys) => Some(keys),
        _ => None,
    }
}

/// The key with each wrong byte replaced and each pair of surrogates joined, so that keys are equal if and only if
/// what a reader of the JSON sees is equal.
fn canonical(key: &[u8]) -> Cow<'_, [u8]> {
    let mut rest = key;
    let mut out = Vec::new();
    loop {
        let error = match std::str::from_utf8(rest) {
            Ok(_) if rest.len() == key.len() => return Cow::Borrowed(key),
            Ok(_) => {
                out.extend_from_slice(rest);
                return Cow::Owned(out);
            }
            Err(error) => error,
        };
        let (valid, behind) = rest.split_at(error.valid_up_to());
        out.extend_from_slice(valid);
        rest = match escape::surrogate(behind) {
            None => {
                out.extend_from_slice("\u{FFFD}".as_bytes());
                &behind[error.error_len().unwrap_or(behind.len())..]
            }
            Some((high, after)) => match escape::surrogate(after) {
                Some((low, after)) if high < 0xDC00 && low >= 0xDC00 => {
                    let joined = char::decode_utf16([high, low]).flatten().next().unwrap_or('\u{FFFD}');
                    out.extend_from_slice(joined.encode_utf8(&mut [0; 4]).as_bytes());
                    after
                }
                _ => {
                    out.extend_from_slice(&behind[..3]);
                    after
                }
            },
        };
    }
}

/// What a plan is remembered by: the shapes of its groups, how many values each has, and the record's own keys.
// Not an array: four comparisons in registers are less than one in memory.
type Key = (u64, u64, u64, u64);

/// The plans of the combinations of shapes seen lately, of one edition of a dictionary.
#[derive(Clone, Debug)]
pub(super) struct Plans {
    memory: Memory<Key, Plan>,
    single: Plan,
}

impl Plans {
    pub(super) fn new() -> Self {
        Self { memory: Memory::new(), single: Plan::new() }
    }

    /// What stands before each value of these groups, of which the later ones hide the earlier.
    #[inline(always)]
    pub(super) fn get<S: Style, const N: usize>(
        &mut self,
        groups: &[Group<'_>; N],
        flags: u16,
        dictionary: &Dictionary,
    ) -> &[Padded] {
        if groups.iter().any(Group::is_inline) {
            self.single = plan::<S>(groups, flags, dictionary);
            return &self.single;
        }
        let part =
            |place: usize| groups.get(place).map_or(0, |group| u64::from(group.shape) << 16 | u64::from(group.count));
        // Which of the line's own keys there are decides on the fields' names too.
        let own = u64::from(flags & (flags::SIM_TIME | flags::HELD_BACK)) << 48;
        let key = (part(0) | own, part(1), part(2), part(3));
        let hash = (key.0 ^ key.1.rotate_left(21) ^ key.2.rotate_left(42) ^ key.3.rotate_left(53))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.memory.get(hash >> 56, key, || plan::<S>(groups, flags, dictionary))
    }
}
