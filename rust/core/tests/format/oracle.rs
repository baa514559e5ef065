//! CPython, asked about many cases at once, and the dice that make the cases.

use std::io::{Seek as _, Write as _};
use std::process::{Command, Stdio};

/// What one Python process answers to `questions`, in order; see `oracle.py`. `UNDERGIRD_PYTHON` says which Python.
pub fn ask(questions: &[String]) -> Vec<String> {
    let python = std::env::var("UNDERGIRD_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut input = tempfile::tempfile().unwrap();
    for question in questions {
        writeln!(input, "{question}").unwrap();
    }
    input.rewind().unwrap();
    let output = Command::new(&python)
        .args(["-X", "utf8", "-W", "ignore", "-c", include_str!("oracle.py")])
        .stdin(input)
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("this test compares with CPython and found no {python}: {error}"));
    assert!(output.status.success(), "{python} ended with {}", output.status);
    let answers: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), questions.len());
    answers
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same cases in each run.
pub struct Dice(pub u64);

impl Dice {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.word() % bound as u64) as usize
    }

    pub fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Floats of all magnitudes, short decimals, ties, neighbours of powers, and what is no number.
    pub fn float(&mut self) -> f64 {
        let sign = if self.one_in(2) { -1.0 } else { 1.0 };
        sign * match self.below(8) {
            0 | 1 => f64::from_bits(self.word()).abs(),
            2 => self.below(2_000_000) as f64 / self.pick(&[1.0, 10.0, 100.0, 1000.0, 1e6]),
            3 => self.below(1000) as f64 + self.pick(&[0.5, 0.25, 0.125, 0.0625]),
            4 => {
                let power = 10f64.powi(self.below(40) as i32 - 20);
                f64::from_bits(power.to_bits() + self.below(5) as u64 - 2)
            }
            5 => self.word() as f64 * self.pick(&[1.0, 1e-10, 1e-20]),
            6 => f64::from_bits(self.word() >> 12) * self.pick(&[1.0, 1e300]),
            _ => self.pick(&[0.0, 1.0, 1e16, 1e-4, 1e-5, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, f64::NAN]),
        }
    }

    pub fn int(&mut self) -> i64 {
        match self.below(4) {
            0 => self.word() as i64,
            1 => self.pick(&[0, 1, -1, i64::MAX, i64::MIN, 0x10_FFFF, 0x11_0000, 0xD800, 65, 233]),
            _ => self.below(2000) as i64 - 1000,
        }
    }

    /// A Python string: ASCII, or with all kinds of characters, lone surrogates among them.
    pub fn text(&mut self) -> Vec<u8> {
        let length = self.pick(&[0, 1, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 24, 40]);
        let ascii = !self.one_in(3);
        let mut text = Vec::new();
        for _ in 0..length {
            let code = match self.below(if ascii { 8 } else { 14 }) {
                0 => self.pick(b"'\"\\\n\t\r\x08\x0c\0\x1f\x7f %{}") as u32,
                1..8 => 0x20 + self.below(95) as u32,
                8 | 9 => self.below(0x800) as u32,
                10 | 11 => self.below(0x1_0000) as u32,
                12 => 0xD800 + self.below(0x800) as u32,
                _ => self.below(0x11_0000) as u32,
            };
            match char::from_u32(code) {
                Some(character) => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
                None => text.extend_from_slice(&[0xED, 0x80 | (code >> 6) as u8 & 63, 0x80 | code as u8 & 63]),
            }
        }
        text
    }
}
