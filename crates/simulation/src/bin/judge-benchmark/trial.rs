//! One run: a world from a seed, and every judge on the same observations.
//! Says when each of them rolled back; what that means, `report` knows.

use crate::observed_group::ObservedGroup;
use crate::ours::{Ours, Sight};
use crate::plan::PLAN;
use crate::rivals;
use crate::scenario::Scenario;
use crate::view::Viewer;

/// Seconds for which a trial is watched.
pub const WATCHED: i64 = 1_800;
/// The hold that a canary is to pass, in seconds. Whether it passes is not read at one second.
pub const HOLD: i64 = PLAN[0].hold;
/// Judges of ours.
const OURS: usize = Sight::ALL.len();
/// The judges, in the order of all tables: Siskin, those that tools have, stronger ones.
pub const JUDGES: [&str; OURS + rivals::NAMES.len()] = {
    let mut all = [Sight::All.judge(); OURS + rivals::NAMES.len()];
    all[LAG_ONLY] = Sight::LagOnly.judge();
    let mut rival = 0;
    while rival < rivals::NAMES.len() {
        all[OURS + rival] = rivals::NAMES[rival];
        rival += 1;
    }
    all
};
/// The places of Siskin among the judges: with metrics, and with offsets alone.
pub const FULL: usize = 0;
pub const LAG_ONLY: usize = 1;
/// Where the stronger ones begin.
pub const STRONGER: usize = OURS + rivals::STRONGER;

/// Who judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Everybody.
    All,
    /// Siskin alone; nobody else rolls back.
    Siskin,
}

/// What one run gave.
#[derive(Clone, Debug)]
pub struct TrialOutcome {
    /// The second in which each judge rolled back.
    pub rolled_back: [Option<i64>; JUDGES.len()],
    /// Which signal or guard made Siskin do it.
    pub reason: Option<&'static str>,
    /// Seconds after which Siskin left a hold of [`HOLD`] that began with the trial, or with the fault.
    pub left: Option<i64>,
}

/// Runs one scenario with one seed.
pub fn run(scenario: &Scenario, seed: u64, field: Field) -> TrialOutcome {
    let mut group = ObservedGroup::before_trial(scenario, seed);
    let mut ours = Sight::ALL.map(|sight| Ours::new(scenario, &group, sight));
    let mut viewer = Viewer::default();
    let mut rivals = match field {
        Field::All => Vec::from(rivals::all()),
        Field::Siskin => Vec::new(),
    };
    let judges = ours.len() + rivals.len();
    let mut rolled_back = [None; JUDGES.len()];
    if !rivals.is_empty() {
        for (look, second) in group.record.observations().zip(group.recorded()) {
            let view = viewer.view(second, &look);
            for rival in &mut rivals {
                rival.learn(&view);
            }
        }
    }
    let mut left = None;
    while group.now() < WATCHED && rolled_back[..judges].contains(&None) {
        let mut look = group.next_look();
        let view = viewer.view(group.now(), &look);
        for judge in &mut ours {
            judge.take(&mut look, group.now());
        }
        for (rival, at) in rivals.iter_mut().zip(&mut rolled_back[OURS..]) {
            if at.is_none() && rival.rolls_back(&view) {
                *at = Some(group.now());
            }
        }
        for (judge, at) in ours.iter().zip(&mut rolled_back) {
            *at = judge.fault.map(|(at, _)| at);
        }
        let held = group.now() - if scenario.bad { scenario.onset } else { 0 };
        if ours[FULL].passes && held >= HOLD {
            left = left.or(Some(held));
        }
    }
    let reason = ours[FULL].fault.map(|(_, reason)| reason);
    TrialOutcome { rolled_back, reason, left }
}
