//! Logs that are put aside: by size, by time, under which names, and which are kept.

use std::fs;
use std::io::Read;
use std::time::{Duration, SystemTime};

use crate::support::*;
use proptest::prelude::*;
use undergird_core::dictionary::{Dictionary, Entry, SinkEntry};
use undergird_core::rotation::compress::{clear_up, compress};
use undergird_core::rotation::names::{BadPattern, Names};
use undergird_core::rotation::schedule::{Schedule, Zone};
use undergird_core::rotation::{Compression, Keep, Rotation};
use undergird_core::sink::FileSink;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const DAILY: Schedule = Schedule::Days { days: 1, at: 0 };

fn by_size(max_bytes: u64) -> Rotation {
    Rotation { max_bytes, ..Rotation::default() }
}

fn by_time(schedule: Schedule, pattern: &str) -> Rotation {
    let (names, zone) = (Names::parse(pattern).unwrap(), Zone::named("UTC"));
    Rotation { schedule: Some(schedule), zone, names, ..Rotation::default() }
}

fn names_in(run: &Run) -> Vec<String> {
    let names = fs::read_dir(run.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.contains("run")).collect();
    names.sort();
    names
}

/// Seconds since the epoch of a time in a zone.
fn second(zone: &str, year: i16, month: i8, day: i8, hour: i8, minute: i8) -> i64 {
    let zone = Zone::named(zone).at(0).unwrap().time_zone().clone();
    jiff::civil::datetime(year, month, day, hour, minute, 0, 0).to_zoned(zone).unwrap().timestamp().as_second()
}

#[test]
fn rules_that_never_put_a_log_aside_are_none() {
    let rules = Rotation { max_bytes: 1, compression: Compression::Gzip, ..Rotation::default() };
    let mut bytes = rules.encode();
    bytes[..8].fill(0);
    assert_eq!(Rotation::parse(&bytes), Ok(Rotation::default()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn files_are_full_and_hold_every_line_in_order(
        max_bytes in 1_u64..3000,
        batches in prop::collection::vec(1_u64..40, 1..12),
    ) {
        let (run, rotation) = (Run::new(), by_size(max_bytes));
        let mut maker = Maker::rotating(&run, "a", &rotation);
        let mut writer = maker.writer();
        for batch in batches {
            maker.log(batch);
            drain(&mut writer);
        }
        let found: Vec<u64> = records(&run.whole_text(&rotation)).into_iter().map(|(_, number)| number).collect();
        prop_assert_eq!(found, (0..maker.next).collect::<Vec<_>>());
        let parts: Vec<String> = run.parts(&rotation).iter().map(|part| fs::read_to_string(part).unwrap()).collect();
        for (part, next) in parts.iter().zip(&parts[1..]) {
            prop_assert!(part.len() < max_bytes as usize || part.lines().count() == 1);
            let first = next.lines().next().unwrap().len() + 1;
            prop_assert!(part.len() + first >= max_bytes as usize, "the next line had room");
        }
    }
}

#[test]
fn the_oldest_go_when_there_are_more_than_are_kept() {
    let run = Run::new();
    let rotation = Rotation { keep: Keep { files: Some(3), ..Keep::default() }, ..by_size(1) };
    let mut maker = Maker::rotating(&run, "a", &rotation);
    let mut writer = maker.writer();
    maker.log(10);
    drain(&mut writer);
    assert_eq!(names_in(&run), [".run.log.lock", "run.log", "run.log.1", "run.log.2", "run.log.3"]);
    let found: Vec<u64> = records(&run.whole_text(&rotation)).into_iter().map(|(_, number)| number).collect();
    assert_eq!(found, [6, 7, 8, 9]);
}

#[test]
fn a_gap_that_a_kill_left_is_filled_and_compressed_logs_move_along() {
    let run = Run::new();
    for (name, text) in [("run.log", "d"), ("run.log.1.gz", "c"), ("run.log.2.zst", "b"), ("run.log.4", "a")] {
        fs::write(run.path().join(name), text).unwrap();
    }
    Names::Numbered.put_aside(&run.log(), 0, &Zone::default(), &Keep::default()).unwrap();
    let text = |name: &str| fs::read_to_string(run.path().join(name)).unwrap();
    assert_eq!(["run.log.1", "run.log.2.gz", "run.log.3.zst", "run.log.4"].map(text), ["d", "c", "b", "a"]);
    assert_eq!(names_in(&run).len(), 4);
}

#[test]
fn what_is_older_or_more_than_is_kept_goes_and_nothing_else() {
    let run = Run::new();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let strange = ["run.log.bak", "run.log.01", "run.log.1.txt", "run.logs.1", "other.log.1", "run.log.1.gz.part"];
    for name in strange {
        fs::write(run.path().join(name), "not ours").unwrap();
    }
    for (number, age) in [(1, 10), (2, 20), (3, 30), (4, 40)] {
        let path = run.path().join(format!("run.log.{number}"));
        fs::write(&path, "ten bytes.").unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(now - Duration::from_secs(age)).unwrap();
    }
    let kept = |keep: Keep| {
        Names::Numbered.prune(&run.log(), &keep, now).unwrap();
        Names::Numbered.kept(&run.log()).unwrap().len()
    };
    assert_eq!(kept(Keep::default()), 4);
    assert_eq!(kept(Keep { seconds: Some(30), ..Keep::default() }), 3);
    assert_eq!(kept(Keep { bytes: Some(29), ..Keep::default() }), 2);
    assert_eq!(kept(Keep { files: Some(1), ..Keep::default() }), 1);
    assert!(run.path().join("run.log.1").exists());
    assert!(strange.iter().all(|name| run.path().join(name).exists()));
}

#[test]
fn compressed_logs_hold_what_the_logs_held() {
    compressed_logs_hold_it(Compression::Gzip, |file| Box::new(flate2::read::GzDecoder::new(file)));
    #[cfg(feature = "zstd")]
    compressed_logs_hold_it(Compression::Zstd, |file| Box::new(ruzstd::decoding::StreamingDecoder::new(file).unwrap()));
}

fn compressed_logs_hold_it(compression: Compression, decoder: fn(fs::File) -> Box<dyn Read>) {
    let run = Run::new();
    let rotation = Rotation { compression, ..by_size(2000) };
    let mut maker = Maker::rotating(&run, "a", &rotation);
    let mut writer = maker.writer();
    maker.log(100);
    drain(&mut writer);
    let before = run.parts(&rotation);
    let texts: Vec<String> = before.iter().map(|part| fs::read_to_string(part).unwrap()).collect();
    let changed = fs::metadata(&before[0]).unwrap().modified().unwrap();
    fs::write(run.path().join(".run.log.77.part"), "of a dead process").unwrap();
    clear_up(&run.log()).unwrap();
    compress(&run.log(), &rotation, &mut || false).unwrap();
    let after = run.parts(&rotation);
    assert_eq!(fs::metadata(&after[0]).unwrap().modified().unwrap(), changed);
    assert_eq!(after.len(), before.len());
    for (part, text) in after.iter().zip(&texts).take(after.len() - 1) {
        assert!(part.to_str().unwrap().ends_with(compression.suffix()));
        let mut found = String::new();
        decoder(fs::File::open(part).unwrap()).read_to_string(&mut found).unwrap();
        assert_eq!(&found, text);
    }
    assert_eq!(names_in(&run).len(), before.len() + 1, "nothing else is left: {:?}", names_in(&run));
}

#[cfg(not(feature = "zstd"))]
#[test]
fn what_this_build_cannot_compress_stays_as_it_is() {
    let run = Run::new();
    let rotation = Rotation { compression: Compression::Zstd, ..by_size(1) };
    assert!(!rotation.compression.is_built_in());
    assert_eq!(Rotation::parse(&rotation.encode()), Ok(rotation.clone()), "a ring of another build is read");
    fs::write(run.path().join("run.log.1"), "first").unwrap();
    compress(&run.log(), &rotation, &mut || false).unwrap();
    assert_eq!(names_in(&run), ["run.log.1"]);
}

#[test]
fn a_log_that_moves_on_while_it_is_compressed_is_found_again() {
    let run = Run::new();
    let rotation = Rotation { compression: Compression::Gzip, ..by_size(1) };
    fs::write(run.log(), "").unwrap();
    fs::write(run.path().join("run.log.1"), "first").unwrap();
    let mut other = FileSink::new(&run.log());
    let mut held = Some(other.lock(&mut || false).unwrap().unwrap());
    compress(&run.log(), &rotation, &mut || {
        // It is compressed and waits for the lock, whose holder puts the log aside.
        fs::rename(run.path().join("run.log.1"), run.path().join("run.log.2")).unwrap();
        held.take();
        true
    })
    .unwrap();
    assert_eq!(names_in(&run), [".run.log.lock", "run.log", "run.log.2.gz"]);
}

#[test]
fn a_daily_log_is_called_by_its_day() {
    let run = Run::new();
    let rotation = by_time(DAILY, "{name}.%Y-%m-%d");
    let mut maker = Maker::rotating(&run, "a", &rotation);
    let mut writer = maker.writer();
    // The host's clock goes on by eight hours at each look, from 2023-11-14 22:13:20 UTC.
    let mut host = host();
    host.step = 8 * HOUR as u64 * 1_000_000_000;
    for _ in 0..12 {
        maker.log(1);
        writer.round(&mut host, true);
    }
    let names = names_in(&run);
    assert_eq!(names[..4], [".run.log.lock", "run.log", "run.log.2023-11-15", "run.log.2023-11-16"]);
    assert_eq!(records(&run.whole_text(&rotation)).len(), 12);
}

#[test]
fn a_log_of_yesterday_is_put_aside_by_todays_first_line() {
    let run = Run::new();
    fs::write(run.log(), "yesterday\n").unwrap();
    let file = fs::File::options().write(true).open(run.log()).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 - 86_400)).unwrap();
    let rotation = by_time(DAILY, "{stem}-%Y%m%d{suffix}");
    let mut maker = Maker::rotating(&run, "a", &rotation);
    maker.log(1);
    drain(&mut maker.writer());
    assert_eq!(fs::read_to_string(run.path().join("run-20231113.log")).unwrap(), "yesterday\n");
    assert_exactly(&run.log(), "a", 1);
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    let run = Run::new();
    let names = Names::parse("{name}.%Y").unwrap();
    for text in ["first", "second", "third"] {
        fs::write(run.log(), text).unwrap();
        names.put_aside(&run.log(), 0, &Zone::named("UTC"), &Keep::default()).unwrap();
    }
    assert_eq!(names_in(&run), ["run.log.1970", "run.log.1970.1", "run.log.1970.2"]);
    assert_eq!(fs::read_to_string(run.path().join("run.log.1970")).unwrap(), "first");
}

#[test]
fn midnight_is_local_also_when_the_clocks_change() {
    let berlin = Zone::named("Europe/Berlin");
    for (day, hours) in [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 11, 21), 24)] {
        let (year, month, day) = day;
        let midnight = second("Europe/Berlin", year, month, day, 0, 0);
        assert_eq!(DAILY.next(midnight - 1, &berlin), midnight);
        let next = DAILY.next(midnight, &berlin);
        assert_eq!(next - midnight, hours * HOUR);
        assert_eq!(DAILY.beginning(next, &berlin), midnight);
    }
    for (zone, spring, autumn) in [
        ("America/New_York", (2026, 3, 8, 23 * 60), (2026, 11, 1, 25 * 60)),
        // Half an hour, and on the other side of the year.
        ("Australia/Lord_Howe", (2026, 10, 4, 23 * 60 + 30), (2026, 4, 5, 24 * 60 + 30)),
    ] {
        for (year, month, day, minutes) in [spring, autumn] {
            let midnight = second(zone, year, month, day, 0, 0);
            let next = DAILY.next(midnight, &Zone::named(zone));
            assert_eq!(next - midnight, minutes * 60, "{zone}");
            assert_eq!(DAILY.beginning(next, &Zone::named(zone)), midnight);
            assert_eq!(DAILY.next(midnight + 12 * HOUR, &Zone::named(zone)), next);
        }
    }
    // A zone whose clocks jump over midnight: the day begins at one.
    let havana = Zone::named("America/Havana");
    let day = second("America/Havana", 2026, 3, 8, 12, 0);
    assert_eq!(DAILY.next(day - DAY, &havana), second("America/Havana", 2026, 3, 8, 1, 0));
}

#[test]
fn a_time_that_comes_twice_or_never_puts_a_log_aside_once_a_day() {
    for (zone, day, at) in [
        ("Europe/Berlin", (2026, 3, 28), 2 * 60 + 30),
        ("Europe/Berlin", (2026, 10, 24), 2 * 60 + 30),
        ("America/New_York", (2026, 3, 7), 2 * 60),
        ("America/New_York", (2026, 10, 31), 60 + 59),
        ("Australia/Lord_Howe", (2026, 10, 3), 2 * 60 + 15),
        ("Australia/Lord_Howe", (2026, 4, 4), 60 + 45),
    ] {
        let ((year, month, first), zone_of) = (day, Zone::named(zone));
        let daily = Schedule::Days { days: 1, at: at * 60 };
        let mut time = second(zone, year, month, first, 0, 0);
        let mut dates = Vec::new();
        for _ in 0..4 {
            time = daily.next(time, &zone_of);
            let there = zone_of.at(time).unwrap();
            dates.push(there.date());
            let minutes = u32::from(there.hour() as u8) * 60 + u32::from(there.minute() as u8);
            // Where the clocks jump over it, it is as long after the jump as it would have been after the hour before.
            assert!(minutes == at || (minutes - at <= 60 && dates.len() == 2), "{zone}: {there}");
        }
        assert!(dates.windows(2).all(|pair| pair[0].tomorrow().unwrap() == pair[1]), "{zone}: {dates:?}");
        // Within the hour that comes twice, too, the next time is in the future, and no more than a day and its hour away.
        let begin = second(zone, year, month, first, 0, 0);
        for after in (begin..begin + 3 * 86_400).step_by(600) {
            let next = daily.next(after, &zone_of);
            assert!((1..=25 * 3600).contains(&(next - after)), "{zone}: {after} to {next}");
        }
    }
}

#[test]
fn an_hourly_log_has_one_file_for_each_hour_that_passes_also_when_the_clocks_change() {
    for (zone, midnight, twice) in [
        ("Europe/Berlin", (2026, 10, 25), "run.log.2026-10-25_02"),
        ("America/New_York", (2026, 11, 1), "run.log.2026-11-01_01"),
        ("Australia/Lord_Howe", (2026, 4, 5), "run.log.2026-04-05_01"),
        ("Europe/Berlin", (2026, 3, 29), ""),
    ] {
        let run = Run::new();
        let hourly = by_time(Schedule::Seconds(3600), "{name}.%Y-%m-%d_%H");
        let rotation = Rotation { zone: Zone::named(zone), ..hourly };
        let mut maker = Maker::rotating(&run, "a", &rotation);
        let mut writer = maker.writer();
        let mut host = host();
        let (year, month, day) = midnight;
        host.now = second(zone, year, month, day, 0, 0) as u64 * 1_000_000_000;
        host.step = 0;
        for _ in 0..6 {
            maker.log(1);
            writer.round(&mut host, true);
            host.now += 3600 * 1_000_000_000;
        }
        let names = names_in(&run);
        assert_eq!(names.iter().filter(|name| name.starts_with("run.log.")).count(), 5, "{names:?}");
        let found: Vec<u64> = records(&run.whole_text(&rotation)).into_iter().map(|(_, number)| number).collect();
        assert_eq!(found.len(), 6);
        if !twice.is_empty() {
            assert!(names.iter().any(|name| name == twice), "{zone}: {names:?}");
            assert!(names.contains(&format!("{twice}.1")), "{zone}: {names:?}");
        }
    }
}

#[test]
fn weeks_hours_and_several_days_are_counted_as_the_standard_library_counts_them() {
    let utc = Zone::named("UTC");
    // A Saturday, at noon.
    let noon = second("UTC", 2026, 11, 21, 12, 0);
    assert_eq!(Schedule::Seconds(3600).next(noon + 5, &utc), noon + 3605);
    assert_eq!(Schedule::Weekday { day: 0, at: 0 }.next(noon, &utc), second("UTC", 2026, 11, 23, 0, 0));
    assert_eq!(Schedule::Weekday { day: 5, at: 0 }.next(noon, &utc), second("UTC", 2026, 11, 28, 0, 0));
    assert_eq!(Schedule::Weekday { day: 5, at: 13 * 3600 }.next(noon, &utc), second("UTC", 2026, 11, 21, 13, 0));
    assert_eq!(Schedule::Days { days: 3, at: 0 }.next(noon, &utc), second("UTC", 2026, 11, 24, 0, 0));
}

#[test]
fn zones_are_known_by_name_by_rule_and_by_file() {
    let hour = |zone: &str| Zone::named(zone).at(1_795_000_000).unwrap().hour();
    let utc = hour("UTC");
    assert_eq!(hour("Asia/Tokyo"), (utc + 9) % 24);
    assert_eq!(hour(":Asia/Tokyo"), (utc + 9) % 24);
    assert_eq!(hour("/usr/share/zoneinfo/Asia/Tokyo"), (utc + 9) % 24);
    assert_eq!(hour("JST-9"), (utc + 9) % 24);
    assert_eq!(hour("Nowhere/Atall"), utc);
    assert_eq!(hour("../../../etc/passwd"), utc);
}

#[test]
fn patterns_that_would_not_tell_files_apart_are_refused() {
    assert_eq!(Names::parse("old/%Y"), Err(BadPattern::Slash));
    assert_eq!(Names::parse("{name}.old"), Err(BadPattern::Timeless));
    assert_eq!(Names::parse("{name}.%Q"), Err(BadPattern::Unknown("%Q".into())));
    assert_eq!(Names::parse("{nam}.%Y"), Err(BadPattern::Unknown("{nam}".into())));
    assert_eq!(Names::parse("%"), Err(BadPattern::Unknown("%".into())));
}

#[test]
fn a_log_that_cannot_be_put_aside_goes_on_growing_and_says_so() {
    let (run, rotation) = (Run::new(), by_time(Schedule::Seconds(1), "run.%Y.log"));
    let mut maker = Maker::rotating(&run, "a", &rotation);
    let mut writer = maker.writer();
    maker.log(1);
    drain(&mut writer);
    // As long as a name may be, and the log's is already.
    let long = Rotation { names: Names::parse(&format!("{}%Y", "x".repeat(254))).unwrap(), ..rotation };
    let mut maker = Maker::rotating(&run, "b", &long);
    let (mut writer, mut host) = (maker.writer(), host());
    for _ in 0..3 {
        maker.log(1);
        writer.round(&mut host, true);
    }
    assert_eq!(records(&run.text()).len(), 4);
    assert!(writer.outlets()[0].error().unwrap().contains("could not be put aside"));
}

proptest! {
    #[test]
    fn rules_are_read_as_they_were_written(
        max_bytes in 1_u64..,
        schedule in prop_oneof![
            Just(None),
            (1_u32..).prop_map(|seconds| Some(Schedule::Seconds(seconds))),
            (1_u32..36_500, 0_u32..86_400).prop_map(|(days, at)| Some(Schedule::Days { days, at })),
            (0_u8..7, 0_u32..86_400).prop_map(|(day, at)| Some(Schedule::Weekday { day, at })),
        ],
        zone in ".{0,20}",
        pattern in prop_oneof![Just(""), Just("{stem}-%Y%m%d{suffix}"), Just("%%%j")],
        files in prop::option::of(0_u32..1000),
        seconds in prop::option::of(0_u64..1000),
        compression in prop::sample::select(vec![Compression::None, Compression::Gzip, Compression::Zstd]),
    ) {
        let rotation = Rotation {
            max_bytes,
            schedule,
            zone: Zone::named(&zone),
            names: Names::parse(pattern).unwrap(),
            keep: Keep { files, seconds, bytes: None },
            compression,
        };
        let entry = Entry::Sink(SinkEntry { rotation, ..SinkEntry::file(b"/run.log") });
        let mut dictionary = Dictionary::new();
        dictionary.extend(&entry.encode()).unwrap();
        prop_assert_eq!(dictionary.get(0), Some(&entry));
    }

    #[test]
    fn any_bytes_are_rules_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Rotation::parse(&bytes);
    }
}
