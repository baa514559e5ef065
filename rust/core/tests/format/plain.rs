//! Lines of logfmt as a reader takes them apart, and lines of text as they are looked at.

use std::collections::HashMap;

use undergird_core::dictionary::Dictionary;
use undergird_core::format::{Formatter, Logfmt, LogfmtFormatter, Style, Text, TextFormatter};
use undergird_core::record::{Malformed, Record, Value, flags};

use crate::draft::{Draft, dictionary, line, shape};
use crate::hostile::{bytes, odd_dictionary, odd_record};
use crate::oracle::Dice;

const HEAD: &str = "timestamp=2026-11-21T07:26:00.123456Z level=INFO logger_name=sim.cells message=";
const TEXT_HEAD: &str = "2026-11-21T07:26:00.123456Z INFO     sim.cells: ";

fn written<S: Style>(draft: &Draft, dictionary: &Dictionary) -> String {
    String::from_utf8(line(&mut Formatter::<S>::new(), &draft.bytes(), dictionary)).expect("lines are UTF-8")
}

fn field<S: Style>(value: Value<'_>) -> String {
    let draft = Draft::new(b"m").group(flags::FIELDS, 1, &[value]);
    let line = written::<S>(&draft, &dictionary(&[&[b"v"]]));
    line.split_once(" v=").expect("a field").1.strip_suffix('\n').expect("a line").to_owned()
}

/// Takes a line of logfmt apart; its texts in UTF-16, which has room for half a character.
fn parse(line: &str) -> Option<Vec<(String, Vec<u16>)>> {
    let mut rest = line.strip_suffix('\n')?;
    let mut pairs = Vec::new();
    loop {
        let (key, behind) = rest.split_once('=')?;
        if key.is_empty() || key.contains(|c: char| c.is_whitespace() || c.is_control() || "\"\\=".contains(c)) {
            return None;
        }
        let (value, behind) = match behind.strip_prefix('"') {
            Some(behind) => quoted(behind)?,
            None => {
                let (bare, behind) = behind.split_at(behind.find(' ').unwrap_or(behind.len()));
                if bare.is_empty() || bare.contains(|c: char| c.is_whitespace() || "\"\\=".contains(c)) {
                    return None;
                }
                (bare.encode_utf16().collect(), behind)
            }
        };
        pairs.push((key.to_owned(), value));
        if behind.is_empty() {
            return Some(pairs);
        }
        rest = behind.strip_prefix(' ')?;
    }
}

/// A text up to its closing quote, and what follows.
fn quoted(text: &str) -> Option<(Vec<u16>, &str)> {
    let mut units = Vec::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some((units, characters.as_str())),
            '\\' => units.push(match characters.next()? {
                'n' => 10,
                'r' => 13,
                't' => 9,
                'b' => 8,
                'f' => 12,
                'u' => {
                    let (digits, rest) = characters.as_str().split_at_checked(4)?;
                    characters = rest.chars();
                    u16::from_str_radix(digits, 16).ok()?
                }
                plain @ ('"' | '\\') => plain as u16,
                _ => return None,
            }),
            character => units.extend_from_slice(character.encode_utf16(&mut [0; 2])),
        }
    }
}

/// What a reader should get for any bytes.
fn units(mut text: &[u8]) -> Vec<u16> {
    let mut units = Vec::new();
    loop {
        let (valid, rest) = match std::str::from_utf8(text) {
            Ok(_) => (text, &[][..]),
            Err(error) => text.split_at(error.valid_up_to()),
        };
        units.extend(String::from_utf8_lossy(valid).encode_utf16());
        text = match rest {
            [] => return units,
            [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, rest @ ..] => {
                units.push(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F));
                rest
            }
            _ => {
                units.push(0xFFFD);
                let error = std::str::from_utf8(rest).unwrap_err();
                &rest[error.error_len().unwrap_or(rest.len())..]
            }
        };
    }
}

/// Whether nothing in a text acts on a terminal; its line ends are asked for elsewhere.
fn is_harmless(text: &str) -> bool {
    let turns = |c| matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}');
    !text.contains(|c: char| c != '\n' && (c.is_control() || turns(c)))
}

#[test]
fn logfmt_has_the_names_and_the_order_of_the_json() {
    let dictionary = dictionary(&[&[b"request_id"], &[b"tenant"], &[b"n"]]);
    let mut draft = Draft::new(b"%s is %d")
        .args(&[Value::Str(b"x"), Value::Int(3)])
        .site(b"step", 17)
        .group(flags::CONTEXT, 1, &[Value::Str(b"r1")])
        .group(flags::BOUND, 2, &[Value::None])
        .group(flags::FIELDS, 3, &[Value::Bool(true)])
        .exception(b"Traceback\n  ...", b"ValueError", b"no \"x\"");
    draft.header.flags |= flags::TRUNCATED;
    assert_eq!(
        written::<Logfmt>(&draft, &dictionary),
        HEAD.to_owned()
            + r#""x is 3" function_name=step line_number=17 source_file=sim.py request_id=r1 tenant=null n=true "#
            + r#"exception="Traceback\n  ..." exception_type=ValueError exception_message="no \"x\"" "#
            + "truncated=true\n"
    );
}

#[test]
fn text_is_one_line_and_indented_ones_for_what_has_more() {
    let dictionary = dictionary(&[&[b"n"]]);
    let draft = Draft::new(b"one\ntwo").site(b"step", 17).group(flags::FIELDS, 1, &[Value::Bool(true)]).exception(
        b"Traceback:\n  File\nValueError: \x1b[31mno",
        b"ValueError",
        b"no",
    );
    assert_eq!(
        written::<Text>(&draft, &dictionary),
        TEXT_HEAD.to_owned()
            + "one\n    two function_name=step line_number=17 source_file=sim.py n=True\n"
            + "    Traceback:\n      File\n    ValueError: \\u001b[31mno\n"
    );
    let mut draft = Draft::new(b"m");
    draft.header.flags |= flags::TRUNCATED;
    assert_eq!(written::<Text>(&draft, &dictionary), format!("{TEXT_HEAD}m [truncated]\n"));
}

#[test]
fn values_of_logfmt_are_words_or_in_quotes() {
    let cases: &[(Value<'_>, &str)] = &[
        (Value::None, "null"),
        (Value::Bool(false), "false"),
        (Value::Int(i64::MIN), "-9223372036854775808"),
        (Value::Float(1e16), "1e+16"),
        (Value::Float(f64::NAN), "NaN"),
        (Value::Float(f64::NEG_INFINITY), "-Infinity"),
        (Value::BigInt(b"-0x18ee90ff6c373e0ee4e3f0ad2"), "-123456789012345678901234567890"),
        (Value::Text(b"Point(3, 4)"), "\"Point(3, 4)\""),
        (Value::Str(b""), "\"\""),
        (Value::Str(b"/tmp/run.log"), "/tmp/run.log"),
        (Value::Str("größe→∞".as_bytes()), "größe→∞"),
        (Value::Str("a\u{A0}b".as_bytes()), "\"a\u{A0}b\""),
        (Value::Str("a\u{85}\u{202E}".as_bytes()), "\"a\\u0085\\u202e\""),
        (Value::Str("pass\u{200B}word\u{AD}\u{FEFF}".as_bytes()), "\"pass\\u200bword\\u00ad\\ufeff\""),
        (Value::Str("a\u{FFF9}\u{180E}\u{61C}".as_bytes()), "\"a\\ufff9\\u180e\\u061c\""),
        (Value::Str("1\u{200F}\u{2060}".as_bytes()), "\"1\\u200f\\u2060\""),
        (Value::Str("می\u{200C}شود👩\u{200D}🔬".as_bytes()), "می\u{200C}شود👩\u{200D}🔬"),
        (Value::Str(b"a=b"), "\"a=b\""),
        (Value::Str(b"C:\\x"), "\"C:\\\\x\""),
        (Value::Str(b"\x1b[31m\x7f"), "\"\\u001b[31m\\u007f\""),
        (Value::Json(br#"{"a":[1,null]}"#), r#""{\"a\":[1,null]}""#),
        (Value::Json(b"[3,4]"), "\"[3,4]\""),
    ];
    for &(value, text) in cases {
        assert_eq!(field::<Logfmt>(value), text);
    }
}

#[test]
fn values_of_text_are_pythons_and_pieces_of_json_are_bare() {
    let cases: &[(Value<'_>, &str)] = &[
        (Value::None, "None"),
        (Value::Bool(false), "False"),
        (Value::Float(-0.0), "-0.0"),
        (Value::Float(f64::NAN), "nan"),
        (Value::Float(f64::INFINITY), "inf"),
        (Value::Str(b"two words"), "\"two words\""),
        (Value::Json(br#"{"a": [1, null]}"#), r#"{"a": [1, null]}"#),
        (Value::Json(b"[1,\n\x1b]"), r"[1,\n\u001b]"),
    ];
    for &(value, text) in cases {
        assert_eq!(field::<Text>(value), text);
    }
}

#[test]
fn keys_that_become_the_same_are_told_apart() {
    let fields: &[(&[u8], Value<'_>)] = &[
        (b"a b", Value::Int(1)),
        (b"a_b", Value::Int(2)),
        (b"a=b", Value::Int(3)),
        (b"", Value::Int(4)),
        (b"level", Value::Int(5)),
        ("größe".as_bytes(), Value::Int(6)),
        (b"\xED\xA0\x80", Value::Int(7)),
    ];
    let line = written::<Logfmt>(&Draft::new(b"m").inline(flags::FIELDS, fields), &dictionary(&[]));
    assert_eq!(line, format!("{HEAD}m a_b_=1 a_b=2 a_b__=3 _=4 level_=5 größe=6 ___=7\n"));
}

#[test]
fn every_line_of_logfmt_parses_back_to_the_same_texts() {
    let mut dice = Dice(0x0006_c66d);
    let dictionary = dictionary(&[]);
    let mut formatter = LogfmtFormatter::new();
    for _ in 0..20_000 {
        let (name, message) = (bytes(&mut dice), bytes(&mut dice));
        let texts: Vec<_> = (0..dice.below(5)).map(|_| bytes(&mut dice)).collect();
        let names: Vec<_> = (0..texts.len()).map(|place| format!("k{place}")).collect();
        let fields: Vec<_> = names.iter().zip(&texts).map(|(name, text)| (name.as_bytes(), Value::Str(text))).collect();
        let draft = Draft::named(&name, &message).inline(flags::FIELDS, &fields).exception(b"t b", &name, b"");
        let line = String::from_utf8(line(&mut formatter, &draft.bytes(), &dictionary)).unwrap();
        let pairs: HashMap<_, _> = parse(&line).unwrap_or_else(|| panic!("{line:?}")).into_iter().collect();
        assert!(is_harmless(&line), "{line:?}");
        assert_eq!(pairs["logger_name"], units(&name));
        assert_eq!(pairs["message"], units(&message));
        assert_eq!(pairs["exception_type"], units(&name));
        for (name, text) in names.iter().zip(&texts) {
            assert_eq!(pairs[name], units(text), "{line:?}");
        }
        assert_eq!(pairs.len(), 7 + texts.len());
    }
}

#[test]
fn odd_records_and_dictionaries_are_one_line_each() {
    let mut dice = Dice(0x0070_6c61);
    let (mut logfmt, mut text) = (LogfmtFormatter::new(), TextFormatter::new());
    for round in 0..20_000 {
        let dictionary = odd_dictionary(&mut dice);
        let record = odd_record(&mut dice);
        let made = line(&mut logfmt, &record, &dictionary);
        let pairs = parse(std::str::from_utf8(&made).unwrap()).unwrap_or_else(|| panic!("{made:?}"));
        let mut keys: Vec<_> = pairs.iter().map(|(key, _)| key).collect();
        assert_eq!(keys[..4], ["timestamp", "level", "logger_name", "message"]);
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), pairs.len(), "a key twice: {pairs:?}");

        let shown = line(&mut text, &record, &dictionary);
        let whole = std::str::from_utf8(&shown).unwrap();
        assert!(is_harmless(whole) && whole.ends_with('\n'), "{whole:?}");
        for (number, line) in whole.lines().enumerate() {
            assert_eq!(line.starts_with("    "), number > 0, "{whole:?}");
        }
        if round % 16 == 0 {
            assert_eq!(made, line(&mut LogfmtFormatter::new(), &record, &dictionary), "memory changed a line");
            assert_eq!(shown, line(&mut TextFormatter::new(), &record, &dictionary), "memory changed a line");
        }
    }
}

#[test]
fn a_record_that_ends_early_is_no_line_in_any_format() {
    let mut dictionary = dictionary(&[]);
    dictionary.extend(&shape(&[b"a", b"b"]).encode()).unwrap();
    let whole = Draft::new(b"m")
        .site(b"step", 17)
        .group(flags::FIELDS, 1, &[Value::Str(b"r1"), Value::None])
        .exception(b"Traceback", b"ValueError", b"no")
        .bytes();
    for end in undergird_core::record::HEADER..whole.len() {
        let mut out = b"before\n".to_vec();
        let record = Record::parse(&whole[..end]).unwrap();
        assert_eq!(LogfmtFormatter::new().line(&record, &dictionary, &mut out), Err(Malformed));
        assert_eq!(TextFormatter::new().line(&record, &dictionary, &mut out), Err(Malformed));
        assert_eq!(out, b"before\n");
    }
}
