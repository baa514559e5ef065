//! Any bytes are a record or an error, and what is a record is one line.
//!
//! The input is a dictionary and a record: the first two bytes say how long the dictionary is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use undergird_core::dictionary::Dictionary;
use undergird_core::format::JsonFormatter;
use undergird_core::record::Record;

fuzz_target!(|input: &[u8]| {
    let Some((length, rest)) = input.split_first_chunk::<2>() else { return };
    let split = usize::from(u16::from_le_bytes(*length)).min(rest.len());
    let (entries, bytes) = rest.split_at(split);
    let mut dictionary = Dictionary::new();
    // A dictionary that ends in garbage still serves what stood before.
    let _ = dictionary.extend(entries);
    let Ok(record) = Record::parse(bytes) else { return };

    let mut line = b"before\n".to_vec();
    let mut formatter = JsonFormatter::new();
    if formatter.line(&record, &dictionary, &mut line).is_err() {
        assert_eq!(line, b"before\n");
        return;
    }
    let line = line.split_off(b"before\n".len());
    assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(line.len() - 1));
    // Raw: numbers of any size and lone surrogates are for the reader.
    serde_json::from_slice::<&RawValue>(&line).expect("the line is JSON");

    // Recovery compares a file with the batch formatted again: caches must not show.
    let mut again = Vec::new();
    formatter.line(&record, &dictionary, &mut again).expect("as before");
    assert_eq!(line, again);
});
