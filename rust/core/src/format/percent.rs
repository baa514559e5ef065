//! Python's `template % args` for tuples of plain values.
//!
//! Only what is provably CPython's own result is done here: the conversions `s r a d i u o x X e E f F g G c %` with
//! flags, width and precision. A template or an argument outside of that (mapping keys, `%r` of a text that is not
//! ASCII, sizes beyond [`MAX_SIZE`], what Python itself would refuse) *does not fit*, which can be asked before
//! anything is formatted. The rules are those of `unicode_format` in CPython's `Objects/unicodeobject.c`.

mod text;

use super::bigint;
use crate::record::Value;

/// The largest width or precision done here.
pub const MAX_SIZE: u32 = 4096;

/// Hexadecimal digits that have at most 4300 decimal ones: more than these CPython refuses to convert by default.
const LONGEST_INT: usize = 3571;

/// Template and arguments are for Python itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit;

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("template and arguments do not fit")
    }
}

impl std::error::Error for Unfit {}

/// Appends `template % args` to `out`; on an error `out` is as before.
///
/// # Errors
/// [`Unfit`], exactly when [`check`] says no.
///
/// ```
/// use undergird_core::{format::percent, record::Value};
/// let mut out = Vec::new();
/// percent::render(b"%s took %5.1f ms", &[Value::Str(b"load"), Value::Float(2.25)], &mut out).unwrap();
/// assert_eq!(out, b"load took   2.2 ms");
/// assert!(!percent::check(b"%d items", &[Value::Str(b"three")]));
/// ```
pub fn render(template: &[u8], args: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), Unfit> {
    Template::parse(template).ok_or(Unfit)?.render(args, out)
}

/// Whether `template % args` can be done here, with Python's own result.
#[must_use]
pub fn check(template: &[u8], args: &[Value<'_>]) -> bool {
    Template::parse(template).is_some_and(|template| template.fits(args))
}

/// A template that has been read once, to be used many times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: Box<[u8]>,
    specs: Box<[Spec]>,
}

/// One conversion as it stands in the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spec {
    /// Where the text before it begins and ends.
    literal: (usize, usize),
    /// Where it ends itself.
    end: usize,
    flags: Flags,
    width: Size,
    precision: Size,
    conversion: Conversion,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags {
    left: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    zero: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    Absent,
    Given(u32),
    /// `*`: an argument says.
    Argument,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conversion {
    Str,
    Repr,
    Ascii,
    Decimal,
    Octal,
    Hex { upper: bool },
    Float { style: super::float::Style, upper: bool },
    Char,
    Percent,
}

/// A conversion whose sizes are known, and what it converts.
struct Task<'a> {
    flags: Flags,
    width: usize,
    precision: Option<usize>,
    conversion: Conversion,
    value: Value<'a>,
}

impl Template {
    /// Reads a template; `None` if Python would refuse it with any arguments, or if it is not for us.
    #[must_use]
    pub fn parse(template: &[u8]) -> Option<Self> {
        let mut specs = Vec::new();
        let mut begin = 0;
        while let Some(at) = memchr::memchr(b'%', &template[begin..]) {
            let mut reader = Reader { text: template, at: begin + at + 1 };
            let spec = reader.spec((begin, begin + at))?;
            begin = spec.end;
            specs.push(spec);
        }
        Some(Self { text: template.into(), specs: specs.into() })
    }

    /// Whether `template % args` can be done here, with Python's own result. Formats nothing.
    #[must_use]
    pub fn fits(&self, args: &[Value<'_>]) -> bool {
        let mut rest = args;
        self.specs.iter().all(|spec| spec.task(&mut rest).is_some()) && rest.is_empty()
    }

    /// Appends `template % args` to `out`; on an error `out` is as before.
    ///
    /// # Errors
    /// [`Unfit`], exactly when [`Template::fits`] says no.
    pub fn render(&self, args: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), Unfit> {
        let before = out.len();
        let mut rest = args;
        let mut end = 0;
        for spec in &self.specs {
            out.extend_from_slice(&self.text[spec.literal.0..spec.literal.1]);
            let Some(task) = spec.task(&mut rest) else {
                out.truncate(before);
                return Err(Unfit);
            };
            task.write(out);
            end = spec.end;
        }
        if !rest.is_empty() {
            out.truncate(before);
            return Err(Unfit);
        }
        out.extend_from_slice(&self.text[end..]);
        Ok(())
    }
}

/// Appends the arguments as Python shows a tuple, for a template that they do not fit.
pub fn show(args: &[Value<'_>], out: &mut Vec<u8>) {
    out.push(b'(');
    for (place, &value) in args.iter().enumerate() {
        if place > 0 {
            out.extend_from_slice(b", ");
        }
        text::shown(value, Conversion::Ascii, out);
    }
    out.extend_from_slice(if args.len() == 1 { b",)" } else { b")" });
}

impl Spec {
    /// Takes what the conversion needs from `args`; `None` if it is not there or not of the right kind.
    fn task<'a>(&self, args: &mut &[Value<'a>]) -> Option<Task<'a>> {
        let mut flags = self.flags;
        let width = match self.width {
            Size::Absent => 0,
            Size::Given(width) => width as usize,
            Size::Argument => {
                let width = size(next(args)?)?;
                flags.left |= width < 0;
                width.unsigned_abs() as usize
            }
        };
        let precision = match self.precision {
            Size::Absent => None,
            Size::Given(precision) => Some(precision as usize),
            Size::Argument => Some(size(next(args)?)?.max(0) as usize),
        };
        let value = if self.conversion == Conversion::Percent { Value::None } else { next(args)? };
        self.conversion.takes(value).then_some(Task { flags, width, precision, conversion: self.conversion, value })
    }
}

fn next<'a>(args: &mut &[Value<'a>]) -> Option<Value<'a>> {
    let (&first, rest) = args.split_first()?;
    *args = rest;
    Some(first)
}

/// A width or precision that came as an argument.
fn size(value: Value<'_>) -> Option<i64> {
    let size = match value {
        Value::Bool(value) => i64::from(value),
        Value::Int(value) => value,
        _ => return None,
    };
    (size.unsigned_abs() <= u64::from(MAX_SIZE)).then_some(size)
}

impl Conversion {
    /// Whether Python does this conversion with this value, and we know its result.
    fn takes(self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Percent, _) => true,
            // Fragments of JSON stand for containers, whose text in Python is another one.
            (_, Value::Json(_)) => false,
            (Self::Str, Value::Str(_) | Value::Text(_)) => true,
            (Self::Repr, Value::Str(text)) => text.is_ascii(),
            (Self::Ascii, Value::Str(_)) => true,
            (Self::Str | Self::Repr | Self::Ascii, Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_)) => {
                true
            }
            // What is longer might have more digits than Python converts.
            (Self::Str | Self::Repr | Self::Ascii | Self::Decimal, Value::BigInt(text)) => {
                bigint::digits(text).is_some_and(|(_, digits)| digits.len() <= LONGEST_INT)
            }
            (Self::Decimal, Value::Bool(_) | Value::Int(_)) => true,
            (Self::Decimal, Value::Float(value)) => value.is_finite(),
            (Self::Octal | Self::Hex { .. }, value) => matches!(value, Value::Bool(_) | Value::Int(_)),
            (Self::Float { .. }, value) => matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_)),
            (Self::Char, Value::Bool(_)) => true,
            (Self::Char, Value::Int(value)) => (0..0x11_0000).contains(&value),
            (Self::Char, Value::Str(value)) => text::is_one_character(value),
            _ => false,
        }
    }

    fn parse(letter: u8) -> Option<Self> {
        use super::float::Style;
        let upper = letter.is_ascii_uppercase();
        Some(match letter {
            b's' => Self::Str,
            b'r' => Self::Repr,
            b'a' => Self::Ascii,
            b'd' | b'i' | b'u' => Self::Decimal,
            b'o' => Self::Octal,
            b'x' | b'X' => Self::Hex { upper },
            b'e' | b'E' => Self::Float { style: Style::Exponent, upper },
            b'f' | b'F' => Self::Float { style: Style::Fixed, upper },
            b'g' | b'G' => Self::Float { style: Style::General, upper },
            b'c' => Self::Char,
            _ => return None,
        })
    }
}

/// A cursor behind a `%`.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn spec(&mut self, literal: (usize, usize)) -> Option<Spec> {
        let mut flags = Flags::default();
        if self.peek()? == b'%' {
            // Only right behind the first one: Python refuses `%5%`.
            let (width, precision, conversion) = (Size::Absent, Size::Absent, Conversion::Percent);
            return Some(Spec { literal, end: self.at + 1, flags, width, precision, conversion });
        }
        loop {
            match self.peek()? {
                b'-' => flags.left = true,
                b'+' => flags.plus = true,
                b' ' => flags.blank = true,
                b'#' => flags.alternate = true,
                b'0' => flags.zero = true,
                _ => break,
            }
            self.at += 1;
        }
        let width = self.size(Size::Absent)?;
        let precision = if self.peek()? == b'.' {
            self.at += 1;
            self.size(Size::Given(0))?
        } else {
            Size::Absent
        };
        if let b'h' | b'l' | b'L' = self.peek()? {
            self.at += 1;
        }
        let conversion = Conversion::parse(self.peek()?)?;
        Some(Spec { literal, end: self.at + 1, flags, width, precision, conversion })
    }

    fn size(&mut self, default: Size) -> Option<Size> {
        if self.peek()? == b'*' {
            self.at += 1;
            return Some(Size::Argument);
        }
        let mut size = default;
        while let digit @ b'0'..=b'9' = self.peek()? {
            let number = if let Size::Given(number) = size { number } else { 0 };
            let number = number * 10 + u32::from(digit - b'0');
            if number > MAX_SIZE {
                return None;
            }
            size = Size::Given(number);
            self.at += 1;
        }
        Some(size)
    }
}
