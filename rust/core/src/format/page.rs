//! Where a line grows: a vector whose free room is written directly.
//!
//! Each piece gets more room than it has bytes, so that short ones can be copied in whole words: what is written too
//! much lies behind the end of the line and is overwritten by the next piece, or never looked at.

use std::mem::MaybeUninit;

/// How many bytes a piece may be written too far, and the padding that [`Page::padded`] asks for.
pub(super) const SLACK: usize = 16;

/// Free room behind the end of a page.
pub(super) type Room = [MaybeUninit<u8>];

/// A growing line at the end of a vector. Every method makes the room that it needs.
pub(super) struct Page<'a>(&'a mut Vec<u8>);

impl<'a> Page<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self(out)
    }

    /// What the vector holds, from `begin` on.
    #[inline]
    pub(super) fn since(&self, begin: usize) -> &[u8] {
        &self.0[begin..]
    }

    /// Where the next piece begins.
    #[inline]
    pub(super) fn end(&self) -> usize {
        self.0.len()
    }

    /// Room for the next `count` bytes and [`SLACK`] more, to be written and then claimed with [`Page::advance`].
    #[inline]
    pub(super) fn room(&mut self, count: usize) -> &mut Room {
        let needed = count + SLACK;
        if self.0.capacity() - self.0.len() < needed {
            self.grow(needed);
        }
        &mut self.0.spare_capacity_mut()[..needed]
    }

    /// Claims bytes written to [`Page::room`].
    ///
    /// # Safety
    /// The last call of `room` asked for at least `count` bytes, and the first `count` of what it gave are written.
    #[inline]
    pub(super) unsafe fn advance(&mut self, count: usize) {
        let end = self.0.len() + count;
        debug_assert!(end <= self.0.capacity());
        // SAFETY: by the caller's promise these bytes lie within the capacity and are initialised.
        unsafe { self.0.set_len(end) };
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        self.0.reserve(needed);
    }

    /// Appends bytes.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Appends bytes whose number is known when the program is built.
    #[inline]
    pub(super) fn literal<const N: usize>(&mut self, bytes: &[u8; N]) {
        put(self.room(N), 0, *bytes);
        // SAFETY: `put` has written N bytes.
        unsafe { self.advance(N) };
    }

    /// Appends the first `count` bytes of a text that goes on for at least [`SLACK`] bytes behind them.
    #[inline]
    pub(super) fn padded(&mut self, text: &[u8], count: usize) {
        let room = self.room(count);
        let mut at = 0;
        while at < count {
            copy::<SLACK>(text, at, room);
            at += SLACK;
        }
        // SAFETY: the loop has written everything up to `at`, which has reached `count`.
        unsafe { self.advance(count) };
    }

    /// Appends a text; one of up to 32 bytes without a call.
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
                copy::<1>(text, 0, room);
                copy::<1>(text, count / 2, room);
                copy::<1>(text, count - 1, room);
            }
            _ => return self.push(text),
        }
        // SAFETY: in each case the copies reach from the first to the last of `count` bytes without a gap.
        unsafe { self.advance(count) };
    }
}

/// Writes bytes to a place in the room.
#[inline]
pub(super) fn put<const N: usize>(room: &mut Room, at: usize, bytes: [u8; N]) {
    room[at..at + N].copy_from_slice(&bytes.map(MaybeUninit::new));
}

/// Copies some bytes of a text to the same place in the room.
#[inline]
fn copy<const N: usize>(from: &[u8], at: usize, room: &mut Room) {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&from[at..at + N]);
    put(room, at, bytes);
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
