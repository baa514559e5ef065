//! Any bytes are entries up to the first that is none, however they arrive.

#![no_main]

use libfuzzer_sys::fuzz_target;
use undergird_core::dictionary::Dictionary;

fuzz_target!(|input: &[u8]| {
    let Some((cut, bytes)) = input.split_first() else { return };
    let mut dictionary = Dictionary::new();
    let whole = dictionary.extend(bytes);
    assert!(dictionary.read() <= bytes.len());
    assert_eq!(whole.is_ok(), dictionary.read() == bytes.len());

    // A reader that looks earlier sees a part, and goes on from there.
    let mut follower = Dictionary::new();
    let cut = usize::from(*cut) * bytes.len() / 256;
    let _ = follower.extend(&bytes[..cut]);
    let _ = follower.extend(&bytes[follower.read()..]);
    assert_eq!(follower.read(), dictionary.read());
    assert_eq!(follower.len(), dictionary.len());

    let mut encoded = Vec::new();
    for (id, entry) in dictionary.entries() {
        assert_eq!(follower.get(id), Some(entry));
        encoded.extend_from_slice(&entry.encode());
    }
    for index in 0..=255 {
        assert_eq!(follower.level_name(index), dictionary.level_name(index));
    }
    // What was read can be written; only the padding is free.
    let mut again = Dictionary::new();
    again.extend(&encoded).expect("what was encoded can be read");
    assert!(again.entries().eq(dictionary.entries()));
});
