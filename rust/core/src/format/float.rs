//! Floating-point text exactly as CPython writes it: `repr(x)` and the `%e`, `%f`, `%g` conversions.

use std::io::Write as _;

use super::page::{Full, Page};

/// What CPython's `repr` gives at most: `-2.2250738585072014e-308`.
pub const REPR_MAX: usize = 24;

/// Room for one `repr`.
///
/// ```
/// use undergird_core::format::float::Repr;
/// let mut repr = Repr::new();
/// assert_eq!(repr.text(1e16), b"1e+16");
/// assert_eq!(repr.text(-0.0001), b"-0.0001");
/// assert_eq!(repr.text(f64::NAN), b"nan");
/// ```
pub struct Repr {
    digits: zmij::Buffer,
    text: [u8; REPR_MAX],
}

impl Repr {
    /// An empty buffer.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self { digits: zmij::Buffer::new(), text: [0; REPR_MAX] }
    }

    /// The shortest decimal text that reads back as `value`, laid out as CPython's `repr(float)` does.
    #[inline(always)]
    pub fn text(&mut self, value: f64) -> &[u8] {
        if is_usual(value) {
            return self.digits.format_finite(value).as_bytes();
        }
        self.unusual(value)
    }

    #[cold]
    fn unusual(&mut self, value: f64) -> &[u8] {
        if !value.is_finite() {
            return special(value, false);
        }
        let plain = self.digits.format_finite(value).as_bytes();
        let mut len = 0;
        let mut put = |byte: u8| {
            self.text[len] = byte;
            len += 1;
        };
        let (sign, plain) = match plain {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, plain),
        };
        if sign {
            put(b'-');
        }
        let (mantissa, exponent) = match plain.iter().position(|&byte| byte == b'e') {
            Some(at) => (&plain[..at], &plain[at + 1..]),
            // From 1e-5 to 1e-4 the crate still writes 0.0000ddd.
            None => (plain.strip_prefix(b"0.0000").unwrap_or(plain), &b"-5"[..]),
        };
        let dotted = mantissa.contains(&b'.');
        for (i, &digit) in mantissa.iter().enumerate() {
            if i == 1 && !dotted {
                put(b'.');
            }
            put(digit);
        }
        put(b'e');
        let (down, exponent) = match exponent {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] | rest => (false, rest),
        };
        put(if down { b'-' } else { b'+' });
        if exponent.len() < 2 {
            put(b'0');
        }
        exponent.iter().for_each(|&digit| put(digit));
        &self.text[..len]
    }
}

/// Whether the crate's text is CPython's.
#[inline(always)]
fn is_usual(value: f64) -> bool {
    // Schubfach (Raffaello Giulietti, 2020; the crate's variant is by Victor Zverovich) finds the same digits as
    // CPython's dtoa: the shortest that read back as the number, and of these the nearest. From 1e-4 up to 1e16 the
    // crate lays them out as Python does.
    // Compared as integers: the bits of positive floats have the order of their values.
    const FROM: u64 = 1e-4f64.to_bits();
    const TO: u64 = 1e16f64.to_bits();
    let size = value.abs().to_bits();
    (FROM..TO).contains(&size) || size == 0
}

/// Appends the text of a [`Repr`], or a string where JSON has no number.
#[inline(always)]
pub(super) fn json(value: f64, page: &mut Page) -> Result<(), Full> {
    if !is_usual(value) {
        *page = unusual_json(value, *page)?;
        return Ok(());
    }
    const { assert!(align_of::<zmij::Buffer>() == 1) };
    let room = page.room(size_of::<zmij::Buffer>())?;
    // SAFETY: there is room for a buffer, which may be anywhere, and the buffer is valid once it is written. Its text
    // is not longer than it is.
    unsafe {
        let buffer = room.cast::<zmij::Buffer>();
        buffer.write(zmij::Buffer::new());
        let text = (*buffer).format_finite(value);
        let (begin, count) = (text.as_ptr(), text.len());
        // It stands at the buffer's beginning already, but that is not promised.
        if begin != room {
            std::ptr::copy(begin, room, count);
        }
        page.advance(count);
    }
    Ok(())
}

#[cold]
fn unusual_json(value: f64, mut page: Page) -> Result<Page, Full> {
    match value {
        f64::INFINITY => page.literal(b"\"Infinity\""),
        f64::NEG_INFINITY => page.literal(b"\"-Infinity\""),
        _ if value.is_nan() => page.literal(b"\"NaN\""),
        _ => page.push(Repr::new().unusual(value)),
    }?;
    Ok(page)
}

impl Default for Repr {
    fn default() -> Self {
        Self::new()
    }
}

/// One of the conversions that `%` knows for floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `%e`: one digit, the point, `precision` digits, exponent.
    Exponent,
    /// `%f`: `precision` digits behind the point.
    Fixed,
    /// `%g`: `precision` significant digits, exponent only where it is shorter to read.
    General,
}

/// Appends `value` as C's `%e`, `%f` or `%g` do, with sign but without padding; ties go to the even digit.
///
/// `alternate` is the flag `#`: the point always stays, and `%g` keeps its zeros. `upper` is for `%E %F %G`.
///
/// ```
/// use undergird_core::format::float::{conversion, Style};
/// let mut out = Vec::new();
/// conversion(1234.5678, Style::General, 6, false, false, &mut out);
/// assert_eq!(out, b"1234.57");
/// ```
pub fn conversion(value: f64, style: Style, precision: usize, alternate: bool, upper: bool, out: &mut Vec<u8>) {
    if !value.is_finite() {
        out.extend_from_slice(special(value, upper));
        return;
    }
    match style {
        Style::Fixed => {
            write_all(out, format_args!("{value:.precision$}"));
            if alternate && precision == 0 {
                out.push(b'.');
            }
        }
        Style::Exponent => {
            let (digits, exponent) = significant(value, precision + 1, out);
            layout_exponent(digits, exponent, alternate, upper, out);
        }
        Style::General => {
            let precision = precision.max(1);
            let (mut digits, exponent) = significant(value, precision, out);
            let kept = if alternate { precision } else { significant_len(&digits) };
            digits.truncate(kept);
            if exponent < -4 || exponent >= precision as i32 {
                layout_exponent(digits, exponent, alternate, upper, out);
            } else {
                layout_fixed(&digits, exponent, alternate, out);
            }
        }
    }
}

fn special(value: f64, upper: bool) -> &'static [u8] {
    match (value.is_nan(), value < 0.0, upper) {
        (true, _, false) => b"nan",
        (true, _, true) => b"NAN",
        (_, false, false) => b"inf",
        (_, false, true) => b"INF",
        (_, true, false) => b"-inf",
        (_, true, true) => b"-INF",
    }
}

fn write_all(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a vector takes everything");
}

/// Appends the sign to `out` and gives the first `count` significant digits, correctly rounded, and the exponent of the first.
fn significant(value: f64, count: usize, out: &mut Vec<u8>) -> (Vec<u8>, i32) {
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let mut text = Vec::with_capacity(count + 8);
    write_all(&mut text, format_args!("{:.*e}", count - 1, value.abs()));
    let at = text.iter().position(|&byte| byte == b'e').unwrap_or(text.len());
    let exponent = std::str::from_utf8(&text[at..]).ok().and_then(|tail| tail.get(1..)?.parse().ok()).unwrap_or(0);
    text.truncate(at);
    if count > 1 {
        text.remove(1); // the point
    }
    (text, exponent)
}

/// How many digits are left without the zeros at the end; at least one.
fn significant_len(digits: &[u8]) -> usize {
    digits.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1)
}

fn layout_exponent(digits: Vec<u8>, exponent: i32, alternate: bool, upper: bool, out: &mut Vec<u8>) {
    out.push(digits[0]);
    if digits.len() > 1 || alternate {
        out.push(b'.');
    }
    out.extend_from_slice(&digits[1..]);
    out.push(if upper { b'E' } else { b'e' });
    write_all(out, format_args!("{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs()));
}

fn layout_fixed(digits: &[u8], exponent: i32, alternate: bool, out: &mut Vec<u8>) {
    let Ok(whole) = usize::try_from(exponent + 1) else {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', exponent.unsigned_abs() as usize - 1));
        out.extend_from_slice(digits);
        return;
    };
    if whole == 0 {
        out.extend_from_slice(b"0.");
        out.extend_from_slice(digits);
        return;
    }
    let (before, behind) = digits.split_at(whole.min(digits.len()));
    out.extend_from_slice(before);
    out.extend(std::iter::repeat_n(b'0', whole - before.len()));
    if !behind.is_empty() || alternate {
        out.push(b'.');
    }
    out.extend_from_slice(behind);
}
