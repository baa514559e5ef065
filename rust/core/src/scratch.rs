//! The scratch of one call: a payload is put together here, on the caller's stack, before it touches the ring.
//!
//! It belongs to one call alone, because rendering a value may run code that logs again.

use std::mem::MaybeUninit;

/// Payloads up to this size need no allocation.
pub const ON_STACK: usize = 1024;

/// A byte buffer that begins on the stack and moves to the heap when it must.
pub struct Scratch {
    length: usize,
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
        Self { length: 0, heap: Vec::new(), stack: [MaybeUninit::uninit(); ON_STACK] }
    }

    /// What has been written.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        if self.length <= ON_STACK && self.heap.is_empty() {
            // SAFETY: the first `length` bytes of `stack` have been written: `length` grows only in `reserve`'s
            // callers, each of which initialises what it adds.
            unsafe { std::slice::from_raw_parts(self.stack.as_ptr().cast(), self.length) }
        } else {
            &self.heap
        }
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

    /// Overwrites bytes that were written before.
    ///
    /// # Panics
    /// If the range was not written yet.
    pub fn patch(&mut self, at: usize, bytes: &[u8]) {
        let written = self.length;
        let whole: &mut [u8] = if self.heap.is_empty() {
            // SAFETY: as in `as_slice`.
            unsafe { std::slice::from_raw_parts_mut(self.stack.as_mut_ptr().cast(), written) }
        } else {
            &mut self.heap
        };
        whole[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Appends one byte.
    #[inline]
    pub fn byte(&mut self, byte: u8) {
        self.bytes(&[byte]);
    }

    /// Appends bytes.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if end <= ON_STACK && self.heap.is_empty() {
            // SAFETY: the range `length..end` lies inside `stack`, and a shared slice cannot overlap it.
            unsafe {
                let to = self.stack.as_mut_ptr().add(self.length).cast::<u8>();
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
            }
            self.length = end;
        } else {
            self.bytes_on_heap(bytes);
        }
    }

    /// Appends a tag and eight bytes.
    #[inline]
    pub fn tagged_word(&mut self, tag: u8, word: [u8; 8]) {
        let mut both = [0; 9];
        both[0] = tag;
        both[1..].copy_from_slice(&word);
        self.bytes(&both);
    }

    /// Appends a text: its length, then its bytes.
    #[inline]
    pub fn text(&mut self, text: &[u8]) {
        self.bytes(&length_of(text).to_le_bytes());
        self.bytes(text);
    }

    /// Appends a tag and a text.
    #[inline]
    pub fn tagged_text(&mut self, tag: u8, text: &[u8]) {
        let mut both = [0; 5];
        both[0] = tag;
        both[1..].copy_from_slice(&length_of(text).to_le_bytes());
        self.bytes(&both);
        self.bytes(text);
    }

    #[cold]
    fn bytes_on_heap(&mut self, bytes: &[u8]) {
        if self.heap.is_empty() {
            let written = self.as_slice().to_vec();
            self.heap.reserve(written.len() + bytes.len() + ON_STACK);
            self.heap.extend_from_slice(&written);
        }
        self.heap.extend_from_slice(bytes);
        self.length = self.heap.len();
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

    #[test]
    fn patching_changes_bytes_in_place_on_stack_and_heap() {
        for size in [16, 4000] {
            let mut scratch = Scratch::new();
            scratch.bytes(&vec![7; size]);
            scratch.patch(3, &[1, 2]);
            assert_eq!(&scratch.as_slice()[2..6], &[7, 1, 2, 7]);
            assert_eq!(scratch.len(), size);
        }
    }
}
