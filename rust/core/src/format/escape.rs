//! JSON strings from the bytes of Python strings.
//!
//! Escaped as Python's `json` does with `ensure_ascii=False`: quote, backslash and control characters, and nothing
//! else. Lone surrogates (which Python strings may hold, and records carry in their three-byte form) become `\udXXX`;
//! bytes that are no text at all become `\ufffd`, so that every line is valid UTF-8 and valid JSON.

use super::page::{Page, Room, half, put, word};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Bit 7 of each byte that needs an escape; above the first such byte there may be false ones (a borrow runs upwards).
#[inline]
fn marks(word: u64) -> u64 {
    // Bit tricks after Alan Mycroft's test for a zero byte: `x - 1` borrows into bit 7 only from 0.
    let control = word.wrapping_sub(ONES * 0x20);
    let quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (control | quote | backslash) & !word & HIGHS
}

/// Whether all eight bytes are ASCII and stand for themselves.
#[inline]
fn is_plain(word: u64) -> bool {
    marks(word) | (word & HIGHS) == 0
}

/// Appends `text` as a JSON string with its quotes.
#[inline]
pub(super) fn quoted(text: &[u8], page: &mut Page<'_>) {
    let room = page.room(text.len() + 2);
    put(room, 0, *b"\"");
    let plain = copy_plain(text, &mut room[1..]);
    if plain == text.len() {
        put(room, 1 + plain, *b"\"");
        // SAFETY: a quote, then `plain` bytes (see `copy_plain`), then a quote have been written.
        unsafe { page.advance(plain + 2) };
    } else {
        // SAFETY: a quote, then `plain` bytes (see `copy_plain`) have been written.
        unsafe { page.advance(plain + 1) };
        escaped(&text[plain..], page);
        page.literal(b"\"");
    }
}

/// Copies the beginning of `text` that stands for itself, in whole words; gives its length, or that of a part of it.
/// As many bytes of `room`, which must be longer than `text` by at least eight, have then been written.
#[inline]
fn copy_plain(text: &[u8], room: &mut Room) -> usize {
    let count = text.len();
    if count < 8 {
        let all = short_word(text);
        put(room, 0, all.to_le_bytes());
        return if is_plain(all) { count } else { 0 };
    }
    let room = &mut room[..count];
    let (pieces, _) = text.as_chunks::<8>();
    let (places, _) = room.as_chunks_mut::<8>();
    for (at, (piece, place)) in pieces.iter().zip(places).enumerate() {
        put(place, 0, *piece);
        if !is_plain(u64::from_le_bytes(*piece)) {
            return at * 8;
        }
    }
    // The last word overlaps the one before it.
    let last = word(text, count - 8);
    put(room, count - 8, last.to_le_bytes());
    if is_plain(last) { count } else { count & !7 }
}

/// Up to seven bytes as a word, filled up with spaces.
#[inline]
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

/// Any bytes: texts in UTF-8 piece by piece, and what stands between them.
#[cold]
fn escaped(mut text: &[u8], page: &mut Page<'_>) {
    loop {
        let error = match std::str::from_utf8(text) {
            Ok(valid) => return escaped_utf8(valid.as_bytes(), page),
            Err(error) => error,
        };
        let (valid, rest) = text.split_at(error.valid_up_to());
        escaped_utf8(valid, page);
        text = if let Some((unit, rest)) = surrogate(rest) {
            unicode_escape(unit, page);
            rest
        } else {
            page.literal(b"\\ufffd");
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

fn unicode_escape(unit: u16, page: &mut Page<'_>) {
    let digit = |shift: u16| HEX[usize::from(unit >> shift & 15)];
    page.literal(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

/// Valid UTF-8: clean runs in one copy, escapes between them.
fn escaped_utf8(text: &[u8], page: &mut Page<'_>) {
    let mut rest = text;
    loop {
        let (clean, dirty) = rest.split_at(clean_run(rest));
        page.push(clean);
        let Some((&byte, behind)) = dirty.split_first() else { return };
        match byte {
            b'"' => page.literal(b"\\\""),
            b'\\' => page.literal(b"\\\\"),
            b'\n' => page.literal(b"\\n"),
            b'\r' => page.literal(b"\\r"),
            b'\t' => page.literal(b"\\t"),
            0x08 => page.literal(b"\\b"),
            0x0C => page.literal(b"\\f"),
            _ => unicode_escape(u16::from(byte), page),
        }
        rest = behind;
    }
}

/// How many bytes at the beginning of valid UTF-8 need no escape.
fn clean_run(text: &[u8]) -> usize {
    let mut at = 0;
    while at + 8 <= text.len() {
        let found = marks(word(text, at));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let needs_escape = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    at + text[at..].iter().position(needs_escape).unwrap_or(text.len() - at)
}
