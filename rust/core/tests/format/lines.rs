//! Lines as a reader sees them.

use undergird_core::dictionary::{Dictionary, Entry};
use undergird_core::format::JsonFormatter;
use undergird_core::record::{Record, Value, flags};

use crate::draft::{Draft, HEAD, dictionary, line, shape};
use crate::oracle::{Dice, ask};

#[test]
fn a_record_with_three_fields_is_one_line_in_the_agreed_order() {
    let dictionary = dictionary(&[&[b"agent_id", b"speed", b"state"]]);
    let values = [Value::Int(7), Value::Float(0.5), Value::Str(b"running")];
    assert_eq!(
        Draft::new(b"agent moved").group(flags::FIELDS, 1, &values).line(&dictionary),
        format!("{HEAD}\"agent moved\",\"agent_id\":7,\"speed\":0.5,\"state\":\"running\"}}\n")
    );
}

#[test]
fn every_section_has_its_place() {
    let dictionary = dictionary(&[&[b"request_id"], &[b"tenant"], &[b"n"], &[b"thread_name"]]);
    let mut draft = Draft::new(b"%s is %d")
        .args(&[Value::Str(b"x"), Value::Int(3)])
        .sim_time(12.5)
        .held_back(9)
        .site(b"step", 17)
        .group(flags::NAMES, 4, &[Value::Str(b"MainThread")])
        .group(flags::CONTEXT, 1, &[Value::Str(b"r1")])
        .group(flags::BOUND, 2, &[Value::None])
        .group(flags::FIELDS, 3, &[Value::Bool(true)])
        .exception(b"Traceback\n  ...", b"ValueError", b"no \"x\"");
    draft.header.flags |= flags::TRUNCATED;
    assert_eq!(
        draft.line(&dictionary),
        HEAD.to_owned()
            + r#""x is 3","sim_time":12.5,"held_back":9,"function_name":"step","line_number":17,"source_file":"sim.py","#
            + r#""thread_name":"MainThread","request_id":"r1","tenant":null,"n":true,"#
            + r#""exception":"Traceback\n  ...","exception_type":"ValueError","exception_message":"no \"x\"","#
            + "\"truncated\":true}\n"
    );
}

#[test]
fn a_field_named_as_the_lines_own_time_keeps_its_name_where_the_line_has_none() {
    let dictionary = dictionary(&[&[b"sim_time", b"held_back"]]);
    let mut formatter = JsonFormatter::new();
    let fields = |draft: Draft| draft.group(flags::FIELDS, 1, &[Value::Int(1), Value::Int(2)]).bytes();
    let cases = [
        (fields(Draft::new(b"m")), r#""m","sim_time":1,"held_back":2}"#),
        (fields(Draft::new(b"m").sim_time(0.5)), r#""m","sim_time":0.5,"sim_time_":1,"held_back":2}"#),
        (fields(Draft::new(b"m").held_back(7)), r#""m","held_back":7,"sim_time":1,"held_back_":2}"#),
    ];
    for (record, end) in cases.iter().chain(&cases) {
        // One formatter for all: what is remembered of one record is not used for another.
        let text = String::from_utf8(line(&mut formatter, record, &dictionary)).unwrap();
        assert_eq!(text, format!("{HEAD}{end}\n"));
    }
}

#[test]
fn a_line_is_appended_and_nothing_else_is_touched() {
    let dictionary = dictionary(&[]);
    let mut out = b"before\n".to_vec();
    let draft = Draft::new(b"m").bytes();
    let mut formatter = JsonFormatter::new();
    formatter.line(&Record::parse(&draft).unwrap(), &dictionary, &mut out).unwrap();
    formatter.line(&Record::parse(&draft).unwrap(), &dictionary, &mut out).unwrap();
    assert_eq!(out, format!("before\n{HEAD}\"m\"}}\n{HEAD}\"m\"}}\n").into_bytes());
}

#[test]
fn values_are_written_as_json_has_them() {
    let cases: &[(Value<'_>, &str)] = &[
        (Value::None, "null"),
        (Value::Bool(false), "false"),
        (Value::Int(i64::MIN), "-9223372036854775808"),
        (Value::Float(1e16), "1e+16"),
        (Value::Float(-0.0), "-0.0"),
        (Value::Float(f64::NAN), "\"NaN\""),
        (Value::Float(f64::INFINITY), "\"Infinity\""),
        (Value::Float(f64::NEG_INFINITY), "\"-Infinity\""),
        (Value::BigInt(b"-0x18ee90ff6c373e0ee4e3f0ad2"), "-123456789012345678901234567890"),
        (Value::BigInt(b"-0x0"), "0"),
        (Value::Text(b"Point(3, 4)"), "\"Point(3, 4)\""),
        (Value::Str(b""), "\"\""),
        (Value::Json(br#"{"a": [1, 2.5e-3, null], "b": {}}"#), r#"{"a": [1, 2.5e-3, null], "b": {}}"#),
    ];
    let dictionary = dictionary(&[&[b"v"]]);
    for &(value, text) in cases {
        let draft = Draft::new(b"m").group(flags::FIELDS, 1, &[value]);
        assert_eq!(draft.after_message(&dictionary), format!(",\"v\":{text}"));
    }
}

#[test]
fn integers_have_all_their_digits() {
    let dictionary = dictionary(&[&[b"v"]]);
    let powers = (0..19).map(|exponent| 10i64.pow(exponent));
    let near = powers.flat_map(|power| [power - 1, power, power + 1, power / 7 * 3, 1 - power, -power]);
    for number in near.chain([i64::MIN, i64::MAX]) {
        let draft = Draft::new(b"m").group(flags::FIELDS, 1, &[Value::Int(number)]);
        assert_eq!(draft.after_message(&dictionary), format!(",\"v\":{number}"));
    }
}

#[test]
fn integers_of_any_size_have_all_their_digits() {
    let mut dice = Dice(0x626967);
    let mut texts: Vec<String> = ["0x0", "-0x0", "0xFf", "0x3b9aca00", "0x3b9ac9ff"].map(str::to_owned).to_vec();
    for round in 0..400 {
        let length = if round % 50 == 0 { 1 + dice.below(8192) } else { 1 + dice.below(120) };
        let digits: String = match round % 3 {
            0 => "f".repeat(length),
            1 => "1".to_owned() + &"0".repeat(length - 1),
            _ => (0..length).map(|_| char::from(dice.pick(b"0123456789abcdef"))).collect(),
        };
        texts.push(format!("{}0x{digits}", if dice.one_in(2) { "-" } else { "" }));
    }
    texts.push("0x".to_owned() + &"f".repeat(8192));
    let questions: Vec<String> = texts.iter().map(|text| format!("b {text}")).collect();
    let dictionary = dictionary(&[&[b"v"]]);
    for (text, digits) in texts.iter().zip(ask(&questions)) {
        let draft = Draft::new(b"m").group(flags::FIELDS, 1, &[Value::BigInt(text.as_bytes())]);
        // With more digits than CPython's reader takes it is a string.
        let quote = if digits.trim_start_matches('-').len() > 4300 { "\"" } else { "" };
        assert_eq!(draft.after_message(&dictionary), format!(",\"v\":{quote}{digits}{quote}"), "{text}");
    }
}

#[test]
fn an_integer_of_more_digits_than_readers_take_becomes_a_string() {
    let dictionary = dictionary(&[&[b"v"]]);
    let value = |text: &str| {
        Draft::new(b"m").group(flags::FIELDS, 1, &[Value::BigInt(text.as_bytes())]).after_message(&dictionary)
    };
    // 10^4300 lies between these two.
    let (below, above) = (format!("-0x{}", "f".repeat(3571)), format!("0x2{}", "0".repeat(3571)));
    assert_eq!(value(&below).len(), ",\"v\":-".len() + 4300);
    assert_eq!(value(&above).len(), ",\"v\":\"\"".len() + 4301);
}

#[test]
fn what_only_claims_to_be_a_number_or_json_becomes_a_string() {
    let long = vec![b'7'; 4301];
    let huge = [&b"0x"[..], &[b'f'; 8193]].concat();
    let deep = [vec![b'['; 129], vec![b']'; 129]].concat();
    let claims: &[&[u8]] = &[
        b"",
        b"-",
        b"007",
        b"12a",
        b"1_000",
        b"+1",
        b"NaN",
        b"[1,\n2]",
        b"[1,]",
        b"{\"a\" 1}",
        b"{a:1}",
        b"[1",
        b"1]",
        b"1 2",
        b"\"",
        b"\"\\x\"",
        b"\"\\u12g4\"",
        b"01",
        b"1.",
        b"1e",
        b"tru",
        b"\"\x01\"",
        b"\"\xff\"",
        b"[}",
        b"0x",
        b"0x1g",
        b"0x-1",
        &long,
        &huge,
        &deep,
    ];
    let dictionary = dictionary(&[&[b"v"]]);
    for &claim in claims {
        for value in [Value::Json(claim), Value::BigInt(claim)] {
            let after = Draft::new(b"m").group(flags::FIELDS, 1, &[value]).after_message(&dictionary);
            let text = after.strip_prefix(",\"v\":").unwrap();
            assert!(text.len() >= 2 && text.starts_with('"') && text.ends_with('"'), "{claim:?} became {text}");
        }
    }
}

#[test]
fn a_deep_fragment_within_the_limit_stays_json() {
    let deep = [vec![b'['; 128], vec![b']'; 128]].concat();
    let dictionary = dictionary(&[&[b"v"]]);
    let after = Draft::new(b"m").group(flags::FIELDS, 1, &[Value::Json(&deep)]).after_message(&dictionary);
    assert_eq!(after.as_bytes(), [&b",\"v\":"[..], &deep].concat());
}

#[test]
fn strings_are_escaped_where_json_must_and_nowhere_else() {
    let cases: &[(&[u8], &str)] = &[
        (b"a\"b\\c/d", r#"a\"b\\c/d"#),
        (b"\n\t\r\x08\x0c", r"\n\t\r\b\f"),
        (b"\0\x01\x1f\x7f", "\\u0000\\u0001\\u001f\x7f"),
        ("naïve 日本 🦀 \u{2028}".as_bytes(), "naïve 日本 🦀 \u{2028}"),
        (b"lone \xED\xA0\x80 and \xED\xBF\xBF.", r"lone \ud800 and \udfff."),
        (b"bad \xFF and \xC3( and \xE2\x82", r"bad \ufffd and \ufffd( and \ufffd"),
        (b"quote at the end of a long text\"", r#"quote at the end of a long text\""#),
    ];
    for &(message, text) in cases {
        assert_eq!(Draft::new(message).line(&dictionary(&[])), format!("{HEAD}\"{text}\"}}\n"));
    }
}

#[test]
fn the_lines_own_keys_are_never_taken_by_a_field() {
    let dictionary = dictionary(&[&[b"message", b"message_", b"level", b"truncated", b"msg"]]);
    let values = [1, 2, 3, 4, 5].map(Value::Int);
    assert_eq!(
        Draft::new(b"m").group(flags::FIELDS, 1, &values).after_message(&dictionary),
        r#","message__":1,"message_":2,"level_":3,"truncated_":4,"msg":5"#
    );
}

#[test]
fn a_field_hides_a_bound_one_and_that_one_the_context() {
    let dictionary = dictionary(&[&[b"a", b"b", b"c"], &[b"b", b"d"], &[b"c", b"d"]]);
    let draft = || {
        Draft::new(b"m").group(flags::CONTEXT, 1, &[1, 2, 3].map(Value::Int)).group(
            flags::BOUND,
            2,
            &[4, 5].map(Value::Int),
        )
    };
    assert_eq!(draft().after_message(&dictionary), r#","a":1,"c":3,"b":4,"d":5"#);
    let draft = draft().group(flags::FIELDS, 3, &[6, 7].map(Value::Int));
    assert_eq!(draft.after_message(&dictionary), r#","a":1,"b":4,"c":6,"d":7"#);
}

#[test]
fn keys_beside_the_values_are_treated_as_those_in_the_dictionary() {
    let dictionary = dictionary(&[&[b"a", b"k\"", b"timestamp"]]);
    let values = [1, 2, 3].map(Value::Int);
    let keys: [&[u8]; 3] = [b"a", b"k\"", b"timestamp"];
    let pairs: Vec<_> = keys.into_iter().zip(values).collect();
    let by_id = Draft::new(b"m").group(flags::CONTEXT, 1, &values).group(flags::FIELDS, 1, &values);
    let inline = Draft::new(b"m").inline(flags::CONTEXT, &pairs).inline(flags::FIELDS, &pairs);
    assert_eq!(inline.line(&dictionary), by_id.line(&dictionary));
    assert_eq!(inline.after_message(&dictionary), r#","a":1,"k\"":2,"timestamp_":3"#);
}

#[test]
fn keys_that_read_alike_count_as_one() {
    let dictionary = dictionary(&[]);
    let pairs: &[(&[u8], Value<'_>)] = &[
        (b"\xFF", Value::Int(1)),
        (b"\xFE", Value::Int(2)),
        (b"\xED\xA0\x80\xED\xB0\x80", Value::Int(3)),
        ("\u{10000}".as_bytes(), Value::Int(4)),
        (b"\xED\xA0\x80", Value::Int(5)),
    ];
    assert_eq!(
        Draft::new(b"m").inline(flags::FIELDS, pairs).after_message(&dictionary),
        ",\"\u{FFFD}\":2,\"\u{10000}\":4,\"\\ud800\":5"
    );
}

#[test]
fn unknown_ids_still_give_a_line() {
    let dictionary = dictionary(&[&[b"a", b"b"]]);
    let mut draft = Draft::new(b"m").group(flags::FIELDS, 99, &[Value::Int(1), Value::Int(2)]);
    draft.header.level = 35;
    draft.header.name = 77;
    assert_eq!(
        draft.line(&dictionary),
        "{\"timestamp\":\"2026-11-21T07:26:00.123456Z\",\"level\":\"Level 35\",\"logger_name\":\"\",\
         \"message\":\"m\",\"field_0\":1,\"field_1\":2}\n"
    );
    let few = Draft::new(b"m").group(flags::FIELDS, 1, &[Value::Int(1)]);
    assert_eq!(few.after_message(&dictionary), ",\"a\":1");
    let many = Draft::new(b"m").group(flags::FIELDS, 1, &[1, 2, 3].map(Value::Int));
    assert_eq!(many.after_message(&dictionary), ",\"a\":1,\"b\":2,\"field_2\":3");
    let no_shape = Draft::new(b"m").group(flags::FIELDS, 0, &[Value::Int(1)]);
    assert_eq!(no_shape.after_message(&dictionary), ",\"field_0\":1");
}

#[test]
fn a_number_made_for_a_missing_key_does_not_hide_a_field_of_that_name() {
    let dictionary = dictionary(&[&[b"field_2", b"b"]]);
    let many = Draft::new(b"m").group(flags::FIELDS, 1, &[1, 2, 3].map(Value::Int));
    assert_eq!(many.after_message(&dictionary), ",\"field_2\":1,\"b\":2,\"field_2_\":3");
}

#[test]
fn a_logger_that_is_not_in_the_dictionary_has_its_name_in_the_record() {
    let line = Draft::named("größe\"".as_bytes(), b"m").line(&dictionary(&[]));
    assert!(line.contains(r#""logger_name":"größe\"","message":"m"}"#), "{line}");
}

#[test]
fn a_renamed_level_has_its_new_name_from_then_on() {
    let mut dictionary = dictionary(&[]);
    let mut formatter = JsonFormatter::new();
    let record = Draft::new(b"m").bytes();
    let mut names = Vec::new();
    for name in [&b"NOTE"[..], b"note\n"] {
        names.push(line(&mut formatter, &record, &dictionary));
        let entry = Entry::Level { index: 20, number: 20, name: name.into() };
        dictionary.extend(&entry.encode()).unwrap();
    }
    names.push(line(&mut formatter, &record, &dictionary));
    for (line, name) in names.iter().zip(["\"INFO\"", "\"NOTE\"", "\"note\\n\""]) {
        assert!(String::from_utf8_lossy(line).contains(&format!("\"level\":{name},")), "{line:?}");
    }
}

#[test]
fn a_formatter_remembers_nothing_of_another_dictionary() {
    let other = |name: &[u8], keys: &[&[u8]]| {
        let mut dictionary = Dictionary::new();
        dictionary.extend(&Entry::Name(name.into()).encode()).unwrap();
        dictionary.extend(&shape(keys).encode()).unwrap();
        dictionary
    };
    let (one, two) = (other(b"one", &[b"a"]), other(b"two", &[b"b"]));
    let draft = Draft::new(b"m").group(flags::FIELDS, 1, &[Value::Int(1)]);
    let mut formatter = JsonFormatter::new();
    for dictionary in [&one, &two, &one, &two] {
        assert_eq!(line(&mut formatter, &draft.bytes(), dictionary), draft.line(dictionary).into_bytes());
    }
}

#[test]
fn what_a_dictionary_learns_is_known_from_then_on() {
    let mut dictionary = Dictionary::new();
    let mut formatter = JsonFormatter::new();
    let record = Draft::new(b"m").group(flags::FIELDS, 1, &[Value::Int(1)]).bytes();
    let mut lines = Vec::new();
    for entry in [Entry::Name((*b"late").into()), shape(&[b"a"])] {
        lines.push(String::from_utf8(line(&mut formatter, &record, &dictionary)).unwrap());
        dictionary.extend(&entry.encode()).unwrap();
    }
    lines.push(String::from_utf8(line(&mut formatter, &record, &dictionary)).unwrap());
    for (line, (name, key)) in lines.iter().zip([("", "field_0"), ("late", "field_0"), ("late", "a")]) {
        let end = format!("\"logger_name\":\"{name}\",\"message\":\"m\",\"{key}\":1}}\n");
        assert!(line.ends_with(&end), "{line}");
    }
}

#[test]
fn arguments_that_do_not_fit_are_shown_behind_the_template() {
    let draft = Draft::new(b"%d of %q").args(&[Value::Str("é'".as_bytes()), Value::Float(1.0)]);
    assert_eq!(draft.line(&dictionary(&[])), format!("{HEAD}\"%d of %q (\\\"\\\\xe9'\\\", 1.0)\"}}\n"));
    let one = Draft::new(b"100%").args(&[Value::Int(1)]);
    assert_eq!(one.line(&dictionary(&[])), format!("{HEAD}\"100% (1,)\"}}\n"));
}

#[test]
fn without_arguments_a_percent_sign_is_just_that() {
    for draft in [Draft::new(b"100%% %d"), Draft::new(b"100%% %d").args(&[])] {
        assert_eq!(draft.line(&dictionary(&[])), format!("{HEAD}\"100%% %d\"}}\n"));
    }
}

#[test]
fn more_arguments_than_usual_are_rendered_too() {
    let args: Vec<_> = (0..20).map(Value::Int).collect();
    let line = Draft::new("%d ".repeat(20).trim_end().as_bytes()).args(&args).line(&dictionary(&[]));
    assert!(line.contains("\"0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19\""), "{line}");
}

#[test]
fn a_line_may_be_long_and_the_next_one_short() {
    let dictionary = dictionary(&[]);
    let mut formatter = JsonFormatter::new();
    let long = "long é\n".repeat(300_000);
    let lines = [&long, "m"].map(|message| line(&mut formatter, &Draft::new(message.as_bytes()).bytes(), &dictionary));
    assert_eq!(lines[0].len(), HEAD.len() + 2 + long.len() + 300_000 + 2);
    assert_eq!(lines[1], format!("{HEAD}\"m\"}}\n").into_bytes());
}
