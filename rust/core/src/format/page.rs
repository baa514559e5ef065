//! Where a line grows: the free room of a vector, written directly.
//!
//! Each piece needs more room than it has bytes, so that short ones can be copied in whole words: what is written too
//! much lies behind the end of the line and is overwritten by the next piece, or never looked at.
//!
//! A line that finds no room is not moved to a larger place, but written again there: so nothing changes on the way
//! but where the next piece begins, which stays in a register.

use std::ptr::{NonNull, copy_nonoverlapping as copy};

/// How many bytes a piece may be written too far, and the padding that [`Page::padded`] asks for.
pub(super) const SLACK: usize = 32;

/// Where the first line finds room.
const ROOM: usize = 4096;

/// There is no room for the next piece.
#[derive(Clone, Copy, Debug)]
pub struct Full;

/// Appends what `write` writes to a page. It is called again with a larger page if the page was full.
///
/// # Errors
/// What `write` says; `out` is as before.
#[inline(always)]
pub(super) fn append<E>(out: &mut Vec<u8>, mut write: impl FnMut(Page) -> Result<Page, Stop<E>>) -> Result<(), E> {
    loop {
        match write(Page::new(out)) {
            Ok(page) => {
                let len = page.at.as_ptr() as usize - out.as_ptr() as usize;
                // SAFETY: the page was made of the free room, so everything up to `at` lies in the vector's memory;
                // before the page it was initialised, within the page it has been written.
                unsafe { out.set_len(len) };
                return Ok(());
            }
            Err(Stop::Full) => enlarge(out),
            Err(Stop::Error(error)) => return Err(error),
        }
    }
}

/// Why a line is not finished.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop<E> {
    /// See [`Full`].
    Full,
    /// There is no line.
    Error(E),
}

impl<E> From<Full> for Stop<E> {
    #[inline(always)]
    fn from(_: Full) -> Self {
        Self::Full
    }
}

#[cold]
#[inline(never)]
fn enlarge(out: &mut Vec<u8>) {
    out.reserve(ROOM.max(out.capacity() - out.len() + 1));
}

/// The room in which a line is written.
///
/// A function that borrows a page must be inlined, or the page is in memory and not in registers; others take it and
/// give it back.
#[derive(Clone, Copy)]
pub struct Page {
    /// Where the next piece begins. What lies between the page's beginning and here is written.
    at: NonNull<u8>,
    /// Where the room ends, which is nobody else's as long as there is a page.
    end: *mut u8,
}

impl Page {
    #[inline(always)]
    fn new(out: &mut Vec<u8>) -> Self {
        let room = NonNull::from(out.spare_capacity_mut());
        // SAFETY: the end of what begins there.
        let end = unsafe { room.cast::<u8>().add(room.len()) };
        Self { at: room.cast(), end: end.as_ptr() }
    }

    /// Room for the next `count` bytes and [`SLACK`] more, to be written and then claimed with [`Page::advance`].
    #[inline(always)]
    pub(super) fn room(&self, count: usize) -> Result<*mut u8, Full> {
        let at = self.at.as_ptr();
        if self.end as usize - (at as usize) < count + SLACK { Err(Full) } else { Ok(at) }
    }

    /// Claims bytes written to [`Page::room`].
    ///
    /// # Safety
    /// The last call of `room` asked for at least `count` bytes, and the first `count` of what it gave are written.
    #[inline(always)]
    pub(super) unsafe fn advance(&mut self, count: usize) {
        // SAFETY: by the caller's promise these bytes lie in the room.
        self.at = unsafe { self.at.add(count) };
        debug_assert!(self.at.as_ptr() <= self.end);
    }

    /// Appends bytes.
    #[inline(always)]
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let count = bytes.len();
        let room = self.room(count)?;
        // SAFETY: the room is nobody else's, and `count` bytes of it are written.
        unsafe {
            copy(bytes.as_ptr(), room, count);
            self.advance(count);
        }
        Ok(())
    }

    /// Appends bytes whose number is known when the program is built: a copy without a call.
    #[inline(always)]
    pub(super) fn literal<const N: usize>(&mut self, bytes: &[u8; N]) -> Result<(), Full> {
        self.push(bytes)
    }

    /// Appends three pieces, as [`Page::literal`] one.
    #[inline(always)]
    pub(super) fn three<const A: usize, const B: usize, const C: usize>(
        &mut self,
        a: &[u8; A],
        b: &[u8; B],
        c: &[u8; C],
    ) -> Result<(), Full> {
        let room = self.room(A + B + C)?;
        // SAFETY: the room is nobody else's, and all of it is written.
        unsafe {
            room.cast::<[u8; A]>().write(*a);
            room.add(A).cast::<[u8; B]>().write(*b);
            room.add(A + B).cast::<[u8; C]>().write(*c);
            self.advance(A + B + C);
        }
        Ok(())
    }

    /// Appends a text in whole words.
    #[inline(always)]
    pub(super) fn padded(&mut self, text: &Padded) -> Result<(), Full> {
        let (text, count) = (text.0.as_ptr(), text.len());
        let room = self.room(count)?;
        // SAFETY: behind `count` bytes text and room go on for SLACK bytes, so that what begins within `count` may be
        // as long; the copies reach from the first byte to `count` without a gap.
        unsafe {
            copy(text, room, SLACK);
            if count > SLACK {
                copy(text.add(SLACK), room.add(SLACK), SLACK);
            }
            if count > 2 * SLACK {
                copy(text.add(2 * SLACK), room.add(2 * SLACK), count - 2 * SLACK);
            }
            self.advance(count);
        }
        Ok(())
    }
}

/// A text that is appended often, with [`SLACK`] bytes behind it that are copied too: so it goes in whole words.
#[derive(Clone, Debug)]
pub(super) struct Padded(Box<[u8]>);

impl Padded {
    pub(super) fn new(mut text: Vec<u8>) -> Self {
        text.extend_from_slice(&[0; SLACK]);
        Self(text.into())
    }

    #[inline(always)]
    fn len(&self) -> usize {
        self.0.len() - SLACK
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
