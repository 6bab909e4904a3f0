//! The order of passes: what is asked for, what runs, what waits. No pass is made.

use std::time::Duration;

use super::*;

fn name(number: usize) -> Name {
    Name::new("shop", format!("orders-{number:04}"))
}

#[test]
fn a_name_is_looked_at_once_however_often_it_is_asked_for() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    for _ in 0..3 {
        schedule.ask(name(1), now, Cause::Change);
    }
    assert_eq!(schedule.next(now), Some((name(1), Cause::Change)));
    assert_eq!(schedule.next(now), None);
}

#[test]
fn what_changes_during_its_pass_is_looked_at_again_after_it() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    schedule.ask(name(1), now, Cause::Change);
    schedule.next(now);
    schedule.ask(name(1), now, Cause::Change);
    assert_eq!((schedule.next(now), schedule.next_due(now)), (None, None), "never two at a time");
    assert!(!schedule.ended(&name(1)));
    assert_eq!(schedule.next(now), Some((name(1), Cause::Change)));
}

#[test]
fn the_earlier_of_two_times_stands() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    let later = now + Duration::from_secs(300);
    schedule.ask(name(1), later, Cause::Routine);
    assert_eq!(schedule.next(now), None);
    assert_eq!(schedule.next_due(now), Some(later));
    schedule.ask(name(1), now, Cause::Change);
    schedule.ask(name(1), later, Cause::Routine);
    assert_eq!(schedule.next(now), Some((name(1), Cause::Change)));
    schedule.ended(&name(1));
    assert_eq!(schedule.next_due(now), None);
}

#[test]
fn a_change_is_looked_at_before_a_thousand_that_only_begin() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    (0..1_000).for_each(|it| schedule.ask(name(it), now, Cause::Routine));
    let running = std::iter::from_fn(|| schedule.next(now)).count();
    assert_eq!(running, MAX_ROUTINE_PASSES);
    assert_eq!(schedule.next_due(now), Some(now + LONG_AFTER), "nothing to wake up for before");
    schedule.ask(name(999), now, Cause::Change);
    assert_eq!(schedule.next(now), Some((name(999), Cause::Change)));
}

#[test]
fn no_more_run_than_may_and_routine_looks_leave_room_for_changes() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    let all = || (0..100).map(|it| Name::new(format!("team-{it:02}"), "orders"));
    all().for_each(|it| schedule.ask(it, now, Cause::Routine));
    assert_eq!(std::iter::from_fn(|| schedule.next(now)).count(), MAX_ROUTINE_PASSES);
    assert_eq!(schedule.next_due(now), Some(now + LONG_AFTER), "nothing to wake up for before");
    all().for_each(|it| schedule.ask(it, now, Cause::Change));
    let more = std::iter::from_fn(|| schedule.next(now)).count();
    assert_eq!(MAX_ROUTINE_PASSES + more, MAX_PASSES);
    assert_eq!(schedule.next_due(now), Some(now + LONG_AFTER));
    schedule.ended(&Name::new("team-00", "orders"));
    assert_eq!(schedule.next(now).map(|it| it.1), Some(Cause::Change));
}

#[test]
fn a_change_that_is_not_due_yet_keeps_no_routine_look_from_a_place_that_is_given_up() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    (0..100).for_each(|it| schedule.ask(name(it), now, Cause::Routine));
    assert_eq!(std::iter::from_fn(|| schedule.next(now)).count(), MAX_ROUTINE_PASSES);
    schedule.ask(name(0), now + LONG_AFTER * 10, Cause::Change);
    schedule.ask(Name::new("bank", "bills"), now + LONG_AFTER * 10, Cause::Change);
    assert_eq!(schedule.next_due(now), Some(now + LONG_AFTER));
}

#[test]
fn a_namespace_whose_webhook_hangs_gives_its_places_to_the_others() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    (0..100).for_each(|it| schedule.ask(name(it), now, Cause::Change));
    let running: Vec<_> = std::iter::from_fn(|| schedule.next(now)).collect();
    assert_eq!(running.len(), MAX_PASSES, "none of them ends");
    let other = Name::new("bank", "bills");
    schedule.ask(other.clone(), now, Cause::Change);
    assert_eq!(schedule.next(now), None);
    let later = schedule.next_due(now).expect("woken up");
    assert_eq!(later, now + LONG_AFTER);
    assert_eq!(schedule.next(later), Some((other, Cause::Change)));
    assert_eq!(schedule.next(later), None, "of those that hang there are enough");
    let ends = MAX_PASSES - MAX_LONG_OF_ONE;
    for (it, _) in running.iter().take(ends) {
        schedule.ended(it);
    }
    assert_eq!(schedule.next(later), None);
    schedule.ended(&running[ends].0);
    assert_eq!(schedule.next(later), Some((name(MAX_PASSES), Cause::Change)), "the next in line");
}

#[test]
fn however_many_namespaces_hang_there_is_a_bound() {
    let (mut schedule, mut now) = (Schedule::default(), Instant::now());
    let mut running = 0;
    for team in 0..10 {
        let all = (0..100).map(|it| Name::new(format!("team-{team}"), format!("orders-{it:02}")));
        all.for_each(|it| schedule.ask(it, now, Cause::Change));
        running += std::iter::from_fn(|| schedule.next(now)).count();
        now += LONG_AFTER;
    }
    assert_eq!(running, MAX_LONG + MAX_PASSES);
}

#[test]
fn a_rollout_that_goes_during_its_pass_is_forgotten_after_it() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    assert!(schedule.gone(&name(1)), "no pass runs");
    schedule.ask(name(1), now, Cause::Change);
    schedule.next(now);
    schedule.ask(name(1), now, Cause::Change);
    assert!(!schedule.gone(&name(1)));
    assert!(schedule.ended(&name(1)));
    assert_eq!(schedule.next(now), None, "nothing of it is left");
    let left = [schedule.due.len(), schedule.running.len(), schedule.urgent.len()];
    assert_eq!(left, [0, 0, 0]);
}

#[test]
fn one_that_is_made_anew_during_the_pass_of_the_old_one_is_looked_at() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    schedule.ask(name(1), now, Cause::Change);
    schedule.next(now);
    schedule.gone(&name(1));
    schedule.ask(name(1), now, Cause::Change);
    assert!(schedule.ended(&name(1)));
    assert_eq!(schedule.next(now), Some((name(1), Cause::Change)));
}
