//! What is let through and held back, against models that remember everything.

use std::collections::HashMap;

use proptest::prelude::*;
use undergird_core::sampling::gates::{Gates, Key, SLOTS};
use undergird_core::sampling::{Rule, State};

/// Times that only go forward, in eighths, so that sums of them are exact.
fn forward() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop_oneof![4 => 0..3u32, 1 => 0..100u32], 1..300).prop_map(|steps| {
        let mut now = 0;
        let step = |step| {
            now += step;
            f64::from(now) / 8.0
        };
        steps.into_iter().map(step).collect()
    })
}

/// Records by their place in the period: a naive sampler.
fn sampled(times: &[f64], first: u64, then: u64, per: f64) -> Vec<bool> {
    let mut begin = None;
    let mut number = 0;
    let mut through = |now: f64| {
        if begin.is_none_or(|begin: f64| now < begin || now >= begin + per) {
            (begin, number) = (Some(now), 0);
        }
        number += 1;
        number <= first || then > 0 && (number - first).is_multiple_of(then)
    };
    times.iter().map(|now| through(*now)).collect()
}

/// A bucket of tokens that fills up with time.
fn limited(times: &[f64], interval: f64, burst: f64) -> Vec<bool> {
    let (mut tokens, mut last) = (burst, 0.0);
    let mut through = |now: f64| {
        tokens = f64::min(burst, tokens + (now - last) / interval);
        last = now;
        let enough = tokens >= 1.0;
        tokens -= if enough { 1.0 } else { 0.0 };
        enough
    };
    times.iter().map(|now| through(*now)).collect()
}

fn ask(rule: Rule, times: &[f64]) -> Vec<bool> {
    let mut state = State::default();
    times.iter().map(|now| rule.lets_through(&mut state, *now)).collect()
}

proptest! {
    #[test]
    fn a_sampler_lets_through_what_counting_says(
        times in prop_oneof![forward(), prop::collection::vec((0..80u32).prop_map(f64::from), 1..100)],
        first in 0..5u64,
        then in 0..4u64,
        per in prop_oneof![Just(f64::INFINITY), (1..40u32).prop_map(|per| f64::from(per) / 8.0)],
    ) {
        prop_assert_eq!(ask(Rule::Sample { first, then, per }, &times), sampled(&times, first, then, per));
    }

    #[test]
    fn a_limit_lets_through_what_a_bucket_of_tokens_does(
        times in forward(),
        interval in prop::sample::select(vec![0.125, 0.25, 0.5, 1.0, 4.0]),
        burst in 1..6u32,
    ) {
        let burst = f64::from(burst);
        prop_assert_eq!(ask(Rule::Limit { interval, burst }, &times), limited(&times, interval, burst));
    }

    #[test]
    fn no_clock_stops_a_limit_for_longer_than_a_burst(
        times in prop::collection::vec(any::<f64>(), 0..50),
        now in -1e6..1e6f64,
        burst in 1..6u32,
    ) {
        let (interval, burst) = (0.5, f64::from(burst));
        let rule = Rule::Limit { interval, burst };
        let mut state = State::default();
        times.iter().for_each(|time| { rule.lets_through(&mut state, *time); });
        rule.lets_through(&mut state, now);
        prop_assert!(rule.lets_through(&mut state, now + (burst + 2.0) * interval));
    }

    #[test]
    fn every_record_is_let_through_or_counted_as_held_back_once(
        records in prop::collection::vec((0..40u64, 0..3u32, 1..6u8), 1..2000),
        tell_each in 1..400usize,
        first in 0..3u64,
    ) {
        let rule = Rule::Sample { first, then: 7, per: f64::INFINITY };
        let mut gates = Gates::new();
        let mut model: HashMap<(u64, u32), u64> = HashMap::new();
        let (mut held, mut told) = (HashMap::<u32, u64>::new(), HashMap::<u32, u64>::new());
        for (number, (place, subject, level)) in records.into_iter().enumerate() {
            let key = Key { rule: 1, place: (place, 0), subject };
            let seen = model.entry((place, subject)).or_default();
            *seen += 1;
            let through = *seen <= first || (*seen - first).is_multiple_of(7);
            match gates.ask(key, &rule, level, 0.0).through {
                Some(count) => {
                    prop_assert!(through);
                    *told.entry(subject).or_default() += count;
                }
                None => {
                    prop_assert!(!through);
                    *held.entry(subject).or_default() += 1;
                }
            }
            if number % tell_each == 0 {
                for ((subject, _), count) in gates.tell() {
                    *told.entry(subject).or_default() += count;
                }
            }
            prop_assert_eq!(gates.counts().into_iter().collect::<HashMap<_, _>>(), held.clone());
        }
        gates.tell().into_iter().for_each(|((subject, _), count)| *told.entry(subject).or_default() += count);
        told.retain(|_, count| *count > 0);
        prop_assert_eq!(told, held);
        prop_assert!(gates.tell().is_empty());
    }
}

#[test]
fn the_first_of_a_period_then_every_so_many_th() {
    let rule = Rule::Sample { first: 2, then: 3, per: 1.0 };
    let times = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0, 1.5, 1.9];
    let expected = [true, true, false, false, true, false, false, true, true, false];
    assert_eq!(ask(rule, &times), expected);
}

#[test]
fn places_beyond_the_table_are_forgotten_and_what_they_held_back_is_not() {
    let rule = Rule::Sample { first: 1, then: 0, per: f64::INFINITY };
    let mut gates = Gates::new();
    let count = 4 * SLOTS as u64;
    let (mut evicted, mut new) = (0, 0);
    for place in 0..count {
        let key = Key { rule: 1, place: (place, 3), subject: 5 };
        let answer = gates.ask(key, &rule, 2, 0.0);
        assert_eq!(answer.through, Some(0));
        new += u64::from(answer.is_new);
        evicted += u64::from(answer.evicted.is_some());
        let again = gates.ask(key, &rule, 2, 0.0);
        assert_eq!((again.through, again.is_new, again.evicted), (None, false, None));
    }
    assert_eq!(new, count);
    assert!((count - SLOTS as u64..count).contains(&evicted));
    assert_eq!(gates.counts(), [(5, count)].into());
    assert_eq!(gates.tell(), [((5, 2), count)].into());
    assert_eq!(gates.counts(), [(5, count)].into());
}

#[test]
fn a_place_that_is_asked_for_often_is_not_forgotten() {
    let rule = Rule::Sample { first: 1, then: 0, per: f64::INFINITY };
    let mut gates = Gates::new();
    let often = Key { rule: 9, place: (1, 1), subject: 0 };
    assert!(gates.ask(often, &rule, 2, 0.0).through.is_some());
    for place in 0..100_000 {
        gates.ask(Key { rule: 1, place: (place, 0), subject: 0 }, &rule, 2, 0.0);
        if place % 64 == 0 {
            assert!(gates.ask(often, &rule, 2, 0.0).through.is_none());
        }
    }
}

#[test]
fn a_child_does_not_tell_what_its_parent_held_back() {
    let rule = Rule::Sample { first: 1, then: 0, per: f64::INFINITY };
    let mut gates = Gates::new();
    let key = Key { rule: 1, place: (1, 1), subject: 0 };
    let through = (0..5).filter(|_| gates.ask(key, &rule, 2, 0.0).through.is_some());
    assert_eq!(through.count(), 1);
    gates.forget_counts();
    assert!(gates.counts().is_empty());
    assert!(gates.tell().is_empty());
    assert_eq!(gates.ask(key, &rule, 2, 0.0).through, None);
}
