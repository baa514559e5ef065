//! Records and dictionaries in the making.

use undergird_core::dictionary::{Dictionary, Entry};
use undergird_core::format::{Formatter, JsonFormatter, Style};
use undergird_core::record::{HEADER, Header, INLINE, Record, Value, encode_group, flags};
use undergird_core::scratch::Scratch;

/// 2026-11-21T07:26:00.123456Z and a bit.
pub const STAMP: u64 = 1_795_245_960_123_456_789;

/// How every line of a [`Draft`] begins, up to its message.
pub const HEAD: &str =
    r#"{"timestamp":"2026-11-21T07:26:00.123456Z","level":"INFO","logger_name":"sim.cells","message":"#;

/// A record in the making. Sections must be added in the record's order.
pub struct Draft {
    pub header: Header,
    payload: Scratch,
}

impl Draft {
    pub fn new(message: &[u8]) -> Self {
        let mut payload = Scratch::new();
        payload.text(message);
        Self { header: Header { kind: 1, level: 20, name: 0, stamp: STAMP, ..Header::default() }, payload }
    }

    pub fn named(name: &[u8], message: &[u8]) -> Self {
        let mut draft = Self::new(name);
        draft.header.flags |= flags::NAME_INLINE;
        draft.header.name = INLINE;
        draft.payload.text(message);
        draft
    }

    pub fn args(mut self, args: &[Value<'_>]) -> Self {
        self.header.flags |= flags::ARGS;
        self.payload.byte(args.len() as u8);
        args.iter().for_each(|value| value.encode(&mut self.payload));
        self
    }

    pub fn sim_time(mut self, time: f64) -> Self {
        self.header.flags |= flags::SIM_TIME;
        self.payload.bytes(&time.to_le_bytes());
        self
    }

    pub fn held_back(mut self, count: u64) -> Self {
        self.header.flags |= flags::HELD_BACK;
        self.payload.bytes(&count.to_le_bytes());
        self
    }

    pub fn site(mut self, function: &[u8], line: u32) -> Self {
        self.header.flags |= flags::SITE;
        self.payload.text(function);
        self.payload.text(b"sim.py");
        self.payload.bytes(&line.to_le_bytes());
        self
    }

    pub fn group(mut self, flag: u16, shape: u32, values: &[Value<'_>]) -> Self {
        self.header.flags |= flag;
        encode_group(shape, values.len() as u16, &mut self.payload);
        values.iter().for_each(|value| value.encode(&mut self.payload));
        self
    }

    pub fn inline(mut self, flag: u16, fields: &[(&[u8], Value<'_>)]) -> Self {
        self.header.flags |= flag;
        encode_group(INLINE, fields.len() as u16, &mut self.payload);
        for (key, value) in fields {
            self.payload.text(key);
            value.encode(&mut self.payload);
        }
        self
    }

    pub fn exception(mut self, text: &[u8], kind: &[u8], message: &[u8]) -> Self {
        self.header.flags |= flags::EXCEPTION;
        [text, kind, message].iter().for_each(|text| self.payload.text(text));
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let header = Header { length: (HEADER + self.payload.len()) as u32, ..self.header };
        [&header.to_bytes()[..], self.payload.as_slice()].concat()
    }

    /// The line that a new formatter makes.
    pub fn line(&self, dictionary: &Dictionary) -> String {
        String::from_utf8(line(&mut JsonFormatter::new(), &self.bytes(), dictionary)).expect("lines are UTF-8")
    }

    /// What follows the message in the line, without the last brace and the line's end.
    pub fn after_message(&self, dictionary: &Dictionary) -> String {
        let line = self.line(dictionary);
        let rest = line.strip_prefix(HEAD).and_then(|rest| rest.strip_prefix("\"m\""));
        rest.and_then(|rest| rest.strip_suffix("}\n")).expect("a line of the message m").to_owned()
    }
}

pub fn line<S: Style>(formatter: &mut Formatter<S>, record: &[u8], dictionary: &Dictionary) -> Vec<u8> {
    let mut out = Vec::new();
    let record = Record::parse(record).expect("a header");
    formatter.line(&record, dictionary, &mut out).expect("a record");
    out
}

pub fn shape(keys: &[&[u8]]) -> Entry {
    Entry::Shape(keys.iter().map(|&key| key.into()).collect())
}

/// The logger `sim.cells` as entry 0, then shapes.
pub fn dictionary(shapes: &[&[&[u8]]]) -> Dictionary {
    let mut dictionary = Dictionary::new();
    dictionary.extend(&Entry::Name(b"sim.cells"[..].into()).encode()).unwrap();
    shapes.iter().for_each(|keys| dictionary.extend(&shape(keys).encode()).unwrap());
    dictionary
}
