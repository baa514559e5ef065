//! Which keys the fields of a line have, worked out once for each combination of shapes.
//!
//! A line names each key once: a call's field hides a bound one of the same name, and that one the context's. A field
//! that would be taken for one of the line's own keys gets `_` appended.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::escape;
use super::page::{Page, SLACK, same};
use crate::dictionary::{Dictionary, Entry};
use crate::record::{Group, INLINE};

/// Context, bound fields, the call's fields: the later hides the earlier.
pub(super) type Layers<'r, 'a> = [Option<&'r Group<'a>>; 3];

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
type Shape = Box<[Box<[u8]>]>;

/// What stands before each value of a line.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// The pieces one after the other, and [`SLACK`] bytes behind.
    text: Vec<u8>,
    pieces: Vec<Piece>,
}

/// Where in the plan's text a piece `,"key":` stands; a value that is hidden has an empty one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    begin: u32,
    count: u32,
}

impl Plan {
    /// One piece for each value of all layers, in order.
    #[inline]
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Appends a piece; gives whether there is one.
    #[inline]
    pub(super) fn write(&self, piece: Piece, page: &mut Page<'_>) -> bool {
        if piece.count > 0 {
            page.padded(&self.text[piece.begin as usize..], piece.count as usize);
        }
        piece.count > 0
    }

    fn new(layers: &Layers<'_, '_>, dictionary: &Dictionary) -> Self {
        let names: Vec<Cow<'_, [u8]>> =
            layers.iter().flatten().flat_map(|&group| group_names(group, dictionary)).collect();
        let mut last = HashMap::with_capacity(names.len());
        for (place, name) in names.iter().enumerate() {
            last.insert(name, place);
        }
        let mut text = Vec::new();
        let mut page = Page::new(&mut text);
        let mut pieces = Vec::with_capacity(names.len());
        for (place, name) in names.iter().enumerate() {
            let begin = page.end();
            if last[name] == place {
                page.literal(b",");
                escape::quoted(name, &mut page);
                page.literal(b":");
            }
            pieces.push(Piece { begin: begin as u32, count: (page.end() - begin) as u32 });
        }
        text.extend_from_slice(&[0; SLACK]);
        Self { text, pieces }
    }
}

/// The names under which a group's values are written, as many as there are values.
fn group_names<'a>(group: &Group<'a>, dictionary: &'a Dictionary) -> Vec<Cow<'a, [u8]>> {
    let known: &[Box<[u8]>] = shape_of(group, dictionary).map_or(&[], |shape| shape);
    let mut names: Vec<Cow<'a, [u8]>> = Vec::new();
    let mut unsettled = Vec::new();
    for (place, (inline, _)) in group.into_iter().enumerate() {
        let key = inline.or_else(|| known.get(place).map(|key| &**key)).map(canonical);
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

#[inline]
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

/// A plan and what it was made from: an id alone would not do, because the next record may come with another
/// dictionary.
#[derive(Clone, Debug)]
struct Slot {
    ids: [u32; 3],
    shapes: [Option<Shape>; 3],
    plan: Plan,
}

impl Slot {
    #[inline]
    fn serves(&self, ids: [u32; 3], layers: &Layers<'_, '_>, dictionary: &Dictionary) -> bool {
        self.ids == ids
            && layers.iter().zip(&self.shapes).all(|(layer, shape)| match (layer, shape) {
                (Some(group), Some(shape)) => {
                    usize::from(group.count) == shape.len()
                        && shape_of(group, dictionary).is_some_and(|known| same_keys(known, shape))
                }
                (None, None) => true,
                _ => false,
            })
    }
}

#[inline]
fn same_keys(one: &Shape, other: &Shape) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
}

/// The plans of the combinations of shapes seen lately.
#[derive(Clone, Debug)]
pub(super) struct Plans {
    slots: Vec<Option<Box<Slot>>>,
    single: Plan,
}

impl Plans {
    pub(super) fn new() -> Self {
        Self { slots: vec![None; SLOTS], single: Plan::default() }
    }

    /// The plan for these layers.
    #[inline]
    pub(super) fn get(&mut self, layers: &Layers<'_, '_>, dictionary: &Dictionary) -> &Plan {
        let ids = layers.map(|layer| layer.and_then(|group| group.shape).unwrap_or(INLINE));
        let place = place(ids);
        let hit = self.slots[place].as_ref().is_some_and(|slot| slot.serves(ids, layers, dictionary));
        if !hit && !self.make(place, ids, layers, dictionary) {
            return &self.single;
        }
        self.slots[place].as_ref().map_or(&self.single, |slot| &slot.plan)
    }

    /// Makes a plan; gives whether it is one to remember.
    #[cold]
    fn make(&mut self, place: usize, ids: [u32; 3], layers: &Layers<'_, '_>, dictionary: &Dictionary) -> bool {
        let plan = Plan::new(layers, dictionary);
        let shapes = layers.map(|layer| layer.and_then(|group| shape_of(group, dictionary).cloned()));
        let slot = Slot { ids, shapes, plan };
        if slot.serves(ids, layers, dictionary) {
            self.slots[place] = Some(Box::new(slot));
            return true;
        }
        self.single = slot.plan;
        false
    }
}

#[inline]
fn place(ids: [u32; 3]) -> usize {
    let mixed = ids.iter().fold(0u32, |hash, id| (hash.rotate_left(7) ^ id).wrapping_mul(0x9E37_79B1));
    (mixed >> 16) as usize % SLOTS
}
