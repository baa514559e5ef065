//! Any bytes are a record or an error, and what is a record is one line.
//!
//! The input is a dictionary and a record: the first two bytes say how long the dictionary is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use undergird_core::dictionary::Dictionary;
use undergird_core::format::JsonFormatter;
use undergird_core::record::{Group, Record, Value};

fuzz_target!(|input: &[u8]| {
    let Some((length, rest)) = input.split_first_chunk::<2>() else { return };
    let split = usize::from(u16::from_le_bytes(*length)).min(rest.len());
    let (entries, bytes) = rest.split_at(split);
    let mut dictionary = Dictionary::new();
    // A dictionary that ends in garbage still serves what stood before.
    let _ = dictionary.extend(entries);
    let Ok(record) = Record::parse(bytes) else { return };

    let mut fragments = false;
    let mut note = |value: Value<'_>| fragments |= matches!(value, Value::Json(_));
    if let Some(args) = record.args {
        let announced = args.size_hint().0;
        assert_eq!(args.inspect(|value| note(*value)).count(), announced);
    }
    for group in [record.context, record.bound, record.fields].into_iter().flatten() {
        let Group { shape, count, .. } = group;
        let mut seen = 0;
        for (key, value) in group {
            assert_eq!(key.is_some(), shape.is_none());
            note(value);
            seen += 1;
        }
        assert_eq!(seen, count);
    }

    let mut line = Vec::new();
    let mut formatter = JsonFormatter::new();
    formatter.line(&record, &dictionary, &mut line);
    assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(line.len() - 1));
    // A fragment is the encoder's word for finished JSON; everything else is made valid here.
    if !fragments {
        serde_json::from_slice::<serde_json::Value>(&line).expect("the line is JSON");
    }

    // Recovery compares a file with the batch formatted again: caches must not show.
    let mut again = Vec::new();
    formatter.line(&record, &dictionary, &mut again);
    assert_eq!(line, again);
});
