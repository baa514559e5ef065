//! The dictionary of a ring: texts that would otherwise stand in every record, written once and known by number.
//!
//! ```text
//! entry    length u32 (payload) · kind u8 · three zero bytes · payload · padding to eight
//! Name     text
//! Shape    count u16 · texts                         the keys of a group of fields
//! Level    index u8 · number i64 · text              a level that is not one of the standard five, or renamed
//! Sink     kind u8 · format u8 · flags u16 · text · rotation   a file and how it is written; behind it, where it is a
//!          handler's: device u64 · inode u64
//! Route    count u16 · sink ids u32                  the sinks of a record
//! Fields   group                                     what every record of the run bears, for who announces something
//! ```
//!
//! It only grows; an entry's number is its place in the order of entries.

use std::sync::Arc;

use crate::format::Format;
use crate::record::{Bytes, Group, Malformed};
use crate::rotation::Rotation;

/// Bytes of an entry before its payload.
pub const ENTRY_HEADER: usize = 8;

/// Which kind of thing an entry describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EntryKind {
    /// A logger's name.
    Name = 1,
    /// The keys of a group.
    Shape = 2,
    /// A level.
    Level = 3,
    /// A sink.
    Sink = 4,
    /// A route.
    Route = 5,
    /// Fields of the run.
    Fields = 6,
}

/// A sink as the dictionary knows it, enough for another process to write to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkEntry {
    /// [`FILE`] or [`HANDLERS_FILE`].
    pub kind: u8,
    /// A [`crate::format::Format`].
    pub format: u8,
    /// Reserved, 0.
    pub flags: u16,
    /// The file's absolute path.
    pub path: Box<[u8]>,
    /// When it is put aside.
    pub rotation: Rotation,
    /// Device and inode of a handler's file.
    pub identity: (u64, u64),
}

/// The kind of a sink that is the file at its path, whichever that is.
pub const FILE: u8 = 0;
/// The kind of a sink that is a file which a handler has open, wherever that is.
pub const HANDLERS_FILE: u8 = 1;

impl SinkEntry {
    /// A file of lines of JSON.
    pub fn file(path: &[u8]) -> Self {
        Self { kind: FILE, format: 0, flags: 0, path: path.into(), rotation: Rotation::default(), identity: (0, 0) }
    }

    /// A file that a handler has open, of lines as they are given.
    pub fn of_handler(path: &[u8], identity: (u64, u64)) -> Self {
        Self { kind: HANDLERS_FILE, format: Format::Given as u8, identity, ..Self::file(path) }
    }
}

/// One entry of the dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A logger's name.
    Name(Box<[u8]>),
    /// The keys of a group.
    Shape(Box<[Box<[u8]>]>),
    /// A level: the index that records carry, its number, its name.
    Level {
        /// What records carry.
        index: u8,
        /// The standard library's number.
        number: i64,
        /// Its name.
        name: Box<[u8]>,
    },
    /// A sink.
    Sink(SinkEntry),
    /// The ids of the sinks that a record goes to.
    Route(Box<[u32]>),
    /// The group of the fields that every record of the run bears, with their keys.
    Fields(Box<[u8]>),
}

impl Entry {
    /// The entry's bytes, header and padding included.
    pub fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        let text = |out: &mut Vec<u8>, text: &[u8]| {
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
            out.extend_from_slice(text);
        };
        let kind = match self {
            Entry::Name(name) => {
                text(&mut payload, name);
                EntryKind::Name
            }
            Entry::Shape(keys) => {
                payload.extend_from_slice(&(keys.len() as u16).to_le_bytes());
                keys.iter().for_each(|key| text(&mut payload, key));
                EntryKind::Shape
            }
            Entry::Level { index, number, name } => {
                payload.push(*index);
                payload.extend_from_slice(&number.to_le_bytes());
                text(&mut payload, name);
                EntryKind::Level
            }
            Entry::Sink(sink) => {
                payload.extend_from_slice(&[sink.kind, sink.format]);
                payload.extend_from_slice(&sink.flags.to_le_bytes());
                text(&mut payload, &sink.path);
                text(&mut payload, &sink.rotation.encode());
                if sink.kind == HANDLERS_FILE {
                    payload.extend_from_slice(&sink.identity.0.to_le_bytes());
                    payload.extend_from_slice(&sink.identity.1.to_le_bytes());
                }
                EntryKind::Sink
            }
            Entry::Route(sinks) => {
                payload.extend_from_slice(&(sinks.len() as u16).to_le_bytes());
                sinks.iter().for_each(|sink| payload.extend_from_slice(&sink.to_le_bytes()));
                EntryKind::Route
            }
            Entry::Fields(group) => {
                payload.extend_from_slice(group);
                EntryKind::Fields
            }
        };
        let mut out = Vec::with_capacity(ENTRY_HEADER + payload.len() + 7);
        out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        out.extend_from_slice(&[kind as u8, 0, 0, 0]);
        out.extend_from_slice(&payload);
        out.resize(out.len().next_multiple_of(8), 0);
        out
    }

    /// Whether the ring has an account for it.
    pub fn has_account(&self) -> bool {
        matches!(self, Entry::Sink(_) | Entry::Route(_))
    }

    fn parse(kind: u8, payload: &[u8]) -> Result<Self, Malformed> {
        let mut bytes = Bytes(payload);
        let entry = match kind {
            kind if kind == EntryKind::Name as u8 => Entry::Name(bytes.text()?.into()),
            kind if kind == EntryKind::Shape as u8 => {
                let count = bytes.u16()?;
                // No `with_capacity`: the count is not to be trusted before the texts have been seen.
                let keys: Result<Vec<_>, _> = (0..count).map(|_| bytes.text().map(Box::from)).collect();
                Entry::Shape(keys?.into())
            }
            kind if kind == EntryKind::Level as u8 => Entry::Level {
                index: bytes.u8()?,
                number: i64::from_le_bytes(bytes.array()?),
                name: bytes.text()?.into(),
            },
            kind if kind == EntryKind::Sink as u8 => {
                let mut sink = SinkEntry {
                    kind: bytes.u8()?,
                    format: bytes.u8()?,
                    flags: bytes.u16()?,
                    path: bytes.text()?.into(),
                    rotation: Rotation::parse(bytes.text()?)?,
                    identity: (0, 0),
                };
                if sink.kind == HANDLERS_FILE {
                    sink.identity = (bytes.u64()?, bytes.u64()?);
                }
                Entry::Sink(sink)
            }
            kind if kind == EntryKind::Route as u8 => {
                let count = bytes.u16()?;
                let sinks: Result<Vec<_>, _> = (0..count).map(|_| bytes.u32()).collect();
                Entry::Route(sinks?.into())
            }
            kind if kind == EntryKind::Fields as u8 => {
                Group::skip(&mut bytes)?;
                Entry::Fields(payload[..payload.len() - bytes.0.len()].into())
            }
            _ => return Err(Malformed),
        };
        if bytes.0.is_empty() { Ok(entry) } else { Err(Malformed) }
    }
}

/// The reader's copy of a dictionary, which follows the writer's as it grows.
#[derive(Debug, Default)]
pub struct Dictionary {
    entries: Vec<Entry>,
    /// The name of each level index, the latest one if it was renamed.
    levels: Vec<Option<Box<[u8]>>>,
    read: usize,
    edition: Edition,
}

/// What a dictionary holds: as long as it is the same, so is all that was made from the dictionary. No other one has it.
// A piece of memory of its own: no two that live at the same time have the same address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edition(Arc<()>);

impl PartialEq for Edition {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Dictionary {
    /// An empty dictionary.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of the dictionary that have been read so far.
    pub fn read(&self) -> usize {
        self.read
    }

    /// Reads what was appended: `bytes` begins where [`Dictionary::read`] ends.
    ///
    /// # Errors
    /// [`Malformed`] at the first entry that is none; the entries before it are kept.
    pub fn extend(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut bytes = Bytes(bytes);
        while !bytes.0.is_empty() {
            let before = bytes.0.len();
            let length = bytes.u32()? as usize;
            let [kind, zeros @ ..] = bytes.array::<4>()?;
            let padded = length.checked_next_multiple_of(8).ok_or(Malformed)?;
            let payload = &bytes.take(padded)?[..length];
            if zeros != [0; 3] {
                return Err(Malformed);
            }
            let entry = Entry::parse(kind, payload)?;
            if let Entry::Level { index, name, .. } = &entry {
                let index = usize::from(*index);
                if self.levels.len() <= index {
                    self.levels.resize(index + 1, None);
                }
                self.levels[index] = Some(name.clone());
            }
            self.entries.push(entry);
            self.edition = Edition::default();
            self.read += before - bytes.0.len();
        }
        Ok(())
    }

    /// The entry of a number.
    #[inline]
    pub fn get(&self, id: u32) -> Option<&Entry> {
        self.entries.get(id as usize)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries with their numbers.
    pub fn entries(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (0..).zip(&self.entries)
    }

    #[inline(always)]
    pub(crate) fn edition(&self) -> &Edition {
        &self.edition
    }

    /// The group of the fields that every record of the run bears, if there are any.
    pub(crate) fn fields(&self) -> Option<&[u8]> {
        self.entries.iter().find_map(|entry| if let Entry::Fields(group) = entry { Some(&**group) } else { None })
    }

    /// The name of a level: the dictionary's, else the standard library's for its five.
    pub fn level_name(&self, index: u8) -> Option<&[u8]> {
        let named = self.levels.get(usize::from(index)).and_then(Option::as_deref);
        named.or_else(|| standard_level(index))
    }

    /// The number of a level: the dictionary's, else its index.
    pub fn level_number(&self, index: u8) -> i64 {
        let number = |entry: &Entry| match entry {
            Entry::Level { index: known, number, .. } if *known == index => Some(*number),
            _ => None,
        };
        self.entries.iter().rev().find_map(number).unwrap_or_else(|| i64::from(index))
    }
}

/// The name that a level's index has without an entry: those of the standard library's five levels.
pub fn standard_level(index: u8) -> Option<&'static [u8]> {
    Some(match index {
        10 => b"DEBUG",
        20 => b"INFO",
        30 => b"WARNING",
        40 => b"ERROR",
        50 => b"CRITICAL",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{INLINE, Value, encode_group};
    use crate::scratch::Scratch;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = Box<[u8]>> {
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Into::into)
    }

    fn group(fields: &[(Box<[u8]>, i64)]) -> Box<[u8]> {
        let mut group = Scratch::new();
        encode_group(INLINE, fields.len() as u16, &mut group);
        for (key, value) in fields {
            group.text(key);
            Value::Int(*value).encode(&mut group);
        }
        group.as_slice().into()
    }

    fn entry() -> impl Strategy<Value = Entry> {
        prop_oneof![
            text().prop_map(Entry::Name),
            prop::collection::vec(text(), 0..6).prop_map(|keys| Entry::Shape(keys.into())),
            (any::<u8>(), any::<i64>(), text()).prop_map(|(index, number, name)| Entry::Level { index, number, name }),
            (any::<u8>(), any::<u8>(), any::<u16>(), text()).prop_map(|(kind, format, flags, path)| Entry::Sink(
                SinkEntry { kind, format, flags, path, rotation: Rotation::default(), identity: (0, 0) }
            )),
            (text(), any::<(u64, u64)>())
                .prop_map(|(path, identity)| Entry::Sink(SinkEntry::of_handler(&path, identity))),
            prop::collection::vec(any::<u32>(), 0..6).prop_map(|sinks| Entry::Route(sinks.into())),
            prop::collection::vec((text(), any::<i64>()), 0..6).prop_map(|fields| Entry::Fields(group(&fields))),
        ]
    }

    proptest! {
        #[test]
        fn entries_come_back_under_their_numbers_however_they_are_read(
            entries in prop::collection::vec(entry(), 0..20), cut in 0usize..20,
        ) {
            let encoded: Vec<Vec<u8>> = entries.iter().map(Entry::encode).collect();
            let cut = cut.min(encoded.len());
            let mut dictionary = Dictionary::new();
            dictionary.extend(&encoded[..cut].concat()).unwrap();
            dictionary.extend(&encoded[cut..].concat()).unwrap();
            prop_assert_eq!(dictionary.read(), encoded.concat().len());
            prop_assert_eq!(dictionary.len(), entries.len());
            for (id, entry) in dictionary.entries() {
                prop_assert_eq!(entry, &entries[id as usize]);
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut dictionary = Dictionary::new();
            let _ = dictionary.extend(&bytes);
            prop_assert!(dictionary.read() <= bytes.len());
        }
    }

    #[test]
    fn a_renamed_level_has_its_latest_name() {
        let mut dictionary = Dictionary::new();
        assert_eq!(dictionary.level_name(20), Some(&b"INFO"[..]));
        assert_eq!(dictionary.level_name(25), None);
        for name in [&b"EMERGENCE"[..], b"NOTICE"] {
            let entry = Entry::Level { index: 25, number: 25, name: name.into() };
            dictionary.extend(&entry.encode()).unwrap();
        }
        assert_eq!(dictionary.level_name(25), Some(&b"NOTICE"[..]));
    }
}
