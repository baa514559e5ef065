//! Integers of any size: they come as Python's `hex` writes them, which takes time in proportion to their length, and
//! become decimal here, which takes more (in proportion to its square), away from the thread that logs.

use std::io::Write as _;

/// Hexadecimal digits of the largest integer that is written in decimal: 32,768 bits, up to 9,865 decimal digits.
pub(super) const LONGEST: usize = 8192;

const BILLION: u64 = 1_000_000_000;

/// The hexadecimal digits of an integer, and whether it is negative; `None` if that is not what the text is.
pub(super) fn digits(text: &[u8]) -> Option<(bool, &[u8])> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let digits = text.strip_prefix(b"0x").filter(|digits| !digits.is_empty())?;
    digits.iter().all(u8::is_ascii_hexdigit).then_some((negative, digits))
}

/// The integer in decimal; `None` if the text is no integer or has more than [`LONGEST`] digits.
///
/// Cost: about 0.2 µs for 128 bits, 2 ms for the largest.
pub(super) fn decimal(text: &[u8]) -> Option<Vec<u8>> {
    let (negative, digits) = digits(text).filter(|(_, digits)| digits.len() <= LONGEST)?;
    // Nine decimal digits each, the lowest first.
    let mut parts: Vec<u32> = Vec::new();
    for eight in digits.rchunks(8).rev() {
        let value = eight.iter().fold(0, |value, digit| value << 4 | u64::from(hexadecimal(*digit)));
        // The number so far times 2³², plus these. What is carried stays below that.
        let mut carry = value;
        for part in &mut parts {
            let sum = (u64::from(*part) << 32) + carry;
            *part = (sum % BILLION) as u32;
            carry = sum / BILLION;
        }
        while carry > 0 {
            parts.push((carry % BILLION) as u32);
            carry /= BILLION;
        }
    }
    let mut out = Vec::with_capacity(1 + 9 * parts.len());
    let highest = parts.pop();
    if negative && highest.is_some() {
        out.push(b'-');
    }
    write!(out, "{}", highest.unwrap_or(0)).expect("a vector takes everything");
    parts.iter().rev().for_each(|part| write!(out, "{part:09}").expect("a vector takes everything"));
    Some(out)
}

fn hexadecimal(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}
