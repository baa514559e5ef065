//! What stands between a line's stamp and its message: worked out once for each level of a logger.

use super::escape;
use super::memory::Memory;
use super::page::Padded;
use crate::dictionary::{Dictionary, Entry};
use crate::record::Header;

/// The heads seen lately, of one edition of a dictionary.
#[derive(Clone, Debug)]
pub(super) struct Heads(Memory<u64, Padded>);

impl Heads {
    pub(super) fn new() -> Self {
        Self(Memory::new())
    }

    /// The head of a record whose logger is in the dictionary.
    #[inline(always)]
    pub(super) fn get(&mut self, header: &Header, dictionary: &Dictionary) -> &Padded {
        let key = u64::from(header.name) << 8 | u64::from(header.level);
        self.0.get(key ^ key >> 5, key, || {
            let name = match dictionary.get(header.name) {
                Some(Entry::Name(name)) => name,
                _ => &[][..],
            };
            head(header.level, name, dictionary)
        })
    }
}

/// From the comma behind the stamp to the colon before the message.
#[cold]
#[inline(never)]
pub(super) fn head(level: u8, name: &[u8], dictionary: &Dictionary) -> Padded {
    let mut text = b",\"level\":".to_vec();
    match dictionary.level_name(level) {
        Some(level_name) => escape::append_quoted(level_name, &mut text),
        None => escape::append_quoted(format!("Level {level}").as_bytes(), &mut text),
    }
    text.extend_from_slice(b",\"logger_name\":");
    escape::append_quoted(name, &mut text);
    text.extend_from_slice(b",\"message\":");
    Padded::new(text)
}
