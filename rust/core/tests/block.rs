//! Blocks on their way to a file: their rows are records like any other.

use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;

use crate::support::*;
use proptest::prelude::*;
use undergird_core::batch::Source;
use undergird_core::dictionary::Dictionary;
use undergird_core::format::JsonFormatter;
use undergird_core::record::block::{Block, Form, MOST_ROWS, encode_block, rows_in};
use undergird_core::record::{Header, INLINE, Kind, Record, Value, encode_group, flags};
use undergird_core::scratch::Scratch;

/// A ring with records, blocks and a spill file.
fn filled(run: &Run) -> Maker {
    let mut maker = run.maker("a");
    maker.log(2);
    maker.log_block(20);
    maker.log_spilled();
    maker.log_block(1);
    maker.log_block(9);
    maker.log(1);
    maker
}

#[test]
fn reading_can_stop_and_go_on_behind_every_row() {
    let run = Run::new();
    let maker = filled(&run);
    let (lines, ends) = maker.lines();
    assert_eq!(records(&String::from_utf8(lines.clone()).unwrap()).len(), 34);
    let places: Vec<(usize, u64)> = std::iter::once((0, 0)).chain(ends).collect();
    assert!(places.windows(2).all(|pair| pair[0].1 < pair[1].1));
    let mut used = maker.source();
    for (at, &(begin, from)) in places.iter().enumerate() {
        for &(end, until) in &places[at..] {
            let mut fresh = maker.source();
            for source in [&mut used, &mut fresh] {
                let mut out = Vec::new();
                source.refresh();
                let batch = source.format(0, from, until, usize::MAX, &mut out, None);
                assert_eq!((batch.to, batch.failed, &out[..]), (until, 0, &lines[begin..end]));
                // And line by line.
                let (mut out, mut position) = (Vec::new(), from);
                while position < until {
                    let batch = source.format(0, position, until, out.len() + 1, &mut out, None);
                    assert_eq!(batch.records, 1);
                    position = batch.to;
                }
                assert_eq!(out, &lines[begin..end]);
            }
        }
        let count = Source::count(maker.file.memory(), &|_| true, 0, from, maker.producer.head());
        assert_eq!(count, 34 - at as u64, "records from {from} on");
    }
}

#[test]
fn a_block_stays_in_the_ring_until_its_last_row_is_written() {
    let run = Run::new();
    // A pipe gets line by line.
    let path = CString::new(run.log().as_os_str().as_bytes()).unwrap();
    // SAFETY: a path that ends with a zero.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    let mut options = File::options();
    let mut pipe = options.read(true).write(true).custom_flags(libc::O_NONBLOCK).open(run.log()).unwrap();
    let mut maker = run.maker("a");
    let mut writer = maker.writer();
    // What kind of file it is shows with the first record.
    maker.log(1);
    drain(&mut writer);
    let begin = maker.producer.head();
    maker.log_block(30);
    for row in 1..=30 {
        assert_eq!(maker.file.memory().ring().tail(), begin);
        assert_eq!(writer.round(&mut host(), true).written, 1);
        let done = writer.outlets()[0].account().read().unwrap();
        assert_eq!(done.kept, 1 + row);
        let left = Source::count(maker.file.memory(), &|_| true, begin, done.cursor, maker.producer.head());
        assert_eq!(left, 30 - row);
    }
    assert!(writer.is_done());
    let mut text = vec![0; 1 << 16];
    let length = pipe.read(&mut text).unwrap();
    let found = records(std::str::from_utf8(&text[..length]).unwrap());
    assert!(found.into_iter().map(|(_, number)| number).eq(0..31));
}

#[test]
fn the_rows_that_cannot_be_read_are_counted() {
    let run = Run::new();
    let mut maker = run.maker("a");
    let (mut values, mut block) = (Scratch::new(), Scratch::new());
    (0..4).for_each(|number| Value::Int(number).encode(&mut values));
    values.byte(0xFF);
    encode_block(7, b"\x01\0\0\0m", INLINE, 1, &mut block);
    block.text(b"number");
    block.byte(Form::Values as u8);
    block.text(values.as_slice());
    let header = Header { kind: Kind::Block as u8, flags: flags::FIELDS, ..plain_header(maker.route) };
    maker.producer.push(Header { name: 3, ..header }, block.as_slice()).unwrap();
    let head = maker.producer.head();
    let mut source = maker.source();
    source.refresh();
    let mut out = Vec::new();
    let batch = source.format(0, 0, head, usize::MAX, &mut out, None);
    assert_eq!((batch.records, batch.failed, batch.to), (4, 3, head));
    assert_eq!(Source::count(maker.file.memory(), &|_| true, 0, 0, head), 7);
}

/// A value of each form, as the ring has it and as a record has it.
fn cell(form: Form, seed: u64, block: &mut Scratch, record: &mut Scratch) {
    let bytes = seed.to_le_bytes();
    block.bytes(&bytes[..form.width()]);
    match form {
        Form::Same | Form::Values => unreachable!("have no width"),
        Form::Bool => Value::Bool(bytes[0] != 0).encode(record),
        Form::I8 => Value::Int((seed as i8).into()).encode(record),
        Form::U8 => Value::Int((seed as u8).into()).encode(record),
        Form::I16 => Value::Int((seed as i16).into()).encode(record),
        Form::U16 => Value::Int((seed as u16).into()).encode(record),
        Form::I32 => Value::Int((seed as i32).into()).encode(record),
        Form::U32 => Value::Int((seed as u32).into()).encode(record),
        Form::I64 => Value::Int(seed as i64).encode(record),
        Form::U64 if seed > i64::MAX as u64 => Value::BigInt(format!("{seed:#x}").as_bytes()).encode(record),
        Form::U64 => Value::Int(seed as i64).encode(record),
        Form::F32 => {
            let number = f32::from_bits(seed as u32);
            Value::Float(format!("{number}").parse().unwrap()).encode(record);
        }
        Form::F64 => Value::Float(f64::from_bits(seed)).encode(record),
    }
}

fn forms() -> impl Strategy<Value = Form> {
    use Form::*;
    prop::sample::select(vec![Bool, I8, U8, I16, U16, I32, U32, I64, U64, F32, F64])
}

proptest! {
    #[test]
    fn a_row_is_the_record_that_it_would_be_by_itself(
        columns in prop::collection::vec((forms(), prop::collection::vec(any::<u64>(), MOST_ROWS)), 1..5),
        rows in 1..=MOST_ROWS,
        same in any::<Option<i64>>(),
    ) {
        let mut shared = Scratch::new();
        shared.text(b"name");
        shared.text(b"message");
        let count = (columns.len() + 1) as u16;
        let mut block = Scratch::new();
        encode_block(rows, shared.as_slice(), INLINE, count, &mut block);
        let mut singles: Vec<Scratch> = (0..rows).map(|_| Scratch::new()).collect();
        for single in &mut singles {
            single.bytes(shared.as_slice());
            encode_group(INLINE, count, single);
        }
        for (at, (form, seeds)) in columns.iter().enumerate() {
            block.text(format!("c{at}").as_bytes());
            block.byte(*form as u8);
            for (single, seed) in singles.iter_mut().zip(seeds) {
                single.text(format!("c{at}").as_bytes());
                cell(*form, *seed, &mut block, single);
            }
        }
        block.text(b"same");
        block.byte(Form::Same as u8);
        let value = same.map_or(Value::None, Value::Int);
        value.encode(&mut block);
        let header = Header { flags: flags::NAME_INLINE | flags::FIELDS, ..plain_header(0) };
        let (mut formatter, dictionary) = (JsonFormatter::new(), Dictionary::new());
        let mut read = Block::parse(block.as_slice()).unwrap();
        prop_assert_eq!(rows_in(block.as_slice()), rows as u64);
        for mut single in singles {
            single.text(b"same");
            value.encode(&mut single);
            let mut row = Scratch::new();
            read.next_row(&mut row).unwrap();
            let (mut found, mut expected) = (Vec::new(), Vec::new());
            formatter.line(&Record { header, payload: row.as_slice() }, &dictionary, &mut found).unwrap();
            formatter.line(&Record { header, payload: single.as_slice() }, &dictionary, &mut expected).unwrap();
            prop_assert_eq!(String::from_utf8(found).unwrap(), String::from_utf8(expected).unwrap());
        }
    }
}
