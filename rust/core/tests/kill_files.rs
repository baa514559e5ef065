//! A process with several files, each with a format, a rotation and records of its own, killed at every system call: also
//! between two of the files.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::support::process::{Child, Shared, alone, traced};
use crate::support::*;
use undergird_core::dictionary::{Entry, SinkEntry};
use undergird_core::format::Format;
use undergird_core::rotation::Rotation;

/// The files of a process that has several, each with its own format and rotation.
fn files(run: &Run) -> [SinkEntry; 3] {
    let file = |name: &str, format: Format, max_bytes| SinkEntry {
        format: format as u8,
        rotation: Rotation { max_bytes, ..Rotation::default() },
        ..SinkEntry::file(run.path().join(name).as_os_str().as_bytes())
    };
    [file("run.log", Format::Json, 0), file("run.logfmt", Format::Logfmt, 300), file("run.txt", Format::Text, 300)]
}

/// To which of them the records go, one after the other.
const ROUTES: [&[u32]; 4] = [&[0, 1, 2], &[0], &[1, 2], &[2]];

/// A life whose records go to several files.
fn live_in_several_files(run: &Run, accepted: &Shared) {
    let mut maker = Maker::with_sinks(&run.rings(), "a", files(run).into_iter(), SMALLEST);
    let routes = ROUTES.map(|sinks| maker.define(&Entry::Route(sinks.into())));
    let mut writer = maker.writer();
    for step in 0..8 {
        maker.route = routes[step % ROUTES.len()];
        maker.log(1);
        accepted.set(0, maker.next);
        if step == 4 {
            drain(&mut writer);
        }
    }
    drain(&mut writer);
    maker.file.remove();
    writer.forget(&mut host());
}

/// The numbers of the records in one of several files, whose lines must all have its format.
fn numbers_in(run: &Run, sink: usize) -> Vec<u64> {
    let SinkEntry { path, rotation, .. } = &files(run)[sink];
    let parts = parts_of(Path::new(OsStr::from_bytes(path)), rotation);
    let texts: Vec<String> = parts.iter().map(|part| fs::read_to_string(part).expect("readable")).collect();
    assert!(rotation.max_bytes == 0 || texts.iter().all(|text| (text.len() as u64) < rotation.max_bytes));
    let number = |line: &str| {
        assert!(line.starts_with(["{\"timestamp\":\"2026", "timestamp=2026", "2026"][sink]), "{line:?}");
        let rest = line.strip_suffix('}').unwrap_or(line);
        let digits = rest.rsplit(|c: char| !c.is_ascii_digit()).next().expect("there is always one");
        digits.parse().unwrap_or_else(|_| panic!("a broken line: {line:?}"))
    };
    texts.iter().flat_map(|text| text.lines().map(number)).collect()
}

#[test]
fn a_process_killed_at_any_system_call_leaves_each_of_its_files_whole() {
    let _alone = alone();
    let mut apart = 0;
    for n in 0.. {
        let (run, accepted) = (Run::new(), Shared::new());
        let child = Child::start(|| {
            traced();
            live_in_several_files(&run, &accepted);
        });
        let killed = child.kill_at_stop(n);
        // Whether one file had more than another: the kill came between them.
        let begun =
            files(&run).map(|file| fs::metadata(OsStr::from_bytes(&file.path)).is_ok_and(|file| file.len() > 0));
        apart += u64::from(begun.contains(&true) && begun.contains(&false));
        run.recover_all();
        let logged = accepted.get(0);
        let of = |sink: u32, count: u64| -> Vec<u64> {
            (0..count).filter(|number| ROUTES[*number as usize % ROUTES.len()].contains(&sink)).collect()
        };
        // The one whose call had not returned is in all of its files or in none.
        let found: Vec<Vec<u64>> = (0..3).map(|sink| numbers_in(&run, sink)).collect();
        let exactly = |count| (0..3).all(|sink| found[sink as usize] == of(sink, count));
        assert!(exactly(logged) || exactly(logged + 1), "stop {n}: {found:?} of {logged}");
        if !killed {
            assert_eq!(logged, 8);
            assert!(parts_of(&run.path().join("run.txt"), &files(&run)[2].rotation).len() >= 2);
            assert!(apart > 20, "{n} stops, killed between two files {apart} times");
            return;
        }
    }
}
