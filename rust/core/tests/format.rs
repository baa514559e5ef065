//! Lines as a reader sees them.

use undergird_core::dictionary::{Dictionary, Entry};
use undergird_core::format::JsonFormatter;
use undergird_core::record::{HEADER, Header, Record, Value, encode_group, flags};
use undergird_core::scratch::Scratch;

const STAMP: u64 = 1_795_245_960_123_456_789;

/// A record in the making.
struct Draft {
    header: Header,
    payload: Scratch,
}

impl Draft {
    fn new(message: &[u8]) -> Self {
        let mut payload = Scratch::new();
        payload.text(message);
        let header = Header { kind: 1, level: 20, name: 0, stamp: STAMP, ..Header::default() };
        Self { header, payload }
    }

    fn group(mut self, flag: u16, shape: u32, values: &[Value<'_>]) -> Self {
        self.header.flags |= flag;
        encode_group(shape, values.len() as u16, &mut self.payload);
        values.iter().for_each(|value| value.encode(&mut self.payload));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let header = Header { length: (HEADER + self.payload.len()) as u32, ..self.header };
        [&header.to_bytes()[..], self.payload.as_slice()].concat()
    }

    fn line(&self, dictionary: &Dictionary) -> String {
        let mut out = Vec::new();
        JsonFormatter::new().line(&Record::parse(&self.bytes()).unwrap(), dictionary, &mut out);
        String::from_utf8(out).unwrap()
    }
}

fn dictionary(shapes: &[&[&str]]) -> Dictionary {
    let mut dictionary = Dictionary::new();
    dictionary.extend(&Entry::Name(b"sim.cells"[..].into()).encode()).unwrap();
    for keys in shapes {
        let keys: Vec<Box<[u8]>> = keys.iter().map(|key| key.as_bytes().into()).collect();
        dictionary.extend(&Entry::Shape(keys.into()).encode()).unwrap();
    }
    dictionary
}

#[test]
fn a_record_with_three_fields_is_one_line_in_the_agreed_order() {
    let dictionary = dictionary(&[&["agent_id", "speed", "state"]]);
    let draft =
        Draft::new(b"agent moved").group(flags::FIELDS, 1, &[Value::Int(7), Value::Float(0.5), Value::Str(b"running")]);
    assert_eq!(
        draft.line(&dictionary),
        "{\"timestamp\":\"2026-11-21T07:26:00.123456Z\",\"level\":\"INFO\",\"logger_name\":\"sim.cells\",\
         \"message\":\"agent moved\",\"agent_id\":7,\"speed\":0.5,\"state\":\"running\"}\n"
    );
}
