//! Which keys the fields of a line have, worked out once for each combination of shapes.
//!
//! A line names each key once: a call's field hides a bound one of the same name, and that one the context's. A field
//! that would be taken for one of the line's own keys gets `_` appended.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::escape;
use super::page::SLACK;
use crate::dictionary::{Dictionary, Entry};
use crate::record::Group;

/// The line's own keys.
const RESERVED: [&[u8]; 10] = [
    b"timestamp",
    b"level",
    b"logger_name",
    b"message",
    b"function_name",
    b"line_number",
    b"exception",
    b"exception_type",
    b"exception_message",
    b"truncated",
];

/// Combinations of shapes that are remembered; a power of two.
const SLOTS: usize = 256;

/// The dictionary's keys of one shape.
type Shape = Arc<[Box<[u8]>]>;

/// What stands before each value of all groups, in order: `,"key":` and [`SLACK`] bytes; nothing before a value that
/// is hidden.
type Plan = Vec<Box<[u8]>>;

#[cold]
#[inline(never)]
fn plan(groups: &[Group<'_>], dictionary: &Dictionary) -> Plan {
    let names: Vec<Cow<'_, [u8]>> = groups.iter().flat_map(|group| group_names(group, dictionary)).collect();
    let mut last = HashMap::with_capacity(names.len());
    for (place, name) in names.iter().enumerate() {
        last.insert(name, place);
    }
    let piece = |(place, name): (usize, &Cow<'_, [u8]>)| {
        let mut text = Vec::new();
        if last[name] == place {
            text.push(b',');
            escape::append_quoted(name, &mut text);
            text.push(b':');
            text.extend_from_slice(&[0; SLACK]);
        }
        text.into_boxed_slice()
    };
    names.iter().enumerate().map(piece).collect()
}

/// The names under which a group's values are written, as many as there are values.
fn group_names<'a>(group: &Group<'a>, dictionary: &'a Dictionary) -> Vec<Cow<'a, [u8]>> {
    let known: &[Box<[u8]>] = shape_of(group, dictionary).map_or(&[], |shape| shape);
    let mut names: Vec<Cow<'a, [u8]>> = Vec::new();
    let mut unsettled = Vec::new();
    let mut fields = group.into_iter();
    for place in 0..usize::from(group.count) {
        let key = match group.shape {
            Some(_) => known.get(place).map(|key| &**key),
            // Where the bytes are no field, nothing will be written.
            None => fields.next().and_then(|(key, _)| key),
        };
        let key = key.map(canonical);
        if key.as_ref().is_none_or(|key| RESERVED.contains(&&**key)) {
            unsettled.push(place);
        }
        // A value without a key comes from a damaged record; it is kept under its number.
        names.push(key.unwrap_or_else(|| Cow::Owned(format!("field_{place}").into_bytes())));
    }
    if unsettled.is_empty() {
        return names;
    }
    let mut taken: HashSet<Vec<u8>> = RESERVED.iter().map(|name| name.to_vec()).collect();
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

#[inline(always)]
fn shape_of<'a>(group: &Group<'_>, dictionary: &'a Dictionary) -> Option<&'a Shape> {
    match dictionary.get(group.shape?)? {
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

/// A plan and the shapes of its groups. They are known again by their addresses, which are not used for anything else
/// as long as they are kept: an id alone would not do, because the next record may come with another dictionary.
#[derive(Clone, Debug)]
struct Slot {
    shapes: Box<[Shape]>,
    plan: Plan,
}

/// The plans of the combinations of shapes seen lately.
#[derive(Clone, Debug)]
pub(super) struct Plans {
    slots: Box<[Option<Slot>; SLOTS]>,
    single: Plan,
}

impl Plans {
    pub(super) fn new() -> Self {
        Self { slots: Box::new([const { None }; SLOTS]), single: Plan::new() }
    }

    /// What stands before each value of these groups, of which the later ones hide the earlier.
    #[inline(always)]
    pub(super) fn get(&mut self, groups: &[Group<'_>], dictionary: &Dictionary) -> &[Box<[u8]>] {
        let mut hash = 0;
        for group in groups {
            match shape_of(group, dictionary) {
                Some(shape) if shape.len() == usize::from(group.count) => {
                    hash = (hash ^ Arc::as_ptr(shape).addr() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                }
                // Keys that are not, or not all, in the dictionary: a plan for these groups alone.
                _ => {
                    self.single = plan(groups, dictionary);
                    return &self.single;
                }
            }
        }
        let slot = &mut self.slots[(hash >> 56) as usize % SLOTS];
        if !slot.as_ref().is_some_and(|slot| slot.serves(groups, dictionary)) {
            *slot = Some(Slot::new(groups, dictionary));
        }
        slot.as_ref().map_or(&self.single, |slot| &slot.plan)
    }
}

impl Slot {
    #[cold]
    fn new(groups: &[Group<'_>], dictionary: &Dictionary) -> Self {
        let shapes = groups.iter().filter_map(|group| shape_of(group, dictionary).cloned()).collect();
        Self { shapes, plan: plan(groups, dictionary) }
    }

    #[inline(always)]
    fn serves(&self, groups: &[Group<'_>], dictionary: &Dictionary) -> bool {
        let is = |group, known| shape_of(group, dictionary).is_some_and(|shape| Arc::ptr_eq(shape, known));
        self.shapes.len() == groups.len() && groups.iter().zip(&self.shapes).all(|(group, known)| is(group, known))
    }
}
