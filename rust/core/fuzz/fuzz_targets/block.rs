//! Any bytes are a block or an error, and its rows are records or errors: as many as it says, in bounded memory.
//!
//! Of the input the first byte is the header's flags, the second the number of rows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use undergird_core::dictionary::Dictionary;
use undergird_core::format::JsonFormatter;
use undergird_core::record::block::{Block, MOST_ROWS, rows_in};
use undergird_core::record::{Header, INLINE, Kind, Record};
use undergird_core::scratch::Scratch;

fuzz_target!(|input: &[u8]| {
    let Some((&[flags, rows], rest)) = input.split_first_chunk::<2>() else { return };
    let payload = [&u32::from(rows).to_le_bytes()[..], rest].concat();
    let rows = rows_in(&payload);
    assert!((1..=MOST_ROWS as u64).contains(&rows));
    let Ok(mut block) = Block::parse(&payload) else { return };
    let header =
        Header { kind: Kind::Block as u8, level: 20, flags: u16::from(flags), name: INLINE, ..Header::default() };
    let (mut formatter, dictionary, mut row) = (JsonFormatter::new(), Dictionary::new(), Scratch::new());
    for _ in 0..rows {
        row.clear();
        if block.next_row(&mut row).is_err() {
            return;
        }
        assert!(row.len() <= 2 * payload.len() + 64 * usize::from(u16::MAX), "a row is no larger than its block");
        let mut line = Vec::new();
        if formatter.line(&Record { header, payload: row.as_slice() }, &dictionary, &mut line).is_ok() {
            assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(line.len() - 1));
            serde_json::from_slice::<&RawValue>(&line).expect("the line is JSON");
        }
    }
});
