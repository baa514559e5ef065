//! Any bytes are a record or an error, and what is a record is one line, in text perhaps with indented ones behind it.
//!
//! The input is a dictionary and a record: the first two bytes say how long the dictionary is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use undergird_core::dictionary::Dictionary;
use undergird_core::format::{Formatter, Json, Logfmt, Style, Text};
use undergird_core::record::Record;

fuzz_target!(|input: &[u8]| {
    let Some((length, rest)) = input.split_first_chunk::<2>() else { return };
    let split = usize::from(u16::from_le_bytes(*length)).min(rest.len());
    let (entries, bytes) = rest.split_at(split);
    let mut dictionary = Dictionary::new();
    // A dictionary that ends in garbage still serves what stood before.
    let _ = dictionary.extend(entries);
    let Ok(record) = Record::parse(bytes) else { return };

    let Some(json) = line::<Json>(&record, &dictionary) else {
        assert_eq!(line::<Logfmt>(&record, &dictionary), None);
        assert_eq!(line::<Text>(&record, &dictionary), None);
        return;
    };
    assert_eq!(json.find('\n'), Some(json.len() - 1));
    // Raw: numbers of any size and lone surrogates are for the reader.
    serde_json::from_str::<&RawValue>(&json).expect("the line is JSON");

    let logfmt = line::<Logfmt>(&record, &dictionary).expect("as JSON");
    assert!(logfmt.starts_with("timestamp=") && logfmt.ends_with('\n'));
    assert_eq!(logfmt.find(char::is_control), Some(logfmt.len() - 1));

    let text = line::<Text>(&record, &dictionary).expect("as JSON");
    assert!(text.ends_with('\n'));
    for (number, line) in text.lines().enumerate() {
        assert!(!line.contains(char::is_control) && line.starts_with("    ") == (number > 0));
    }
});

fn line<S: Style>(record: &Record<'_>, dictionary: &Dictionary) -> Option<String> {
    let mut line = b"before\n".to_vec();
    let mut formatter = Formatter::<S>::new();
    if formatter.line(record, dictionary, &mut line).is_err() {
        assert_eq!(line, b"before\n");
        return None;
    }
    let line = line.split_off(b"before\n".len());
    // Recovery compares a file with the batch formatted again: caches must not show.
    let mut again = Vec::new();
    formatter.line(record, dictionary, &mut again).expect("as before");
    assert_eq!(line, again);
    Some(String::from_utf8(line).expect("lines are UTF-8"))
}
