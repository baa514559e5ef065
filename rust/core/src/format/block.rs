//! Bytes of a text, looked at sixteen or eight at once.

#[cfg(target_arch = "x86_64")]
pub(super) use sse2::Block;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use words::Block;

/// Bit 0 of each byte.
pub(super) const ONES: u64 = 0x0101_0101_0101_0101;
/// Bit 7 of each byte.
pub(super) const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Bit 7 of each byte that needs an escape, and of others that are not ASCII; above the first of the former there may
/// be false ones (a borrow runs upwards).
#[inline(always)]
pub(super) fn suspects(word: u64) -> u64 {
    // Bit tricks after Alan Mycroft's test for a zero byte: `x - 1` borrows into bit 7 only from 0.
    let control = word.wrapping_sub(ONES * 0x20);
    let quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    control | quote | backslash
}

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x,
        _mm_set1_epi8,
    };

    /// The bytes, or for each of them whether something is true.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Block(__m128i);

    impl Block {
        #[inline(always)]
        pub(in super::super) fn new(low: u64, high: u64) -> Self {
            // SAFETY: every x86_64 has SSE2.
            Self(unsafe { _mm_set_epi64x(high as i64, low as i64) })
        }

        #[inline(always)]
        pub(in super::super) fn of(bytes: &[u8; 16]) -> Self {
            // SAFETY: as above, and there are sixteen bytes.
            Self(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
        }

        /// Which bytes are not ASCII or do not stand for themselves in JSON.
        #[inline(always)]
        pub(in super::super) fn odd(self) -> Self {
            // SAFETY: as above.
            unsafe {
                // As signed numbers all that are not ASCII are below the space too.
                let special = _mm_cmplt_epi8(self.0, _mm_set1_epi8(b' ' as i8));
                let quote = _mm_cmpeq_epi8(self.0, _mm_set1_epi8(b'"' as i8));
                let backslash = _mm_cmpeq_epi8(self.0, _mm_set1_epi8(b'\\' as i8));
                Self(_mm_or_si128(special, _mm_or_si128(quote, backslash)))
            }
        }

        #[inline(always)]
        pub(in super::super) fn or(self, other: Self) -> Self {
            // SAFETY: as above.
            Self(unsafe { _mm_or_si128(self.0, other.0) })
        }

        #[inline(always)]
        pub(in super::super) fn any(self) -> bool {
            // SAFETY: as above.
            unsafe { _mm_movemask_epi8(self.0) != 0 }
        }
    }
}

/// The same in two words, for other machines.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod words {
    use super::{HIGHS, suspects};

    #[derive(Clone, Copy)]
    pub(in super::super) struct Block([u64; 2]);

    impl Block {
        #[inline(always)]
        pub(in super::super) fn new(low: u64, high: u64) -> Self {
            Self([low, high])
        }

        #[inline(always)]
        pub(in super::super) fn of(bytes: &[u8; 16]) -> Self {
            let whole = u128::from_le_bytes(*bytes);
            Self([whole as u64, (whole >> 64) as u64])
        }

        #[inline(always)]
        pub(in super::super) fn odd(self) -> Self {
            Self(self.0.map(|word| (suspects(word) | word) & HIGHS))
        }

        #[inline(always)]
        pub(in super::super) fn or(self, other: Self) -> Self {
            Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
        }

        #[inline(always)]
        pub(in super::super) fn any(self) -> bool {
            self.0 != [0; 2]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, words};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_block_is_odd_if_one_of_its_bytes_is(
            bytes in prop::array::uniform16(prop_oneof![20 => b' '..0x7F, 1 => any::<u8>(), 1 => 0x1Eu8..0x24, 1 => Just(b'\\')]),
            fill in any::<bool>(),
        ) {
            let bytes = if fill { [bytes[0]; 16] } else { bytes };
            let expected = bytes.iter().any(|&byte| !byte.is_ascii() || byte < b' ' || byte == b'"' || byte == b'\\');
            prop_assert_eq!(Block::of(&bytes).odd().any(), expected);
            prop_assert_eq!(words::Block::of(&bytes).odd().any(), expected);
            let whole = u128::from_le_bytes(bytes);
            let (low, high) = (whole as u64, (whole >> 64) as u64);
            prop_assert_eq!(Block::new(low, low).odd().or(Block::new(high, low).odd()).any(), expected);
            prop_assert_eq!(words::Block::new(low, low).odd().or(words::Block::new(high, low).odd()).any(), expected);
        }
    }
}
