//! The texts of single conversions.

use std::io::Write as _;

use super::{Conversion, Task};
use crate::format::float::{self, Repr};
use crate::format::{bigint, escape};
use crate::record::Value;

impl Task<'_> {
    /// Appends the converted value. That it can be converted has been checked.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self.conversion {
            Conversion::Percent => out.push(b'%'),
            Conversion::Str | Conversion::Repr | Conversion::Ascii => self.text(out),
            Conversion::Decimal => match self.value {
                Value::Int(value) => {
                    self.integer(value < 0, b"", itoa::Buffer::new().format(value.unsigned_abs()).as_bytes(), out);
                }
                Value::Float(value) => {
                    let digits = format!("{:.0}", value.trunc().abs());
                    self.integer(value <= -1.0, b"", digits.as_bytes(), out);
                }
                Value::BigInt(text) => match &bigint::decimal(text).unwrap_or_default()[..] {
                    [b'-', digits @ ..] => self.integer(true, b"", digits, out),
                    digits => self.integer(false, b"", digits, out),
                },
                _ => self.integer(false, b"", if self.value == Value::Bool(true) { b"1" } else { b"0" }, out),
            },
            Conversion::Octal => {
                let value = self.whole();
                self.integer(value < 0, b"0o", format!("{:o}", value.unsigned_abs()).as_bytes(), out);
            }
            Conversion::Hex { upper: false } => {
                let value = self.whole();
                self.integer(value < 0, b"0x", format!("{:x}", value.unsigned_abs()).as_bytes(), out);
            }
            Conversion::Hex { upper: true } => {
                let value = self.whole();
                self.integer(value < 0, b"0X", format!("{:X}", value.unsigned_abs()).as_bytes(), out);
            }
            Conversion::Float { style, upper } => {
                let value = match self.value {
                    Value::Float(value) => value,
                    _ => self.whole() as f64,
                };
                let mut body = Vec::new();
                float::conversion(value, style, self.precision.unwrap_or(6), self.flags.alternate, upper, &mut body);
                match body.strip_prefix(b"-") {
                    Some(size) => self.number(true, b"", 0, size, out),
                    None => self.number(false, b"", 0, &body, out),
                }
            }
            Conversion::Char => {
                let mut body = [0; 4];
                match self.value {
                    Value::Str(text) => self.padded(text, 1, out),
                    _ => self.padded(character(self.whole() as u32, &mut body), 1, out),
                }
            }
        }
    }

    fn whole(&self) -> i64 {
        match self.value {
            Value::Int(value) => value,
            Value::Bool(value) => i64::from(value),
            _ => 0,
        }
    }

    fn text(&self, out: &mut Vec<u8>) {
        if self.width == 0 && self.precision.is_none() {
            return shown(self.value, self.conversion, out);
        }
        let mut whole = Vec::new();
        shown(self.value, self.conversion, &mut whole);
        let end = self.precision.map_or(whole.len(), |precision| end_of(&whole, precision));
        self.padded(&whole[..end], characters(&whole[..end]), out);
    }

    /// An integer: precision is its least number of digits.
    fn integer(&self, negative: bool, prefix: &[u8], digits: &[u8], out: &mut Vec<u8>) {
        let zeros = self.precision.unwrap_or(0).saturating_sub(digits.len());
        let prefix = if self.flags.alternate { prefix } else { b"" };
        self.number(negative, prefix, zeros, digits, out);
    }

    /// Sign, prefix, zeros and digits, padded to the width; zeros of the flag `0` stand behind sign and prefix.
    fn number(&self, negative: bool, prefix: &[u8], zeros: usize, digits: &[u8], out: &mut Vec<u8>) {
        let flags = self.flags;
        let sign: &[u8] = match (negative, flags.plus, flags.blank) {
            (true, ..) => b"-",
            (_, true, _) => b"+",
            (.., true) => b" ",
            _ => b"",
        };
        let missing = self.width.saturating_sub(sign.len() + prefix.len() + zeros + digits.len());
        let (before, between, behind) = match (flags.left, flags.zero) {
            (true, _) => (0, 0, missing),
            (_, true) => (0, missing, 0),
            _ => (missing, 0, 0),
        };
        repeat(b' ', before, out);
        out.extend_from_slice(sign);
        out.extend_from_slice(prefix);
        repeat(b'0', between + zeros, out);
        out.extend_from_slice(digits);
        repeat(b' ', behind, out);
    }

    /// A text, padded with spaces to the width, which counts characters.
    fn padded(&self, text: &[u8], characters: usize, out: &mut Vec<u8>) {
        let missing = self.width.saturating_sub(characters);
        repeat(b' ', if self.flags.left { 0 } else { missing }, out);
        out.extend_from_slice(text);
        repeat(b' ', if self.flags.left { missing } else { 0 }, out);
    }
}

fn repeat(byte: u8, count: usize, out: &mut Vec<u8>) {
    out.extend(std::iter::repeat_n(byte, count));
}

/// Appends `str(value)`, `repr(value)` or `ascii(value)`.
pub(super) fn shown(value: Value<'_>, conversion: Conversion, out: &mut Vec<u8>) {
    match value {
        Value::None => out.extend_from_slice(b"None"),
        Value::Bool(true) => out.extend_from_slice(b"True"),
        Value::Bool(false) => out.extend_from_slice(b"False"),
        Value::Int(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Value::Float(value) => out.extend_from_slice(Repr::new().text(value)),
        Value::Str(text) if conversion != Conversion::Str => quoted(text, out),
        Value::BigInt(text) => out.extend_from_slice(bigint::decimal(text).as_deref().unwrap_or(text)),
        Value::Str(text) | Value::Text(text) | Value::Json(text) => out.extend_from_slice(text),
    }
}

/// Appends `ascii(text)`, which is `repr(text)` for a text in ASCII.
fn quoted(text: &[u8], out: &mut Vec<u8>) {
    let quote = if text.contains(&b'\'') && !text.contains(&b'"') { b'"' } else { b'\'' };
    out.push(quote);
    let mut rest = text;
    while !rest.is_empty() {
        let (code, count) = first_character(rest);
        rest = &rest[count..];
        match code {
            0x09 => out.extend_from_slice(b"\\t"),
            0x0A => out.extend_from_slice(b"\\n"),
            0x0D => out.extend_from_slice(b"\\r"),
            0x5C => out.extend_from_slice(b"\\\\"),
            0x20..0x7F if code == u32::from(quote) => out.extend_from_slice(&[b'\\', quote]),
            0x20..0x7F => out.push(code as u8),
            _ => {
                let escape = match code {
                    0..0x100 => write!(out, "\\x{code:02x}"),
                    0x100..0x1_0000 => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
                escape.expect("a vector takes everything");
            }
        }
    }
    out.push(quote);
}

/// The first character (perhaps a lone surrogate) and the number of its bytes; a byte that begins none is U+FFFD.
fn first_character(bytes: &[u8]) -> (u32, usize) {
    let window = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(window) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&window[..error.valid_up_to()]).unwrap_or_default(),
    };
    match (valid.chars().next(), escape::surrogate(bytes)) {
        (Some(character), _) => (u32::from(character), character.len_utf8()),
        (None, Some((unit, _))) => (u32::from(unit), 3),
        (None, None) => (0xFFFD, 1),
    }
}

/// Whether a string is exactly one character long.
pub(super) fn is_one_character(text: &[u8]) -> bool {
    !text.is_empty() && first_character(text).1 == text.len()
}

/// The bytes of a code point; those of a surrogate in their three-byte form.
fn character(code: u32, bytes: &mut [u8; 4]) -> &[u8] {
    match char::from_u32(code) {
        Some(character) => character.encode_utf8(bytes).as_bytes(),
        None => {
            *bytes = [0xE0 | (code >> 12) as u8 & 15, 0x80 | (code >> 6) as u8 & 63, 0x80 | code as u8 & 63, 0];
            &bytes[..3]
        }
    }
}

/// Characters are counted by their first bytes.
fn is_first(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

fn characters(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| is_first(byte)).count()
}

/// Where the first `count` characters end.
fn end_of(text: &[u8], count: usize) -> usize {
    text.iter().enumerate().filter(|&(_, &byte)| is_first(byte)).nth(count).map_or(text.len(), |(at, _)| at)
}
