//! The loop that drains a ring, with a clock of ours: what it does when, however long its rounds take.

use std::time::{Duration, Instant};

use undergird_core::drainer::{Duties, drain};
use undergird_core::writer::Round;

/// For how long each life is watched.
const LIFE: Duration = Duration::from_secs(60);

/// A process whose rounds take as long, and get as far, as the test says.
struct Life<F> {
    round: F,
    rounds: u64,
    begun: Instant,
    now: Instant,
    looks: Vec<Duration>,
    announcements: Vec<Duration>,
    longest_pause: Duration,
}

impl<F: FnMut(u64) -> (u64, Round)> Life<F> {
    /// The life of a process of whose `n`-th round `round` says how many milliseconds it takes, and what comes of it.
    fn of(round: F) -> Self {
        let now = Instant::now();
        let mut life = Self {
            round,
            rounds: 0,
            begun: now,
            now,
            looks: Vec::new(),
            announcements: Vec::new(),
            longest_pause: Duration::ZERO,
        };
        drain(&mut life);
        life
    }
}

impl<F: FnMut(u64) -> (u64, Round)> Duties for Life<F> {
    fn is_finished(&mut self) -> bool {
        self.now - self.begun >= LIFE
    }

    fn round(&mut self) -> Round {
        let (milliseconds, round) = (self.round)(self.rounds);
        self.rounds += 1;
        self.now += Duration::from_millis(milliseconds);
        round
    }

    fn look_for_orphans(&mut self) {
        self.looks.push(self.now - self.begun);
    }

    fn announce(&mut self) {
        self.announcements.push(self.now - self.begun);
    }

    fn now(&mut self) -> Instant {
        self.now
    }

    fn pause(&mut self, time: Duration) {
        self.longest_pause = self.longest_pause.max(time);
        self.now += time;
    }
}

const REST: Round = Round { written: 0, more: false, severe: false };
const WORK: Round = Round { written: 100, more: false, severe: false };
const FULL: Round = Round { written: 1000, more: true, severe: false };
/// There is more to write, and a file that takes nothing.
const STUCK: Round = Round { written: 0, more: true, severe: false };

/// The longest time between two of these, from the beginning to the end of a life.
fn longest(moments: &[Duration]) -> Duration {
    let ends = moments.iter().copied().chain([LIFE]);
    let mut last = Duration::ZERO;
    ends.map(|moment| moment.saturating_sub(std::mem::replace(&mut last, moment))).max().unwrap_or(LIFE)
}

#[track_caller]
fn looks_often_enough(round: impl FnMut(u64) -> (u64, Round)) {
    let looks = Life::of(round).looks;
    assert!(longest(&looks) <= Duration::from_secs(1), "{looks:?}");
    // A look reads a directory: it is nothing for each round.
    assert!(looks.len() <= 2 * LIFE.as_secs() as usize + 1, "{}", looks.len());
}

#[test]
fn a_process_looks_for_dead_siblings_at_least_once_a_second_and_not_all_the_time() {
    for millis in [0, 1, 19, 100, 450] {
        for round in [REST, WORK, FULL, STUCK] {
            // Rounds that take no time and leave no pause would be endless.
            looks_often_enough(|_| (millis.max(u64::from(round.more)), round));
        }
    }
    looks_often_enough(|n| (n * 37 % 450, if n % 100 < 90 { FULL } else { REST }));
    looks_often_enough(|n| (n * 7 % 30, [REST, WORK, STUCK][n as usize % 3]));
}

#[test]
fn a_process_at_rest_asks_once_a_second_whether_there_is_something_to_tell() {
    let life = Life::of(|_| (0, REST));
    assert!(longest(&life.announcements) < Duration::from_millis(1100), "{:?}", life.announcements);
    assert!(life.announcements.len() as u64 <= LIFE.as_secs() + 1);
    assert_eq!(Life::of(|_| (10, WORK)).announcements, []);
}

#[test]
fn a_process_with_more_to_write_does_not_pause_and_one_without_soon_looks_again() {
    assert_eq!(Life::of(|_| (5, FULL)).longest_pause, Duration::ZERO);
    assert_eq!(Life::of(|_| (0, REST)).longest_pause, Duration::from_millis(20));
    assert_eq!(Life::of(|_| (0, WORK)).longest_pause, Duration::from_millis(1));
}
