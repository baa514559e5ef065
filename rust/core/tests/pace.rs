//! How long the drainer and waiting calls pause.

use std::iter::repeat_with;
use std::time::{Duration, Instant};

use undergird_core::pace::{Beat, Pace};

/// The pauses of a thread that finds nothing to do, in milliseconds.
fn idle(mut pace: Pace) -> impl Iterator<Item = f64> {
    repeat_with(move || pace.pause().as_secs_f64() * 1e3)
}

#[test]
fn a_drainer_never_pauses_for_more_than_twenty_milliseconds() {
    // Of the 50 that a line may take to its file.
    assert!(idle(Pace::of_drainer()).take(1000).all(|pause| pause <= 20.0));
}

#[test]
fn a_drainer_without_work_soon_looks_fifty_times_a_second_only() {
    assert!(idle(Pace::of_drainer()).skip(10).take(1000).all(|pause| pause >= 20.0));
}

#[test]
fn a_call_that_waits_for_room_looks_every_millisecond_at_least_and_soon_not_more_often() {
    assert!(idle(Pace::of_waiting_call()).take(1000).all(|pause| pause <= 1.0));
    assert!(idle(Pace::of_waiting_call()).skip(10).take(1000).all(|pause| pause >= 1.0));
}

#[test]
fn pauses_double_and_are_short_again_after_something_has_happened() {
    let mut pace = Pace::new(Duration::from_millis(3), Duration::from_millis(20));
    let mut four = || [(); 4].map(|()| pace.pause().as_millis());
    assert_eq!(four(), [3, 6, 12, 20]);
    assert_eq!(four(), [20, 20, 20, 20]);
    pace.quicken();
    assert_eq!(pace.pause().as_millis(), 3);
}

#[test]
fn the_first_look_for_dead_siblings_is_at_once() {
    let (now, mut siblings) = (Instant::now(), Beat::of_siblings());
    assert!(siblings.is_due(now));
    assert!(!siblings.is_due(now));
}
