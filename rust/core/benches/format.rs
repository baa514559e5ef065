//! What it costs to turn a record into a line of JSON.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use undergird_core::dictionary::{Dictionary, Entry};
use undergird_core::format::JsonFormatter;
use undergird_core::record::{HEADER, Header, Record, Value, encode_group, flags};
use undergird_core::scratch::Scratch;

/// One section after the other, as the ring would hold them.
struct Draft {
    flags: u16,
    payload: Scratch,
}

impl Draft {
    fn new(message: &[u8], args: &[Value<'_>]) -> Self {
        let mut payload = Scratch::new();
        payload.text(message);
        if args.is_empty() {
            return Self { flags: 0, payload };
        }
        payload.byte(args.len() as u8);
        args.iter().for_each(|value| value.encode(&mut payload));
        Self { flags: flags::ARGS, payload }
    }

    fn group(mut self, flag: u16, shape: u32, values: &[Value<'_>]) -> Self {
        self.flags |= flag;
        encode_group(shape, values.len() as u16, &mut self.payload);
        values.iter().for_each(|value| value.encode(&mut self.payload));
        self
    }

    /// A batch of records a microsecond apart.
    fn batch(&self) -> Vec<Vec<u8>> {
        let stamps = (0..1000).map(|record| 1_795_245_960_123_456_789 + record * 1000);
        let header = |stamp| Header {
            length: (HEADER + self.payload.len()) as u32,
            kind: 1,
            level: 20,
            flags: self.flags,
            stamp,
            ..Header::default()
        };
        stamps.map(|stamp| [&header(stamp).to_bytes()[..], self.payload.as_slice()].concat()).collect()
    }
}

fn dictionary() -> Dictionary {
    let shape = |keys: &[&str]| Entry::Shape(keys.iter().map(|key| key.as_bytes().into()).collect());
    let entries = [
        Entry::Name(b"sim.cells"[..].into()),
        shape(&["agent_id", "energy", "state"]),
        shape(&["run", "step"]),
        shape(&["text"]),
    ];
    let mut dictionary = Dictionary::new();
    entries.iter().for_each(|entry| dictionary.extend(&entry.encode()).expect("an entry"));
    dictionary
}

fn lines(criterion: &mut Criterion) {
    let three = [Value::Int(70_421), Value::Float(0.8315), Value::Str(b"running")];
    let whole = [Value::Int(7), Value::Int(70_421), Value::Str(b"running")];
    let bound = [Value::Str(b"a1b2c3"), Value::Int(12_000)];
    let args = [Value::Str(b"cell"), Value::Int(70_421)];
    let prose = "All cells of the north-eastern sector have been moved to their new places. ".repeat(10);
    let foreign = "Zellen über größeren Flächen wurden verschoben. ".repeat(10);
    let text = |text: &'static [u8]| Draft::new(b"agent moved", &[]).group(flags::FIELDS, 3, &[Value::Str(text)]);
    let integer = |digits: usize| {
        let text = format!("0x{}", "f".repeat(digits));
        Draft::new(b"agent moved", &[]).group(flags::FIELDS, 3, &[Value::BigInt(text.as_bytes())])
    };
    let (prose, foreign): (&str, &str) = (prose.leak(), foreign.leak());
    let rows = [
        ("message only", Draft::new(b"agent moved", &[])),
        ("3 fields", Draft::new(b"agent moved", &[]).group(flags::FIELDS, 1, &three)),
        ("3 fields, no float", Draft::new(b"agent moved", &[]).group(flags::FIELDS, 1, &whole)),
        (
            "2 bound + 3 fields",
            Draft::new(b"agent moved", &[]).group(flags::BOUND, 2, &bound).group(flags::FIELDS, 1, &three),
        ),
        ("2 arguments", Draft::new(b"%s moved to %d", &args)),
        ("750 characters", text(prose.as_bytes())),
        ("480 characters, not ASCII", text(foreign.as_bytes())),
        ("fragment of JSON", Draft::new(b"agent moved", &[]).group(flags::FIELDS, 3, &[Value::Json(b"[3, 4.5]")])),
        ("integer of 128 bits", integer(32)),
        ("integer of 32,768 bits", integer(8192)),
    ];
    let dictionary = dictionary();
    let mut group = criterion.benchmark_group("line");
    group.throughput(criterion::Throughput::Elements(1000));
    for (name, draft) in rows {
        let batch = draft.batch();
        let mut formatter = JsonFormatter::new();
        let mut out = Vec::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                for record in &batch {
                    let record = Record::parse(record).expect("a header");
                    formatter.line(&record, &dictionary, &mut out).expect("a record");
                }
                black_box(&out);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, lines);
criterion_main!(benches);
