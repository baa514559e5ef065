//! What was refused is said in the logs that miss it, once, whoever says it and whoever is killed meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::support::process::{Child, alone, traced};
use crate::support::*;
use undergird_core::announcement::{Announcement, due};
use undergird_core::dictionary::Entry;
use undergird_core::record::{INLINE, Value, encode_group};
use undergird_core::recovery::Outcome;
use undergird_core::ring::Producer;
use undergird_core::ringfile::{ANY_LEVEL, Refused, RingMemory, Sizes};
use undergird_core::scratch::Scratch;

/// The largest record has four KiB.
const SIZES: Sizes = Sizes { data: 32 << 10, dictionary: 8 << 10 };

/// A process with two files, and routes to the first, to the second, and to both.
struct Two {
    run: Run,
    maker: Maker,
    routes: [u32; 3],
}

impl Two {
    fn new() -> Self {
        let run = Run::new();
        let mut maker = Maker::new(&run.rings(), "a", &[&run.log(), &run.other_log()], SIZES);
        let routes = [&[0][..], &[1], &[0, 1]].map(|sinks| maker.define(&Entry::Route(sinks.into())));
        Self { run, maker, routes }
    }

    fn refuse(&self, route: usize, level: u8, logger: u32, count: u64) {
        self.maker.file.memory().refuse(Refused { route: self.routes[route], level, logger, count });
    }

    /// Tells as a live process does it, which dies before the step of this number; whether it came to the end.
    fn tell_until(&mut self, last: u32) -> bool {
        let memory = self.maker.file.memory().clone();
        let mut steps = 0;
        due(&memory, 1).into_iter().all(|Announcement { header, payload }| {
            let dies = |_| {
                steps += 1;
                if steps > last { Err(io::Error::other("killed")) } else { Ok(()) }
            };
            memory.tell(&mut self.maker.producer, header, payload.as_slice(), dies).is_ok()
        })
    }
}

/// What a log says of records that it misses: each announcement's field of this name.
fn told(log: &Path, field: &str) -> Vec<String> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let value = |line: &str| {
        assert!(line.ends_with('}'), "torn: {line:?}");
        let (_, rest) = line.split_once("\"message\":\"records dropped: the log could not keep up\",")?;
        let (_, value) = rest.split_once(&format!("\"{field}\":"))?;
        Some(value.split([',', '}']).next().unwrap_or_default().to_string())
    };
    text.lines().filter_map(value).collect()
}

#[test]
fn what_a_dead_process_refused_is_said_in_the_logs_that_miss_it_and_in_no_other() {
    let _alone = alone();
    let Two { run, mut maker, routes } = Two::new();
    maker.log(2);
    let name = maker.define(&Entry::Name((*b"odd \" one").into()));
    let refuse = |route: usize, level, logger, count| {
        maker.file.memory().refuse(Refused { route: routes[route], level, logger, count });
    };
    refuse(0, 20, name, 3);
    refuse(0, 40, INLINE, 4);
    refuse(0, 20, name, 5);
    maker.die();
    let found = run.recover();
    assert_eq!(found[0].outcome, Outcome::Recovered { written: 5, failed: 0 });
    let text = run.text();
    let last = text.lines().last().expect("the announcement");
    let expected = "\"level\":\"WARNING\",\"logger_name\":\"undergird\",\"message\":\"records dropped: the log could not \
                    keep up\",\"dropped\":12,\"dropped_level_20\":8,\"dropped_level_40\":4,\
                    \"dropped_loggers\":{\"odd \\\" one\":8,\"(others)\":4}}";
    assert!(last.ends_with(expected), "{last}");
    assert_exactly(&run.other_log(), "a", 2);
    assert_eq!(run.left(), [] as [std::path::PathBuf; 0]);
}

#[test]
fn a_process_that_dies_at_any_step_of_telling_has_told_or_is_told_for() {
    let _alone = alone();
    for last in 0.. {
        let mut two = Two::new();
        two.maker.log(1);
        (0..3).for_each(|route| two.refuse(route, 20, INLINE, 1 << route));
        let done = two.tell_until(last);
        if done {
            // What is refused from now on is another thing.
            two.refuse(0, 20, INLINE, 8);
        }
        let Two { run, maker, .. } = two;
        maker.die();
        run.recover_all();
        for (log, expected) in [(run.log(), [1, 4]), (run.other_log(), [2, 4])] {
            let mut all: Vec<u64> = told(&log, "dropped").iter().map(|text| text.parse().unwrap()).collect();
            all.retain(|count| *count != 8 || !done);
            assert_eq!(all, expected, "killed at {last}");
        }
        if done {
            assert!(last > 15, "{last}");
            return;
        }
    }
}

/// A ring whose process was killed between an announcement and what follows it, with other things untold.
fn leave_untold() -> Run {
    let mut two = Two::new();
    two.maker.log(2);
    two.refuse(1, 20, INLINE, 7);
    // The head has moved, and that was the last.
    assert!(!two.tell_until(5));
    two.refuse(0, 20, INLINE, 3);
    two.refuse(2, 40, INLINE, 4);
    two.run
}

#[test]
fn a_recovery_killed_at_any_system_call_says_each_thing_once() {
    let _alone = alone();
    for n in (0..).step_by(2) {
        let run = leave_untold();
        let child = Child::start(|| {
            traced();
            run.recover();
        });
        let killed = child.kill_at_stop(n);
        run.recover_all();
        assert_eq!(told(&run.log(), "dropped"), ["3", "4"], "killed at {n}");
        assert_eq!(told(&run.other_log(), "dropped"), ["7", "4"], "killed at {n}");
        if !killed {
            assert!(n > 80, "the child was stopped at each of its calls");
            return;
        }
    }
}

#[test]
fn what_is_refused_in_very_many_ways_is_told_in_sum() {
    let _alone = alone();
    let Two { run, mut maker, routes } = Two::new();
    let names: Vec<u32> =
        (0..100).map(|n| maker.define(&Entry::Name(format!("logger.{n:030}").into_bytes().into()))).collect();
    let mut counts = BTreeMap::<u32, u64>::new();
    for (turn, name) in names.iter().enumerate() {
        for level in 1..=100 {
            let route = routes[turn % 2];
            maker.file.memory().refuse(Refused { route, level, logger: *name, count: 1 });
            *counts.entry(route).or_default() += 1;
        }
    }
    assert_eq!(counts[&routes[0]], 5000);
    maker.die();
    run.recover_all();
    for log in [run.log(), run.other_log()] {
        assert_eq!(told(&log, "dropped"), ["5000"]);
        assert_eq!(told(&log, "dropped_level_others").len(), 1);
        let text = fs::read_to_string(&log).unwrap();
        let by = |prefix: &str| -> u64 {
            let numbers = text.split(prefix).skip(1).filter_map(|rest| rest.split_once("\":"));
            numbers.map(|(_, rest)| rest.split([',', '}']).next().unwrap().parse::<u64>().unwrap()).sum()
        };
        assert_eq!(by("\"dropped_level_"), 5000);
        assert_eq!(by("\"logger.") + by("\"(others)"), 5000);
    }
}

#[test]
fn a_level_that_is_not_told_apart_has_no_number() {
    let _alone = alone();
    let two = Two::new();
    two.refuse(0, ANY_LEVEL, INLINE, 1);
    let Two { run, maker, .. } = two;
    maker.die();
    run.recover_all();
    assert_eq!(told(&run.log(), "dropped_level_others"), ["1"]);
}

#[test]
fn a_route_that_a_damaged_dictionary_does_not_know_is_not_told_of() {
    let _alone = alone();
    let Two { run, maker, .. } = Two::new();
    maker.file.memory().refuse(Refused { route: 77, level: 20, logger: INLINE, count: 1 });
    maker.file.memory().refuse(Refused { route: 0, level: 20, logger: INLINE, count: u64::MAX });
    maker.die();
    run.recover_all();
    assert_eq!(run.text(), "");
}

#[test]
fn a_ring_without_room_for_an_announcement_says_nothing_and_does_no_harm() {
    let _alone = alone();
    let tiny = Sizes { data: 128, dictionary: 4 << 10 };
    let memory = RingMemory::on_heap(tiny, &owner("/logs/run.log".as_ref())).unwrap();
    for entry in [sink_entry("/logs/run.log".as_ref()), Entry::Route([0].into())] {
        // SAFETY: the only producer.
        assert!(unsafe { memory.append_to_dictionary(&entry, 0) });
    }
    memory.refuse(Refused { route: 1, level: 20, logger: INLINE, count: 9 });
    // SAFETY: as above.
    let mut producer = unsafe { Producer::new(memory.ring().clone()) };
    let [Announcement { header, payload }] = &due(&memory, 1)[..] else { panic!("one route") };
    assert!(!memory.tell(&mut producer, *header, payload.as_slice(), |_| Ok(())).unwrap());
    assert_eq!(memory.untold().next().map(|refused| refused.count), Some(9));
}

#[test]
fn what_every_record_of_a_run_bears_is_said_unless_it_takes_the_room_of_what_there_is_to_say() {
    let _alone = alone();
    for (length, expected) in [(2, vec!["\"a1\""]), (3000, vec![])] {
        let mut two = Two::new();
        let mut group = Scratch::new();
        encode_group(INLINE, 1, &mut group);
        group.text(b"run_id");
        Value::Str("a1".repeat(length / 2).as_bytes()).encode(&mut group);
        two.maker.define(&Entry::Fields(group.as_slice().into()));
        two.refuse(0, 20, INLINE, 1);
        let Two { run, maker, .. } = two;
        maker.die();
        run.recover_all();
        assert_eq!(told(&run.log(), "dropped"), ["1"]);
        assert_eq!(told(&run.log(), "run_id"), expected);
    }
}
