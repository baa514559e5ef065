//! What the formats without brackets share: texts without a character that a terminal would obey, bare or in quotes.

use std::borrow::Cow;
use std::convert::Infallible;

use super::page::{Full, Page, append};
use super::{bigint, decimal, escape, float};
use crate::record::{Site, Value};

/// A byte that has to be looked at as a character.
const ODD: u8 = 0;
/// A byte that stands for itself in quotes.
const QUOTED: u8 = 1;
/// A byte that stands for itself anywhere.
const BARE: u8 = 2;

const CLASSES: [u8; 256] = {
    let mut classes = [ODD; 256];
    let mut byte = b' ';
    while byte < 0x7F {
        classes[byte as usize] = match byte {
            b'"' | b'\\' => ODD,
            b' ' | b'=' => QUOTED,
            _ => BARE,
        };
        byte += 1;
    }
    classes
};

/// What stands for a value that is neither text nor a number of finite size.
pub(super) struct Words {
    pub(super) none: &'static [u8],
    pub(super) yes: &'static [u8],
    pub(super) no: &'static [u8],
    pub(super) nan: &'static [u8],
    pub(super) infinity: &'static [u8],
    pub(super) minus_infinity: &'static [u8],
}

/// Whether a character acts on what shows it, or hides, instead of being shown: control characters, line ends, those that
/// turn the direction of a text, and those that nobody sees. The joiners U+200C and U+200D are spelling, in Persian, in
/// Hindi and in emoji.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{AD}'
                | '\u{61C}'
                | '\u{180E}'
                | '\u{200B}'
                | '\u{200E}'
                | '\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFB}'
        )
}

/// Whether a character must be in quotes, or must not be in a key.
fn is_special(character: char) -> bool {
    is_harmful(character) || character.is_whitespace() || matches!(character, '"' | '=' | '\\' | '\u{FFFD}')
}

/// A text as one word: bare if that can be, else in quotes with JSON's escapes.
pub(super) fn word(text: &[u8], page: Page) -> Result<Page, Full> {
    match class(text) {
        BARE if !text.is_empty() => push(text, page),
        ODD if !text.is_ascii() && std::str::from_utf8(text).is_ok_and(|text| !text.contains(is_special)) => {
            push(text, page)
        }
        _ => quoted(text, page),
    }
}

/// A text in quotes.
pub(super) fn quoted(text: &[u8], mut page: Page) -> Result<Page, Full> {
    page.literal(b"\"")?;
    page = match class(text) {
        ODD => {
            let needs_escape = |character| is_harmful(character) || matches!(character, '"' | '\\');
            escaped(text, page, needs_escape, None)?
        }
        _ => push(text, page)?,
    };
    page.literal(b"\"")?;
    Ok(page)
}

/// A text without quotes: harmful characters as escapes, line ends as `line_end` if there is one.
pub(super) fn shown(text: &[u8], page: Page, line_end: Option<&[u8]>) -> Result<Page, Full> {
    match class(text) {
        ODD => escaped(text, page, is_harmful, line_end),
        _ => push(text, page),
    }
}

/// The value of a field; a finished piece of JSON as `json` has it.
#[inline(always)]
pub(super) fn value(
    value: Value<'_>,
    words: &Words,
    json: impl Fn(&[u8], Page) -> Result<Page, Full>,
    mut page: Page,
) -> Result<Page, Full> {
    match value {
        Value::None => page.push(words.none)?,
        Value::Bool(true) => page.push(words.yes)?,
        Value::Bool(false) => page.push(words.no)?,
        Value::Int(number) => decimal::integer(number, &mut page)?,
        Value::Float(f64::INFINITY) => page.push(words.infinity)?,
        Value::Float(f64::NEG_INFINITY) => page.push(words.minus_infinity)?,
        Value::Float(number) if number.is_nan() => page.push(words.nan)?,
        Value::Float(number) => float::json(number, &mut page)?,
        Value::Str(text) | Value::Text(text) => page = word(text, page)?,
        Value::BigInt(text) => page = word(bigint::decimal(text).as_deref().unwrap_or(text), page)?,
        Value::Json(text) => page = json(text, page)?,
    }
    Ok(page)
}

/// Where the call stands, as fields.
pub(super) fn site(site: Site<'_>, mut page: Page) -> Result<Page, Full> {
    page.literal(b" function_name=")?;
    page = word(site.function, page)?;
    page.literal(b" line_number=")?;
    decimal::integer(i64::from(site.line), &mut page)?;
    page.literal(b" source_file=")?;
    word(site.file, page)
}

/// A field's name as a word that is never in quotes: what cannot be in it is `_`.
pub(super) fn name(key: &[u8]) -> Cow<'_, [u8]> {
    match std::str::from_utf8(key) {
        Ok("") => Cow::Owned(b"_".to_vec()),
        Ok(text) if !text.contains(is_special) => Cow::Borrowed(key),
        _ => Cow::Owned(String::from_utf8_lossy(key).replace(is_special, "_").into_bytes()),
    }
}

/// What stands before a field's value.
pub(super) fn key(name: &[u8]) -> Vec<u8> {
    [b" ", name, b"="].concat()
}

/// What `write` writes, where it does not matter how long that takes.
pub(super) fn vector(write: impl Fn(Page) -> Result<Page, Full>) -> Vec<u8> {
    let mut out = Vec::new();
    let written: Result<(), Infallible> = append(&mut out, |page| Ok(write(page)?));
    let Ok(()) = written;
    out
}

/// The class of the byte that needs the most care.
#[inline(always)]
fn class(text: &[u8]) -> u8 {
    text.iter().map(|byte| CLASSES[usize::from(*byte)]).min().unwrap_or(BARE)
}

#[inline(always)]
fn push(text: &[u8], mut page: Page) -> Result<Page, Full> {
    page.push(text)?;
    Ok(page)
}

/// Any bytes, of whose characters some are written as escapes.
#[inline(never)]
fn escaped(
    text: &[u8],
    page: Page,
    needs_escape: impl Fn(char) -> bool,
    line_end: Option<&[u8]>,
) -> Result<Page, Full> {
    escape::pieces(text, page, |text, page| {
        let mut begin = 0;
        for (at, character) in text.char_indices().filter(|(_, character)| needs_escape(*character)) {
            page.push(&text.as_bytes()[begin..at])?;
            match line_end {
                Some(line_end) if character == '\n' => page.push(line_end)?,
                // All of them have one unit in UTF-16.
                _ => escape::escape(u32::from(character) as u16, page)?,
            }
            begin = at + character.len_utf8();
        }
        page.push(&text.as_bytes()[begin..])
    })
}
