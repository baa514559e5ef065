//! Records and dictionaries that nobody in his right mind would write.

use proptest::prelude::*;
use undergird_core::dictionary::{Dictionary, Entry};
use undergird_core::format::JsonFormatter;
use undergird_core::record::{HEADER, Malformed, Record, Value, flags};

use crate::draft::{Draft, dictionary, line, shape};
use crate::oracle::{Dice, ask, hex};

const KEYS: [&[u8]; 12] = [
    b"a",
    b"b",
    b"",
    b"message",
    b"message_",
    b"timestamp",
    b"field_0",
    b"field_1",
    b"\xFF",
    b"\xFE",
    b"\"\n",
    b"\xED\xA0\x80",
];

const CLAIMS: [&[u8]; 16] = [
    b"[1, 2]",
    b"{\"a\": {\"b\": []}}",
    b"-12345678901234567890123",
    b"0x1fFFffffffffffffffff0",
    b"-0x00",
    b"0x",
    b"0x12\"",
    b"1e5",
    b"[1,\n2]",
    b"\"x",
    b"NaN",
    b"00",
    b"]",
    b"",
    b"{\"a\":1,\"a\":2}",
    b"\"\xED\xA0\x80\"",
];

/// Text, or bytes that are none.
pub fn bytes(dice: &mut Dice) -> Vec<u8> {
    let mut text = dice.text();
    if dice.one_in(3) {
        for _ in 0..dice.below(4) {
            text.insert(dice.below(text.len() + 1), dice.word() as u8);
        }
    }
    text
}

enum Owned {
    Plain(Value<'static>),
    Str(Vec<u8>),
    Text(Vec<u8>),
    BigInt(Vec<u8>),
    Json(Vec<u8>),
}

impl Owned {
    fn roll(dice: &mut Dice) -> Self {
        match dice.below(8) {
            0 => Self::Plain(Value::None),
            1 => Self::Plain(Value::Int(dice.int())),
            2 => Self::Plain(Value::Float(dice.float())),
            3 => Self::Text(bytes(dice)),
            4 => Self::BigInt(if dice.one_in(2) { dice.pick(&CLAIMS).to_vec() } else { bytes(dice) }),
            5 => Self::Json(if dice.one_in(2) { dice.pick(&CLAIMS).to_vec() } else { bytes(dice) }),
            _ => Self::Str(bytes(dice)),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Plain(value) => *value,
            Self::Str(text) => Value::Str(text),
            Self::Text(text) => Value::Text(text),
            Self::BigInt(text) => Value::BigInt(text),
            Self::Json(text) => Value::Json(text),
        }
    }
}

pub fn odd_dictionary(dice: &mut Dice) -> Dictionary {
    let mut dictionary = Dictionary::new();
    for _ in 0..dice.below(8) {
        let entry = match dice.below(4) {
            0 => Entry::Name(bytes(dice).into()),
            1 => Entry::Level { index: dice.pick(&[20, 35]), number: -1, name: bytes(dice).into() },
            _ => {
                let keys: Vec<_> = (0..dice.below(5)).map(|_| dice.pick(&KEYS)).collect();
                shape(&keys)
            }
        };
        dictionary.extend(&entry.encode()).unwrap();
    }
    dictionary
}

pub fn odd_record(dice: &mut Dice) -> Vec<u8> {
    let mut draft = if dice.one_in(4) { Draft::named(&bytes(dice), &bytes(dice)) } else { Draft::new(&bytes(dice)) };
    draft.header.level = dice.pick(&[0, 10, 20, 35, 255]);
    draft.header.stamp = dice.word();
    draft.header.name = dice.below(9) as u32;
    if dice.one_in(4) {
        let args: Vec<_> = (0..dice.below(10)).map(|_| Owned::roll(dice)).collect();
        draft = draft.args(&args.iter().map(Owned::value).collect::<Vec<_>>());
    }
    if dice.one_in(4) {
        draft = draft.site(&bytes(dice), dice.word() as u32);
    }
    for flag in [flags::CONTEXT, flags::BOUND, flags::FIELDS] {
        let values: Vec<_> = (0..dice.below(6)).map(|_| Owned::roll(dice)).collect();
        if dice.one_in(3) {
            let pairs: Vec<_> = values.iter().map(|value| (dice.pick(&KEYS), value.value())).collect();
            draft = draft.inline(flag, &pairs);
        } else if dice.one_in(2) {
            let values: Vec<_> = values.iter().map(Owned::value).collect();
            draft = draft.group(flag, dice.below(9) as u32, &values);
        }
    }
    if dice.one_in(4) {
        draft = draft.exception(&bytes(dice), &bytes(dice), &bytes(dice));
    }
    if dice.one_in(4) {
        draft.header.flags |= flags::TRUNCATED;
    }
    draft.bytes()
}

#[test]
fn odd_records_and_dictionaries_give_lines_that_python_reads() {
    let mut dice = Dice(0x6f6464);
    let mut formatter = JsonFormatter::new();
    let mut questions = Vec::new();
    for round in 0..20_000 {
        let dictionary = odd_dictionary(&mut dice);
        let record = odd_record(&mut dice);
        let made = line(&mut formatter, &record, &dictionary);
        if round % 16 == 0 {
            assert_eq!(made, line(&mut JsonFormatter::new(), &record, &dictionary), "memory changed a line");
        }
        questions.push(format!("j {}", hex(&made)));
    }
    for (question, answer) in questions.iter().zip(ask(&questions)) {
        assert!(!answer.starts_with('!'), "{answer}: {question}");
    }
}

#[test]
fn sixty_thousand_keys_in_one_group_take_no_time() {
    let names: Vec<String> = (0..60_000).map(|place| format!("k{}", place / 2)).collect();
    let pairs: Vec<(&[u8], Value<'_>)> = names.iter().map(|name| (name.as_bytes(), Value::None)).collect();
    let made = Draft::new(b"m").inline(flags::FIELDS, &pairs).line(&dictionary(&[]));
    assert_eq!(made.matches(":null").count(), 30_000);
}

#[test]
fn a_record_that_ends_early_is_no_line_and_is_not_remembered() {
    let dictionary = dictionary(&[&[b"a", b"b"], &[b"c"]]);
    let whole = Draft::new(b"%s and %d")
        .args(&[Value::Str(b"x"), Value::Int(3)])
        .site(b"step", 17)
        .group(flags::CONTEXT, 1, &[Value::Str(b"r1"), Value::None])
        .inline(flags::BOUND, &[(b"d", Value::Float(0.5)), (b"e", Value::BigInt(b"0xC"))])
        .group(flags::FIELDS, 2, &[Value::Bool(true)])
        .exception(b"Traceback", b"ValueError", b"no")
        .bytes();
    let expected = line(&mut JsonFormatter::new(), &whole, &dictionary);
    let mut formatter = JsonFormatter::new();
    for end in HEADER..whole.len() {
        let mut out = b"before\n".to_vec();
        assert_eq!(formatter.line(&Record::parse(&whole[..end]).unwrap(), &dictionary, &mut out), Err(Malformed));
        assert_eq!(out, b"before\n");
        assert_eq!(line(&mut formatter, &whole, &dictionary), expected);
    }
    assert_eq!(Record::parse(&whole[..HEADER - 1]).unwrap_err(), Malformed);
}

#[test]
fn a_line_is_the_same_however_much_room_there_is() {
    let dictionary = dictionary(&[&[b"text"]]);
    let long = "é\n".repeat(3000);
    for text in ["short", &long] {
        let record = Draft::new(b"m").group(flags::FIELDS, 1, &[Value::Str(text.as_bytes())]).bytes();
        let expected = line(&mut JsonFormatter::new(), &record, &dictionary);
        let mut formatter = JsonFormatter::new();
        for room in (0..200).chain([4096, 100_000]) {
            let mut out = Vec::with_capacity(room);
            formatter.line(&Record::parse(&record).unwrap(), &dictionary, &mut out).unwrap();
            assert_eq!(out, expected, "{room} bytes of room");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_that_pass_as_a_record_give_one_line(
        header in prop::array::uniform32(any::<u8>()),
        payload in prop::collection::vec(prop_oneof![3 => Just(0u8), 2 => 0u8..9, 1 => any::<u8>()], 0..200),
        keys in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 0..4),
    ) {
        let bytes = [&header[..], &payload].concat();
        prop_assert!(bytes.len() >= HEADER);
        let mut dictionary = Dictionary::new();
        let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
        dictionary.extend(&shape(&keys).encode()).unwrap();
        let record = Record::parse(&bytes).unwrap();
        let mut out = b"before\n".to_vec();
        let made = JsonFormatter::new().line(&record, &dictionary, &mut out);
        let text = String::from_utf8(out).unwrap();
        let line = text.strip_prefix("before\n").unwrap();
        if made.is_ok() {
            let whole = line.starts_with("{\"timestamp\":\"") && line.ends_with("}\n");
            prop_assert!(whole, "{}", line);
            prop_assert_eq!(line.matches('\n').count(), 1);
        } else {
            prop_assert_eq!(line, "");
        }
    }
}
