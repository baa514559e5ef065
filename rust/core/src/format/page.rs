//! The page on which one line is put together.
//!
//! It is a buffer that is always written from its beginning and keeps its bytes, so that short pieces can be copied
//! in whole words: what is written too much lies behind the end of the line and is overwritten by the next piece.

/// How many bytes a piece may be written too far, and the padding that [`Page::padded`] asks for.
pub(super) const SLACK: usize = 16;

/// A page is given back when it has grown beyond this for an unusually long line.
const KEPT: usize = 1 << 20;

/// A growing line. Every method makes the room that it needs.
#[derive(Clone, Debug)]
pub(super) struct Page {
    bytes: Vec<u8>,
    end: usize,
}

impl Page {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; 1024], end: 0 }
    }

    /// Begins a new line.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.end = 0;
        if self.bytes.len() > KEPT {
            *self = Self::new();
        }
    }

    /// The line so far.
    #[inline]
    pub(super) fn line(&self) -> &[u8] {
        &self.bytes[..self.end]
    }

    /// The next `count` bytes and [`SLACK`] more, to be written and then claimed with [`Page::advance`].
    #[inline]
    pub(super) fn room(&mut self, count: usize) -> &mut [u8] {
        let needed = self.end + count + SLACK;
        if self.bytes.len() < needed {
            self.grow(needed);
        }
        &mut self.bytes[self.end..needed]
    }

    /// Claims bytes written to [`Page::room`].
    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        self.end += count;
        debug_assert!(self.end <= self.bytes.len());
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        self.bytes.resize(needed.next_power_of_two(), 0);
    }

    /// Appends bytes.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.room(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Appends bytes whose number is known when the program is built.
    #[inline]
    pub(super) fn literal<const N: usize>(&mut self, bytes: &[u8; N]) {
        self.room(N)[..N].copy_from_slice(bytes);
        self.end += N;
    }

    /// Appends the first `count` bytes of a text that goes on for at least [`SLACK`] bytes behind them.
    #[inline]
    pub(super) fn padded(&mut self, text: &[u8], count: usize) {
        let room = self.room(count);
        let mut at = 0;
        loop {
            room[at..at + SLACK].copy_from_slice(&text[at..at + SLACK]);
            at += SLACK;
            if at >= count {
                break;
            }
        }
        self.end += count;
    }

    /// Appends a text of at most 32 bytes that is short enough to be copied without a call.
    #[inline]
    pub(super) fn short(&mut self, text: &[u8]) {
        let count = text.len();
        let room = self.room(count);
        match count {
            16..=32 => {
                copy::<16>(text, 0, room);
                copy::<16>(text, count - 16, room);
            }
            8..16 => {
                copy::<8>(text, 0, room);
                copy::<8>(text, count - 8, room);
            }
            4..8 => {
                copy::<4>(text, 0, room);
                copy::<4>(text, count - 4, room);
            }
            1..4 => {
                room[0] = text[0];
                room[count / 2] = text[count / 2];
                room[count - 1] = text[count - 1];
            }
            _ => room[..count].copy_from_slice(text),
        }
        self.end += count;
    }
}

#[inline]
fn copy<const N: usize>(from: &[u8], at: usize, to: &mut [u8]) {
    to[at..at + N].copy_from_slice(&from[at..at + N]);
}

/// Whether two texts are equal; without a call where they are as short as names and keys are.
#[inline]
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    let count = one.len();
    if count != other.len() {
        return false;
    }
    match count {
        8..=16 => word(one, 0) == word(other, 0) && word(one, count - 8) == word(other, count - 8),
        4..8 => half(one, 0) == half(other, 0) && half(one, count - 4) == half(other, count - 4),
        _ => one == other,
    }
}

/// Eight bytes of a text.
#[inline]
pub(super) fn word(text: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&text[at..at + 8]);
    u64::from_le_bytes(word)
}

/// Four bytes of a text.
#[inline]
pub(super) fn half(text: &[u8], at: usize) -> u32 {
    let mut half = [0; 4];
    half.copy_from_slice(&text[at..at + 4]);
    u32::from_le_bytes(half)
}
