//! Decimal digits, eight at a time.

use super::page::{Full, Page};

/// The most that an integer of 64 bits has, sign included.
const LONGEST: usize = 20;

const EIGHT_DIGITS: u64 = 100_000_000;
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The digits of a number below [`EIGHT_DIGITS`], one a byte, the first in the lowest.
///
/// Halves the number until each byte holds a digit, all parts of a step at once; a division by a constant is a
/// multiplication whose high bits are the quotient. (The trick is Paul Khuong's, "How to print integers really fast",
/// 2017.)
#[inline(always)]
fn eight(number: u64) -> u64 {
    let fours = number / 10_000 + ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let twos = hundreds + ((fours - 100 * hundreds) << 16);
    let tens = ((twos * 103) >> 10) & 0x000F_000F_000F_000F;
    tens + ((twos - 10 * tens) << 8)
}

/// The six digits of a number below 1,000,000 and two bytes behind them.
#[inline(always)]
pub(super) fn six_before(number: u32, behind: [u8; 2]) -> [u8; 8] {
    let digits = (eight(number.into()) | ZEROS) >> 16;
    (digits | u64::from(u16::from_le_bytes(behind)) << 48).to_le_bytes()
}

/// Appends an integer.
#[inline(always)]
pub(super) fn integer(number: i64, page: &mut Page) -> Result<(), Full> {
    let room = page.room(LONGEST)?;
    let sign = usize::from(number < 0);
    // SAFETY: a sign and the digits of 64 bits are at most LONGEST bytes, and there is room for eight more.
    unsafe {
        room.write(b'-');
        let count = sign + digits(number.unsigned_abs(), room.add(sign));
        page.advance(count);
    }
    Ok(())
}

/// Writes the digits of a number, and says how many there are.
///
/// # Safety
/// There is room for them and seven bytes more.
#[inline(always)]
unsafe fn digits(number: u64, room: *mut u8) -> usize {
    if number >= EIGHT_DIGITS {
        // SAFETY: the caller's promise.
        return unsafe { many_digits(number, room) };
    }
    let digits = eight(number);
    // The last digit stays, whatever it is.
    let zeros = ((digits | 1 << 56).trailing_zeros() / 8) as usize;
    // SAFETY: eight bytes, of which `8 - zeros` are digits.
    unsafe { room.cast::<[u8; 8]>().write(((digits | ZEROS) >> (8 * zeros)).to_le_bytes()) };
    8 - zeros
}

/// # Safety
/// As [`digits`].
#[inline(never)]
unsafe fn many_digits(number: u64, room: *mut u8) -> usize {
    // SAFETY: what stands before the last eight digits has fewer, and these follow without a gap.
    unsafe {
        let count = digits(number / EIGHT_DIGITS, room);
        room.add(count).cast::<[u8; 8]>().write((eight(number % EIGHT_DIGITS) | ZEROS).to_le_bytes());
        count + 8
    }
}
