//! Whether a text that claims to be finished JSON may stand in a line as it is.

/// Containers within containers; a deeper fragment is written as a string, because readers give up on it.
const MAX_DEPTH: usize = 128;

/// More digits than CPython turns into an `int` by default; such a number is written as a string.
pub(super) const MAX_DIGITS: usize = 4300;

/// The length of `0` or of a run of digits without a leading zero.
fn whole(text: &[u8]) -> Option<usize> {
    let count = digits(text);
    (count == 1 || (2..=MAX_DIGITS).contains(&count) && text[0] != b'0').then_some(count)
}

fn digits(text: &[u8]) -> usize {
    text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len())
}

/// Whether `text` is one JSON value (RFC 8259) in UTF-8 on one line.
#[inline(never)]
pub(super) fn is_one_line(text: &[u8]) -> bool {
    let one_line = !text.iter().any(|&byte| byte == b'\n' || byte == b'\r');
    one_line && std::str::from_utf8(text).is_ok() && Reader { rest: text, open: Vec::new() }.run().is_some()
}

/// A reader that keeps nothing but the brackets that are open.
struct Reader<'a> {
    rest: &'a [u8],
    open: Vec<u8>,
}

impl Reader<'_> {
    /// `None` at the first thing that is no JSON.
    fn run(mut self) -> Option<()> {
        'value: loop {
            self.space();
            match *self.rest.first()? {
                bracket @ (b'[' | b'{') => {
                    if self.open.len() == MAX_DEPTH {
                        return None;
                    }
                    self.rest = &self.rest[1..];
                    self.space();
                    let close = if bracket == b'[' { b']' } else { b'}' };
                    if self.rest.first() == Some(&close) {
                        self.rest = &self.rest[1..];
                    } else {
                        self.open.push(close);
                        self.key()?;
                        continue 'value;
                    }
                }
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => return None,
            }
            loop {
                self.space();
                let Some(&close) = self.open.last() else {
                    return self.rest.is_empty().then_some(());
                };
                let (&byte, rest) = self.rest.split_first()?;
                self.rest = rest;
                if byte == b',' {
                    self.key()?;
                    continue 'value;
                }
                if byte != close {
                    return None;
                }
                self.open.pop();
            }
        }
    }

    /// In an object, the key and the colon before the next value.
    fn key(&mut self) -> Option<()> {
        if self.open.last() == Some(&b'}') {
            self.space();
            self.string()?;
            self.space();
            self.word(b":")?;
        }
        Some(())
    }

    fn space(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.word(b"\"")?;
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match byte {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let (hex, rest) = self.rest.split_at_checked(4)?;
                self.rest = rest;
                hex.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<()> {
        self.rest = self.rest.strip_prefix(b"-").unwrap_or(self.rest);
        self.rest = &self.rest[whole(self.rest)?..];
        if let [b'.', rest @ ..] = self.rest {
            self.rest = rest;
            self.digits()?;
        }
        if let [b'e' | b'E', rest @ ..] = self.rest {
            self.rest = match rest {
                [b'+' | b'-', rest @ ..] => rest,
                _ => rest,
            };
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let count = digits(self.rest);
        self.rest = &self.rest[count..];
        (count > 0).then_some(())
    }
}
