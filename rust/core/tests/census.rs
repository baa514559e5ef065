//! What has become of a ring's records, seen from outside while its process goes on.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::support::*;
use undergird_core::census::{Counts, census};
use undergird_core::dictionary::{Entry, SinkEntry};
use undergird_core::ledger;
use undergird_core::ring::{HEAD, TAIL};
use undergird_core::ringfile::{CALL_COUNTS, RingMemory, look};

/// Where a ring's file says how many accounts there are.
const ACCOUNTS: u64 = 0x208;

/// The counts of the only file, in one look.
fn seen(ring: &Path) -> Option<Counts> {
    counted(ring).map(|counts| counts.into_values().next().unwrap_or_default())
}

#[test]
fn what_came_after_an_account_was_written_is_counted_in_the_ring() {
    let run = Run::new();
    let mut maker = run.maker("a");
    let mut writer = maker.writer();
    maker.log(3);
    maker.log_block(4);
    let waiting = Counts { emitted: 7, in_flight: 7, ..Counts::default() };
    assert_eq!(seen(maker.file.path()), Some(waiting));
    drain(&mut writer);
    assert_eq!(seen(maker.file.path()), Some(Counts { emitted: 7, written: 7, ..Counts::default() }));
    maker.note();
    maker.log(1);
    let one_more = Counts { emitted: 8, written: 7, in_flight: 1, ..Counts::default() };
    assert_eq!(seen(maker.file.path()), Some(one_more));
}

#[test]
fn a_file_counts_what_leads_to_it_alone() {
    let run = Run::new();
    let mut maker = Maker::new(&run.rings(), "a", &[&run.log(), &run.other_log()], SMALL);
    maker.log(2);
    let first = maker.route;
    maker.route = maker.define(&Entry::Route([1].into()));
    let memory = maker.file.memory();
    let account = memory.account(memory.accounts() - 1).unwrap();
    account.enter(ledger::Entry { cursor: maker.producer.head(), kept: 0, lost: 9 });
    maker.log(3);
    maker.route = first;
    maker.log(1);
    let counts = counted(maker.file.path()).unwrap();
    assert_eq!(counts[&run.log()], Counts { emitted: 3, in_flight: 3, ..Counts::default() });
    assert_eq!(counts[&run.other_log()], Counts { emitted: 15, dropped: 9, in_flight: 6, ..Counts::default() });
}

#[test]
fn counts_of_calls_are_seen_in_their_order_and_touch_nothing_else() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(3);
    let directory = maker.file.memory().header().log_directory.clone();
    maker.file.memory().set_calls(1..);
    let seen = look(maker.file.path(), &mut || panic!("one look is enough")).unwrap();
    assert!(seen.memory.calls().into_iter().eq(1..=CALL_COUNTS as u64));
    assert_eq!(seen.memory.header().log_directory, directory);
    assert_eq!(census(&seen).unwrap()[&run.log()].emitted, 3);
}

#[test]
fn an_account_that_is_being_written_is_not_believed() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(3);
    let memory = maker.file.memory();
    let (begin, length) = (0x1000, SMALL.dictionary as u64);
    let sequence = begin + length - 2 * 32;
    let file = OpenOptions::new().write(true).open(maker.file.path()).unwrap();
    file.write_all_at(&3u64.to_le_bytes(), sequence).unwrap();
    let mut looks = 0;
    let seen = look(maker.file.path(), &mut || {
        looks += 1;
        looks < 5
    });
    assert!(seen.unwrap().accounts.is_none());
    assert_eq!(looks, 5);
    // Its process goes on.
    let again = &mut || {
        file.write_all_at(&4u64.to_le_bytes(), sequence).unwrap();
        true
    };
    let seen = look(maker.file.path(), again).unwrap();
    assert_eq!(census(&seen).unwrap()[&run.log()].emitted, 3);
    assert_eq!(memory.accounts(), 2);
}

#[test]
fn a_route_without_a_word_in_its_account_tells_nothing() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.define(&Entry::Route([0].into()));
    assert_eq!(seen(maker.file.path()), None);
}

#[test]
fn a_ring_of_an_earlier_version_is_read_and_written_and_has_no_counts() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(3);
    let path = maker.file.path().to_path_buf();
    // Where the accounts are now were zeros, or the dictionary.
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&0u64.to_le_bytes(), ACCOUNTS).unwrap();
    file.write_all_at(&[0; 64], 0x1000 + SMALL.dictionary as u64 - 64).unwrap();
    let seen = look(&path, &mut || panic!("one look is enough")).unwrap();
    assert_eq!(seen.memory.ring().head(), maker.producer.head());
    assert!(census(&seen).is_none());
    maker.die();
    run.recover_all();
    assert_exactly(&run.log(), "a", 3);
}

#[test]
fn entries_and_accounts_never_meet() {
    let run = Run::new();
    let maker = run.maker("a");
    let memory = maker.file.memory();
    let mut number = 0u32;
    // SAFETY: the only thread.
    while unsafe { memory.append_to_dictionary(&Entry::Route([number].into()), 0) } {
        number += 1;
        let account = memory.account(memory.accounts() - 1).unwrap();
        account.enter(ledger::Entry { cursor: u64::MAX, kept: u64::MAX, lost: u64::MAX });
    }
    assert!(memory.dictionary(0).len() + memory.accounts() * 32 <= SMALL.dictionary);
    let mut source = maker.source();
    source.refresh();
    assert_eq!(source.dictionary_read() as usize, memory.dictionary(0).len());
}

#[test]
fn accounts_of_a_damaged_ring_are_left_alone() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(3);
    let bytes = fs::read(maker.file.path()).unwrap();
    for accounts in [3, 256, 257, 1 << 32, u64::MAX] {
        let mut bytes = bytes.clone();
        bytes[ACCOUNTS as usize..][..8].copy_from_slice(&accounts.to_le_bytes());
        let memory = RingMemory::copy_of(&bytes).unwrap();
        assert!(memory.account(255).is_none(), "it would lie in the dictionary");
        assert!(memory.account(usize::MAX).is_none());
        let path = run.rings().join("damaged.ring");
        fs::write(&path, &bytes).unwrap();
        assert!(look(&path, &mut || false).is_ok());
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_ring_at_the_end_of_all_positions_is_looked_at_like_any_other() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(3);
    let path = maker.die();
    change(&path, |ring| {
        let (tail, head) = (u64::MAX - 1023, u64::MAX - 7);
        for (at, position) in [(TAIL, tail), (HEAD, head)] {
            ring[at..][..8].copy_from_slice(&position.to_le_bytes());
        }
        for account in [1, 2].map(|number| 0x1000 + SMALL.dictionary - number * 32) {
            ring[account..][..8].copy_from_slice(&2u64.to_le_bytes());
            ring[account + 8..][..8].copy_from_slice(&tail.to_le_bytes());
        }
    });
    assert_eq!(seen(&path), Some(Counts::default()));
}

#[test]
fn a_ring_that_is_cut_while_somebody_looks_is_an_error() {
    let run = Run::new();
    let mut maker = run.maker("a");
    maker.log(3);
    let path = maker.die();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    // Odd: somebody is writing it, and the look begins anew.
    file.write_all_at(&3u64.to_le_bytes(), 0x1000 + SMALL.dictionary as u64 - 2 * 32).unwrap();
    let cut = &mut || {
        file.set_len(0x1000).unwrap();
        true
    };
    assert!(look(&path, cut).is_err());
}

#[test]
fn every_look_balances_while_records_are_pushed_refused_and_written() {
    let run = Run::new();
    let mut maker = Maker::with_sinks(
        &run.rings(),
        "a",
        [run.log(), run.other_log()].iter().map(|log| SinkEntry::file(log.as_os_str().as_encoded_bytes())),
        SMALL,
    );
    let path = maker.file.path().to_path_buf();
    let mut writer = maker.writer();
    let stop = AtomicBool::new(false);
    let mut wrong = None;
    thread::scope(|scope| {
        scope.spawn(|| {
            let memory = maker.file.memory().clone();
            let account = memory.account(memory.accounts() - 1).unwrap();
            let mut entry = ledger::Entry::default();
            while !stop.load(Ordering::Relaxed) {
                let before = maker.next;
                let pushed = if before.is_multiple_of(5) { maker.try_log_block(7) } else { maker.try_log() };
                entry.kept += maker.next - before;
                entry.lost += u64::from(pushed.is_err());
                if pushed.is_err() || maker.producer.head() - entry.cursor > SMALL.data as u64 / 4 {
                    entry.cursor = maker.producer.head();
                    account.enter(entry);
                }
            }
        });
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                writer.round(&mut host(), true);
            }
        });
        let look = || census(&look(&path, &mut || true).unwrap()).expect("it looks until it is one moment");
        let balances =
            |counts: &Counts| counts.emitted == counts.written + counts.dropped + counts.failed + counts.in_flight;
        // Not asserted here: the others would never be stopped.
        wrong = (0..2000).map(|_| look()).find(|seen| !seen.values().all(balances));
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(wrong, None);
}
