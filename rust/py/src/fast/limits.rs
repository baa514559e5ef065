//! What a record can hold, and what is noticed on the way to it.

/// Longer texts are cut, and the record says so.
pub const LONGEST_TEXT: usize = 4 << 20;

/// What was noticed while a payload was put together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noticed {
    /// A text was too long.
    pub truncated: bool,
    /// Python code ran or may have run, so anything may have changed.
    pub ran_python: bool,
}

/// Cuts a text to [`LONGEST_TEXT`], not inside a character.
#[inline]
pub fn clip<'a>(text: &'a [u8], noticed: &mut Noticed) -> &'a [u8] {
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    noticed.truncated = true;
    cut(text)
}

#[cold]
fn cut(text: &[u8]) -> &[u8] {
    let mut end = LONGEST_TEXT;
    while end > 0 && text[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    &text[..end]
}

/// How many of so many fields a record can hold; says so if some are left out.
#[inline]
pub fn countable(fields: usize, noticed: &mut Noticed) -> u16 {
    noticed.truncated |= fields > usize::from(u16::MAX);
    fields.min(u16::MAX.into()) as u16
}
