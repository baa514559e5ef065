//! What stands between a line's stamp and its message: worked out once for each level of a logger.

use super::memory::Memory;
use super::page::Padded;
use super::style::Style;
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
    pub(super) fn get<S: Style>(&mut self, header: &Header, dictionary: &Dictionary) -> &Padded {
        let key = u64::from(header.name) << 8 | u64::from(header.level);
        self.0.get(key ^ key >> 5, key, || {
            let name = match dictionary.get(header.name) {
                Some(Entry::Name(name)) => name,
                _ => &[][..],
            };
            Self::make::<S>(header.level, name, dictionary)
        })
    }

    /// The head of any record.
    #[cold]
    #[inline(never)]
    pub(super) fn make<S: Style>(level: u8, name: &[u8], dictionary: &Dictionary) -> Padded {
        Padded::new(match dictionary.level_name(level) {
            Some(level_name) => S::head(level_name, name),
            None => S::head(format!("Level {level}").as_bytes(), name),
        })
    }
}
