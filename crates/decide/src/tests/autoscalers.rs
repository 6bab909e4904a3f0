//! The target's autoscaler, step by step: what is written for it, and what that has to follow from.
//! One moment a test; whole lives are for the simulation.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::autoscaler::{Answer, Autoscalers, Bar, Declined, InTheWay, Scaler, Scales, Taken};
use crate::observed::{Facts, Observed};
use crate::plan::{Effect, Held, ScaleTo};
use crate::scaling::in_the_way;
use crate::state::Ending;
use crate::table::decide;
use crate::testing::{
    Change, NOW, PROMOTED, adopting, at_rest, autoscaled, deleted, primary, scaler, taken, target,
    with, workload,
};

const ON_TARGET: Change = |it| autoscaled(it, Scales::Target);

fn facts(seen: &mut Observed) -> &mut Facts {
    &mut primary(seen).facts
}

fn only(seen: &mut Observed) -> &mut Scaler {
    let Autoscalers::Known { all, .. } = &mut seen.autoscalers else { panic!("it is known") };
    &mut all[0]
}

fn written(seen: &Observed) -> Option<Facts> {
    decide(seen, NOW).effects.iter().find_map(Effect::facts).cloned()
}

fn asked() -> Taken {
    Taken { scaler: scaler("orders", Scales::Target).name, answered: false }
}

/// The facts are persisted, and nothing of what follows from them is written yet.
const NOTED: Change = |it| {
    autoscaled(it, Scales::Target);
    (facts(it).scaled_by, facts(it).seeded) = (Some(asked()), true);
};

/// It was pointed here just now.
const POINTED: Change = |it| {
    taken(it);
    facts(it).scaled_by = Some(asked());
    only(it).answer = Answer::Waiting { since: NOW };
};

const LATE: Change = |it| {
    only(it).answer = Answer::Waiting { since: NOW - SignedDuration::from_secs(60) };
    only(it).says = Some(Arc::from("no rights"));
};

const DECLINED: Change = |it| {
    facts(it).declined = Some(Declined { version: 1, says: Arc::from("no rights") });
};

#[test]
fn the_facts_come_first_then_the_seed_and_the_take() {
    for seen in [adopting(), at_rest()] {
        let first = with(seen.clone(), &[ON_TARGET]);
        let noted = written(&first).expect("facts are written");
        assert_eq!((noted.scaled_by, noted.seeded), (Some(asked()), true));
        let points =
            |it: &Effect| matches!(it, Effect::TakeScale { .. } | Effect::SeedScale { .. });
        assert!(!decide(&first, NOW).effects.iter().any(points));
        let effects = decide(&with(seen, &[NOTED]), NOW).effects;
        let take = Effect::TakeScale { scaler: asked().scaler };
        assert_eq!(effects, [Effect::SeedScale { replicas: 4 }, take]);
    }
}

#[test]
fn one_that_is_pointed_back_is_taken_again_and_n_stands() {
    let back: Change = |it| only(it).scales = Scales::Target;
    let effects = decide(&with(at_rest(), &[taken, back]), NOW).effects;
    assert_eq!(effects, [Effect::TakeScale { scaler: asked().scaler }]);
}

#[test]
fn what_does_not_work_within_a_minute_is_given_back_the_seed_goes_and_it_is_told() {
    let early = decide(&with(adopting(), &[POINTED]), NOW);
    assert_eq!((early.effects, early.held), (vec![], Some(Held::AutoscalerPending)));
    let late = with(adopting(), &[POINTED, LATE]);
    let declined = written(&late).expect("it is noted first").declined.expect("as declined");
    assert_eq!((declined.version, &*declined.says), (1, "no rights"));
    let noted = with(late, &[DECLINED]);
    let (scaler, to) = (asked().scaler, ScaleTo::Target);
    assert_eq!(decide(&noted, NOW).effects, [Effect::GiveScale { scaler, to }]);
    let given =
        with(noted, &[|it| only(it).scales = Scales::Target, |it| facts(it).scaled_by = None]);
    let plan = decide(&given, NOW);
    assert_eq!(
        (plan.effects, plan.held),
        (vec![Effect::UnseedScale], Some(Held::AutoscalerOnTarget))
    );
    let changed = with(given, &[|it| it.replicas = None, |it| only(it).version = 2]);
    assert_eq!(written(&changed).expect("it is tried again").scaled_by, Some(asked()));
}

#[test]
fn one_that_has_worked_is_not_given_back_for_complaining() {
    let complains: Change = |it| only(it).answer = Answer::Refuses;
    assert_eq!(decide(&with(at_rest(), &[taken, complains]), NOW).effects, []);
}

#[test]
fn n_stands_without_the_autoscaler_and_the_seed_goes_once_it_is_noted() {
    let gone: Change = |it| it.autoscalers = Autoscalers::NONE;
    let seen = with(at_rest(), &[taken, gone]);
    let noted = written(&seen).expect("facts are written");
    assert_eq!((noted.scaled_by.clone(), noted.replicas), (None, 4));
    let next = with(seen, &[|it| facts(it).scaled_by = None]);
    assert_eq!(decide(&next, NOW).effects, [Effect::UnseedScale]);
    let scaled = with(next.clone(), &[|it| it.replicas = Some(6)]);
    assert!(!decide(&scaled, NOW).effects.contains(&Effect::UnseedScale), "6 is not noted yet");
    let theirs = with(next, &[|it| facts(it).seeded = false]);
    assert_eq!(decide(&theirs, NOW).effects, [], "a person's count stays");
}

#[test]
fn nobody_can_say_takes_gives_and_removes_nothing() {
    let unknown: Change = |it| it.autoscalers = Autoscalers::Unknown;
    for change in [NOTED, POINTED, taken] {
        assert_eq!(decide(&with(at_rest(), &[change, unknown]), NOW).effects, []);
    }
}

#[test]
fn it_is_given_back_to_whoever_serves_before_the_finalizer_goes() {
    let up: [Change; 3] = [
        taken,
        |it| target(it).workload = workload(PROMOTED, 4),
        |it| primary(it).workload = workload(PROMOTED, 0),
    ];
    let scaler = || asked().scaler;
    let back = decide(&with(deleted(at_rest(), Some(Ending::HandBack)), &up), NOW).effects;
    assert_eq!(back.first(), Some(&Effect::GiveScale { scaler: scaler(), to: ScaleTo::Target }));
    let left = decide(&with(deleted(at_rest(), Some(Ending::Leave)), &[taken]), NOW).effects;
    assert_eq!(left.first(), Some(&Effect::GiveScale { scaler: scaler(), to: ScaleTo::Primary }));
    let shared: [Change; 2] = [taken, |it| target(it).workload = workload(PROMOTED, 2)];
    let early = decide(&with(deleted(at_rest(), Some(Ending::HandBack)), &shared), NOW).effects;
    assert!(!early.iter().any(|it| matches!(it, Effect::GiveScale { .. })), "{early:?}");
}

#[test]
fn two_of_the_same_pods_are_in_the_way_also_where_a_policy_has_pointed_both_here() {
    let two = |marked: bool| {
        let mut second = scaler("orders-2", Scales::Rollout);
        second.marked = marked;
        Autoscalers::Known { all: vec![scaler("orders", Scales::Rollout), second], vertical: false }
    };
    assert!(matches!(in_the_way(&two(true), None), Some(InTheWay::Several(it)) if it.len() == 2));
    assert_eq!(in_the_way(&two(false), None), None, "whoever did that by hand knows");
}

/// The admission guard notes what anybody asks of a drained target, and stores 0.
#[test]
fn what_the_guard_notes_on_an_autoscaled_target_is_no_wish() {
    let asked: Change = |it| target(it).noted = Some(1);
    let rival: Change = |it| {
        autoscaled(it, Scales::Target);
        only(it).bar = Some(Bar::Keeps);
    };
    let seen = with(at_rest(), &[rival, asked]);
    let facts = written(&seen).expect("it is noted that it was seen");
    assert_eq!((facts.replicas, facts.target_replicas), (4, Some(1)));
    let unknown: Change = |it| it.autoscalers = Autoscalers::Unknown;
    let plan = decide(&with(at_rest(), &[unknown, asked]), NOW);
    assert_eq!(plan.effects, [], "it waits until somebody can say");
    assert!(plan.wake.is_some_and(|it| it <= NOW + SignedDuration::from_secs(5)));
    let nobody = written(&with(at_rest(), &[asked])).expect("a wish");
    assert_eq!((nobody.replicas, nobody.target_replicas), (1, Some(1)));
}

/// A listing that fails in the seconds after somebody's `kubectl scale`.
#[test]
fn a_count_set_while_nobody_can_say_who_scales_is_drained_noted_and_heeded_once_somebody_can() {
    let unknown: Change = |it| it.autoscalers = Autoscalers::Unknown;
    let scaled: Change = |it| target(it).workload = workload(PROMOTED, 6);
    let plan = decide(&with(at_rest(), &[unknown, scaled]), NOW);
    assert_eq!(plan.effects, [Effect::Drain { noted: 6 }]);
    let drained: Change = |it| target(it).noted = Some(6);
    assert_eq!(decide(&with(at_rest(), &[unknown, drained]), NOW).effects, []);
    let wish = written(&with(at_rest(), &[drained])).expect("nothing scales it");
    assert_eq!((wish.replicas, wish.target_replicas), (6, Some(6)));
    let woken = written(&with(at_rest(), &[ON_TARGET, drained])).expect("an autoscaler did");
    assert_eq!((woken.replicas, woken.target_replicas), (4, Some(6)));
}
