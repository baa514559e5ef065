//! JSON strings from the bytes of Python strings.
//!
//! Escaped as Python's `json` does with `ensure_ascii=False`: quote, backslash and control characters, and nothing
//! else. Lone surrogates (which Python strings may hold, and records carry in their three-byte form) become `\udXXX`;
//! bytes that are no text at all become `\ufffd`, so that every line is valid UTF-8 and valid JSON.

use std::convert::Infallible;

use super::block::{Block, HIGHS, ONES, suspects};
use super::page::{Full, Page, append};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `text` as a JSON string with its quotes.
#[inline(always)]
pub(super) fn quoted(text: &[u8], page: &mut Page) -> Result<(), Full> {
    let count = text.len();
    let room = page.room(count + 2)?;
    // SAFETY: there is room for the text and two quotes, and for SLACK bytes more. If `copy_plain` says that it has
    // copied the text, everything between the quotes is written.
    let plain = unsafe {
        room.write(b'"');
        let plain = copy_plain(text, room.add(1));
        room.add(1 + count).write(b'"');
        page.advance(if plain { count + 2 } else { 1 });
        plain
    };
    if !plain {
        *page = escaped(text, *page)?;
    }
    Ok(())
}

/// Appends `text` to a vector, where it does not matter how long that takes.
#[cold]
pub(crate) fn append_quoted(text: &[u8], out: &mut Vec<u8>) {
    let written: Result<(), Infallible> = append(out, |mut page| {
        quoted(text, &mut page)?;
        Ok(page)
    });
    let Ok(()) = written;
}

/// Copies a text, and says whether all of it is ASCII that stands for itself.
///
/// # Safety
/// There is room for the text and seven bytes more.
#[inline(always)]
unsafe fn copy_plain(text: &[u8], room: *mut u8) -> bool {
    let count = text.len();
    // SAFETY: what is written at a place was read at the same place of the text; of what `short_word` fills up at most
    // seven bytes lie behind it.
    unsafe {
        if let Some(last) = text.last_chunk::<16>() {
            let mut odd = Block::of(last).odd();
            let mut at = room;
            // The last block overlaps the one before it.
            for block in text[..count - 1].as_chunks().0 {
                at.cast::<[u8; 16]>().write(*block);
                odd = odd.or(Block::of(block).odd());
                at = at.add(16);
            }
            room.add(count - 16).cast::<[u8; 16]>().write(*last);
            return !odd.any();
        }
        let (first, last) = match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            (Some(first), Some(last)) => (*first, *last),
            _ => {
                let word = short_word(text).to_le_bytes();
                room.cast::<[u8; 8]>().write(word);
                return !Block::new(u64::from_le_bytes(word), u64::from_le_bytes(word)).odd().any();
            }
        };
        room.cast::<[u8; 8]>().write(first);
        room.add(count - 8).cast::<[u8; 8]>().write(last);
        !Block::new(u64::from_le_bytes(first), u64::from_le_bytes(last)).odd().any()
    }
}

/// Up to seven bytes as a word, filled up with spaces.
#[inline(always)]
fn short_word(text: &[u8]) -> u64 {
    let count = text.len();
    let bits = 8 * count as u32;
    let filled = match count {
        0 => 0,
        1..4 => {
            let middle = count / 2;
            u64::from(text[0]) | u64::from(text[middle]) << (8 * middle) | u64::from(text[count - 1]) << (bits - 8)
        }
        _ => u64::from(half(text, 0)) | u64::from(half(text, count - 4)) << (bits - 32),
    };
    filled | (ONES * b' ' as u64) << bits
}

#[inline(always)]
fn word(text: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&text[at..at + 8]);
    u64::from_le_bytes(word)
}

#[inline(always)]
fn half(text: &[u8], at: usize) -> u32 {
    let mut half = [0; 4];
    half.copy_from_slice(&text[at..at + 4]);
    u32::from_le_bytes(half)
}

/// Any bytes as they stand between the quotes; then the quote at the end.
#[cold]
#[inline(never)]
fn escaped(text: &[u8], page: Page) -> Result<Page, Full> {
    let mut page = pieces(text, page, |text, page| escaped_utf8(text.as_bytes(), page))?;
    page.literal(b"\"")?;
    Ok(page)
}

/// Any bytes: texts in UTF-8 piece by piece by way of `write`, and the escapes of what stands between them.
pub(super) fn pieces(
    mut text: &[u8],
    mut page: Page,
    write: impl Fn(&str, &mut Page) -> Result<(), Full>,
) -> Result<Page, Full> {
    loop {
        let error = match std::str::from_utf8(text) {
            Ok(valid) => {
                write(valid, &mut page)?;
                return Ok(page);
            }
            Err(error) => error,
        };
        let (valid, rest) = text.split_at(error.valid_up_to());
        write(std::str::from_utf8(valid).unwrap_or_default(), &mut page)?;
        text = if let Some((unit, rest)) = surrogate(rest) {
            unicode_escape(unit, &mut page)?;
            rest
        } else {
            page.literal(b"\\ufffd")?;
            // No length: the text ends within a character.
            &rest[error.error_len().unwrap_or(rest.len())..]
        };
    }
}

/// A surrogate in its three-byte form at the beginning of `bytes`, and what follows it.
pub(super) fn surrogate(bytes: &[u8]) -> Option<(u16, &[u8])> {
    match bytes {
        [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, rest @ ..] => {
            Some((0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F), rest))
        }
        _ => None,
    }
}

fn unicode_escape(unit: u16, page: &mut Page) -> Result<(), Full> {
    let digit = |shift: u16| HEX[usize::from(unit >> shift & 15)];
    page.literal(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)])
}

/// Valid UTF-8: clean runs in one copy, escapes between them.
fn escaped_utf8(text: &[u8], page: &mut Page) -> Result<(), Full> {
    let mut rest = text;
    loop {
        let (clean, dirty) = rest.split_at(clean_run(rest));
        page.push(clean)?;
        let Some((&byte, behind)) = dirty.split_first() else { return Ok(()) };
        escape(u16::from(byte), page)?;
        rest = behind;
    }
}

/// A character as an escape: the short one, if it has one.
pub(super) fn escape(unit: u16, page: &mut Page) -> Result<(), Full> {
    match unit {
        0x22 => page.literal(b"\\\""),
        0x5C => page.literal(b"\\\\"),
        0x0A => page.literal(b"\\n"),
        0x0D => page.literal(b"\\r"),
        0x09 => page.literal(b"\\t"),
        0x08 => page.literal(b"\\b"),
        0x0C => page.literal(b"\\f"),
        _ => unicode_escape(unit, page),
    }
}

/// How many bytes at the beginning of valid UTF-8 need no escape.
fn clean_run(text: &[u8]) -> usize {
    let mut at = 0;
    while at + 8 <= text.len() {
        let word = word(text, at);
        let found = suspects(word) & !word & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let needs_escape = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    at + text[at..].iter().position(needs_escape).unwrap_or(text.len() - at)
}
