//! The scratch of one call: a payload is put together here, on the caller's stack, before it touches the ring.
//!
//! It belongs to one call alone, because rendering a value may run code that logs again.

use std::mem::MaybeUninit;

/// Payloads up to this size need no allocation.
pub const ON_STACK: usize = 1024;

/// A byte buffer that begins on the stack and moves to the heap when it must.
pub struct Scratch {
    length: usize,
    /// Of the stack's array, or of the heap's if that is in use: then it is larger than [`ON_STACK`].
    capacity: usize,
    heap: Vec<u8>,
    stack: [MaybeUninit<u8>; ON_STACK],
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    /// An empty scratch.
    #[inline]
    pub const fn new() -> Self {
        Self { length: 0, capacity: ON_STACK, heap: Vec::new(), stack: [MaybeUninit::uninit(); ON_STACK] }
    }

    /// What has been written.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        let base = if self.capacity == ON_STACK { self.stack.as_ptr().cast() } else { self.heap.as_ptr() };
        // SAFETY: `length` grows only in `claim`, whose callers initialise what they claimed.
        unsafe { std::slice::from_raw_parts(base, self.length) }
    }

    /// Forgets what was written, and keeps the room.
    #[inline]
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// Bytes written so far.
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing has been written.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Appends one byte.
    #[inline(always)]
    pub fn byte(&mut self, byte: u8) {
        let to = self.claim(1);
        // SAFETY: one byte was claimed.
        unsafe { to.write(byte) };
    }

    /// Appends bytes.
    #[inline(always)]
    pub fn bytes(&mut self, bytes: &[u8]) {
        let to = self.claim(bytes.len());
        // SAFETY: that many bytes were claimed, and a shared slice cannot overlap them.
        unsafe { copy(bytes, to) };
    }

    /// Appends a tag and eight bytes.
    #[inline(always)]
    pub fn tagged_word(&mut self, tag: u8, word: [u8; 8]) {
        let to = self.claim(9);
        // SAFETY: nine bytes were claimed.
        unsafe {
            to.write(tag);
            to.add(1).cast::<[u8; 8]>().write(word);
        }
    }

    /// Appends a text: its length, then its bytes.
    #[inline(always)]
    pub fn text(&mut self, text: &[u8]) {
        let to = self.claim(4 + text.len());
        // SAFETY: that many bytes were claimed.
        unsafe {
            to.cast::<[u8; 4]>().write(length_of(text).to_le_bytes());
            copy(text, to.add(4));
        }
    }

    /// Appends a tag and a text.
    #[inline(always)]
    pub fn tagged_text(&mut self, tag: u8, text: &[u8]) {
        let to = self.claim(5 + text.len());
        // SAFETY: that many bytes were claimed.
        unsafe {
            to.write(tag);
            to.add(1).cast::<[u8; 4]>().write(length_of(text).to_le_bytes());
            copy(text, to.add(5));
        }
    }

    /// Room for `count` more bytes, which the caller writes.
    #[inline(always)]
    fn claim(&mut self, count: usize) -> *mut u8 {
        let start = self.length;
        if count > self.capacity - start {
            self.grow(count);
        }
        self.length = start + count;
        let base = if self.capacity == ON_STACK { self.stack.as_mut_ptr().cast() } else { self.heap.as_mut_ptr() };
        // SAFETY: `start` is at most the capacity.
        unsafe { base.add(start) }
    }

    #[cold]
    fn grow(&mut self, count: usize) {
        let mut grown = Vec::with_capacity((self.length + count) * 2 + ON_STACK);
        grown.extend_from_slice(self.as_slice());
        self.capacity = grown.capacity();
        self.heap = grown;
    }
}

/// Copies bytes; short ones, as names and keys are, in two overlapping words instead of a call.
///
/// # Safety
/// `to` is valid for as many bytes, none of them among `bytes`.
#[inline(always)]
unsafe fn copy(bytes: &[u8], to: *mut u8) {
    let (from, count) = (bytes.as_ptr(), bytes.len());
    // SAFETY: in each case both words lie within the `count` bytes of either side.
    unsafe {
        match count {
            8..=16 => {
                to.cast::<[u8; 8]>().write(from.cast::<[u8; 8]>().read());
                to.add(count - 8).cast::<[u8; 8]>().write(from.add(count - 8).cast::<[u8; 8]>().read());
            }
            4..8 => {
                to.cast::<[u8; 4]>().write(from.cast::<[u8; 4]>().read());
                to.add(count - 4).cast::<[u8; 4]>().write(from.add(count - 4).cast::<[u8; 4]>().read());
            }
            _ => std::ptr::copy_nonoverlapping(from, to, count),
        }
    }
}

/// Callers clip texts far below this; a longer one would be a bug of the encoder.
#[inline]
fn length_of(text: &[u8]) -> u32 {
    u32::try_from(text.len()).expect("texts are clipped before they are encoded")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_scratch_holds_what_was_appended(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..12)) {
            let mut scratch = Scratch::new();
            let mut model = Vec::new();
            for piece in &pieces {
                scratch.bytes(piece);
                model.extend_from_slice(piece);
                prop_assert_eq!(scratch.as_slice(), &model[..]);
                prop_assert_eq!(scratch.len(), model.len());
            }
        }
    }
}
