//! Decimal digits, two at a time.

use super::page::{Full, Page};

/// The most that an integer of 64 bits has, sign included.
const LONGEST: usize = 20;

/// The pairs `00` to `99`, so that two digits are one load and not two divisions; more than a hundred of them, so that
/// a number of seven bits needs no check.
const PAIRS: [[u8; 2]; 128] = {
    let mut pairs = [[b'0'; 2]; 128];
    let mut i = 0;
    while i < 100 {
        pairs[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    pairs
};

/// The digits of a number below 100.
#[inline(always)]
pub(super) fn pair(number: u32) -> [u8; 2] {
    PAIRS[number as usize % PAIRS.len()]
}

/// Appends an integer.
#[inline(always)]
pub(super) fn integer(number: i64, page: &mut Page) -> Result<(), Full> {
    let mut left = number.unsigned_abs();
    let sign = usize::from(number < 0);
    let count = sign + 1 + left.checked_ilog10().unwrap_or(0) as usize;
    let room = page.room(LONGEST)?;
    // SAFETY: a sign and the digits of 64 bits are at most LONGEST bytes. The digits are written from the last to the
    // first, as many as the logarithm says: so they end where the sign does, and the first `count` bytes are written.
    unsafe {
        room.write(b'-');
        let mut at = count;
        while left >= 100 {
            at -= 2;
            room.add(at).cast::<[u8; 2]>().write(pair((left % 100) as u32));
            left /= 100;
        }
        if left >= 10 {
            room.add(at - 2).cast::<[u8; 2]>().write(pair(left as u32));
        } else {
            room.add(at - 1).write(b'0' + left as u8);
        }
        page.advance(count);
    }
    Ok(())
}
