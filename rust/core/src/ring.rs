//! A single-producer, single-consumer byte ring over a [`Region`].
//!
//! Positions are absolute: they count every byte ever pushed and never wrap. The producer copies a record and
//! then publishes it by moving `head`; the consumer moves `tail` when the record is no longer needed. Since
//! nothing becomes visible before it is whole, a process that is killed at any instruction leaves a ring in which
//! every published record can be read. (The scheme is Lamport's bounded buffer, "Proving the Correctness of
//! Multiprocess Programs", 1977; caching the other side's position is from Lee et al., MCRingBuffer, 2010.)
//!
//! A record lies in one piece: where it does not fit before the end of the memory, a pad entry fills the rest.

use std::sync::Arc;

use crate::record::{HEADER, Header, Kind};
use crate::region::{Lent, Region};
use crate::sync::Ordering;

/// Bytes at the start of a region for what is not data; each line of 128 bytes holds one shared word.
pub const CONTROL: usize = 4096;
/// Offset of `head`: everything before it has been published. Written by the producer.
pub const HEAD: usize = 0x100;
/// Offset of `tail`: everything before it may be overwritten. Written by the consumer.
pub const TAIL: usize = 0x180;

/// The room is taken; nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Bytes that no producer of this ring has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt {
    /// The position at which reading stopped.
    pub position: u64,
}

/// Where in a region the records lie.
#[derive(Clone, Debug)]
pub struct Ring {
    region: Arc<Region>,
    data: usize,
    capacity: u64,
}

impl Ring {
    /// The ring whose data are the `capacity` bytes at offset `data`.
    ///
    /// # Panics
    /// If the capacity is not a power of two of at least 128, or does not lie in the region behind the control
    /// words.
    pub fn new(region: Arc<Region>, data: usize, capacity: usize) -> Self {
        assert!(capacity.is_power_of_two() && capacity >= 128, "capacity {capacity} is not a power of two from 128");
        assert!(
            data >= CONTROL && data.is_multiple_of(8) && data + capacity <= region.len(),
            "data outside of the region"
        );
        Self { region, data, capacity: capacity as u64 }
    }

    /// Bytes of data.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The largest record, header included: an eighth of the ring.
    pub fn largest(&self) -> usize {
        (self.capacity / 8) as usize
    }

    #[inline]
    fn offset(&self, position: u64) -> usize {
        self.data + (position & (self.capacity - 1)) as usize
    }

    /// What has been published.
    #[inline]
    pub fn head(&self) -> u64 {
        // ORDERING: Acquire pairs with the Release in `Producer::push`: the record's bytes are seen.
        self.region.atomic(HEAD).load(Ordering::Acquire)
    }

    /// What may be overwritten.
    #[inline]
    pub fn tail(&self) -> u64 {
        // ORDERING: Acquire pairs with the Release in `release`: the consumer's reads are over.
        self.region.atomic(TAIL).load(Ordering::Acquire)
    }

    /// Bytes in use, or more: who asks may be neither of the two that change it.
    pub fn used(&self) -> u64 {
        // The other way round the tail might be the further one.
        let tail = self.tail();
        self.head() - tail
    }

    /// Gives everything before `tail` back to the producer. Only the consumer calls this.
    #[inline]
    pub fn release(&self, tail: u64) {
        // ORDERING: Release pairs with the Acquire in `tail`: our reads come before the producer's next writes.
        self.region.atomic(TAIL).store(tail, Ordering::Release);
    }

    /// The record at a position before `head`, pads skipped; `None` if only pads were left.
    ///
    /// # Errors
    /// [`Corrupt`] if the bytes cannot be a record of this ring.
    // Always: what is found stays in registers.
    #[inline(always)]
    pub fn entry(&self, mut position: u64, head: u64) -> Result<Option<Entry>, Corrupt> {
        while position < head {
            match self.piece(position, head)? {
                Piece::Record(entry) => return Ok(Some(entry)),
                Piece::Pad(next) => position = next,
            }
        }
        Ok(None)
    }

    /// The record or the pad at a position before `head`.
    #[inline(always)]
    fn piece(&self, position: u64, head: u64) -> Result<Piece, Corrupt> {
        let corrupt = Corrupt { position };
        let to_end = self.capacity - (position & (self.capacity - 1));
        let available = to_end.min(head - position);
        if !position.is_multiple_of(8) || available < 8 {
            return Err(corrupt);
        }
        let at = self.offset(position);
        // A pad may be shorter than a header: of its eight bytes the first five say what it is.
        let mut start = [0; 8];
        // SAFETY: published and not yet released, so the producer leaves these bytes alone.
        unsafe { self.region.read(at, &mut start) };
        let start = u64::from_le_bytes(start);
        let (length, kind) = (start as u32, (start >> 32) as u8);
        let padded = (u64::from(length) + 7) & !7;
        if padded == 0 || padded > available {
            return Err(corrupt);
        }
        if kind == Kind::Pad as u8 {
            return Ok(Piece::Pad(position + padded));
        }
        if (length as usize) < HEADER {
            return Err(corrupt);
        }
        let mut bytes = [0; HEADER];
        // SAFETY: as above.
        unsafe { self.region.read(at, &mut bytes) };
        let header = Header::from_bytes(&bytes);
        if header.position != position {
            return Err(corrupt);
        }
        Ok(Piece::Record(Entry { header, payload: at + HEADER, next: position + padded }))
    }

    /// The next position from which records can be read again after corruption, at most `head`.
    pub fn resume(&self, after: u64, head: u64) -> u64 {
        // One piece a step, pads not followed: a ring full of false pads would take quadratic time.
        let mut position = (after & !7).saturating_add(8);
        while position < head {
            if matches!(self.piece(position, head), Ok(Piece::Record(_))) {
                return position;
            }
            position = position.saturating_add(8);
        }
        head
    }

    /// The payload of an entry.
    ///
    /// # Safety
    /// The entry's bytes have not been released since it was read.
    #[inline]
    pub unsafe fn payload(&self, entry: &Entry) -> Lent<'_> {
        // SAFETY: the caller's promise: the producer does not write here before the release.
        unsafe { self.region.bytes(entry.payload, entry.header.length as usize - HEADER) }
    }
}

enum Piece {
    Record(Entry),
    /// The position behind it.
    Pad(u64),
}

/// A record found in the ring.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its header.
    pub header: Header,
    /// The position behind it.
    pub next: u64,
    payload: usize,
}

/// The writing side. There is one for each ring.
#[derive(Debug)]
pub struct Producer {
    ring: Ring,
    head: u64,
    /// The consumer's position when last looked at; it can only have moved on since.
    tail: u64,
}

impl Producer {
    /// Goes on where the ring's `head` stands.
    ///
    /// # Safety
    /// There is no other producer of this ring.
    pub unsafe fn new(ring: Ring) -> Self {
        let (head, tail) = (ring.head(), ring.tail());
        Self { ring, head, tail }
    }

    /// The ring.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The position behind the last record.
    #[inline]
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Bytes in use, as far as is known without looking at the consumer.
    #[inline]
    pub fn used_at_most(&self) -> u64 {
        self.head - self.tail
    }

    /// Bytes in use now.
    pub fn used(&mut self) -> u64 {
        self.tail = self.ring.tail();
        self.head - self.tail
    }

    /// Where a record with a payload of `length` bytes will begin.
    pub fn next_position(&self, length: usize) -> u64 {
        self.head + self.pad_before((HEADER + length).next_multiple_of(8) as u64)
    }

    /// Whether there is room for a record with a payload of `length` bytes.
    pub fn has_room(&mut self, length: usize) -> bool {
        self.tail = self.ring.tail();
        let padded = (HEADER + length).next_multiple_of(8) as u64;
        self.head + self.pad_before(padded) + padded - self.tail <= self.ring.capacity
    }

    /// Bytes to leave out so that `padded` bytes lie in one piece.
    #[inline]
    fn pad_before(&self, padded: u64) -> u64 {
        let to_end = self.ring.capacity - (self.head & (self.ring.capacity - 1));
        if padded > to_end { to_end } else { 0 }
    }

    /// Appends a record; `length` and `position` of the header are filled in.
    ///
    /// # Errors
    /// [`Full`] if there is no room; nothing was written.
    ///
    /// # Panics
    /// If the record is larger than [`Ring::largest`].
    #[inline]
    pub fn push(&mut self, mut header: Header, payload: &[u8]) -> Result<u64, Full> {
        let length = HEADER + payload.len();
        assert!(length <= self.ring.largest(), "a record of {length} bytes does not go into the ring");
        let padded = length.next_multiple_of(8) as u64;
        let pad = self.pad_before(padded);
        let end = self.head + pad + padded;
        if end - self.tail > self.ring.capacity {
            self.tail = self.ring.tail();
            if end - self.tail > self.ring.capacity {
                return Err(Full);
            }
        }
        if pad > 0 {
            let mut bytes = [0; 8];
            bytes[..4].copy_from_slice(&(pad as u32).to_le_bytes());
            // SAFETY: the range from `head` on is free (checked above): the consumer has left it, and we are the
            // only producer.
            unsafe { self.ring.region.write(self.ring.offset(self.head), &bytes) };
        }
        let position = self.head + pad;
        header.length = length as u32;
        header.position = position;
        let at = self.ring.offset(position);
        // SAFETY: as above.
        unsafe {
            self.ring.region.write(at, &header.to_bytes());
            self.ring.region.write(at + HEADER, payload);
        }
        self.head = end;
        // ORDERING: Release pairs with the Acquire in `Ring::head`: who sees the position sees the bytes.
        self.ring.region.atomic(HEAD).store(end, Ordering::Release);
        Ok(position)
    }
}
