//! A judge at work on a simulated group: ten minutes of record, then the trial.
//! Keeps every assessment, so that a test can say when what was found.

use siskin_analysis::observation::{Millis, Observation};
use siskin_analysis::{
    Assessment, Doubt, Fault, Finding, Judge, Record, Settings, UserMetric, Verdict,
};

use crate::shape::Shape;
use crate::world::World;

/// How long the group stands still when the canary joins.
pub const HAND_OVER: Millis = 6_000;
/// Age from which pods are compared.
pub const WARM_UP: Millis = 30_000;
/// Probability of a false rollback that is asked for.
pub const ALPHA: f64 = 0.01;

/// A judge at work on a simulated group.
#[derive(Clone)]
pub struct Trial {
    /// The group.
    pub world: World,
    /// What was seen before the trial.
    pub record: Record,
    /// The judge at work.
    pub judge: Judge,
    /// When the trial began.
    pub begin: Millis,
    /// What the judge is told of the primary.
    pub healthy: bool,
    /// Every assessment so far.
    pub assessments: Vec<Assessment>,
}

impl Trial {
    /// A trial whose canary has just joined.
    #[must_use]
    pub fn begin(shape: Shape, seed: u64) -> Self {
        Self::begin_by(&settings(shape), shape, seed)
    }

    /// A trial judged by these settings, whose canary has just joined.
    #[must_use]
    pub fn begin_by(settings: &Settings, shape: Shape, seed: u64) -> Self {
        let mut world = World::new(shape, seed);
        let mut record = Record::new(600_000);
        world.run(600_000, |_, seen| {
            record.push(seen);
        });
        let judge = Judge::new(settings.clone(), &record);
        let begin = world.now;
        let assessments = Vec::new();
        let mut trial = Self { world, record, judge, begin, healthy: true, assessments };
        trial.world.start_trial(HAND_OVER);
        trial
    }

    /// A judge that starts now, knowing a record. No pod is a canary yet.
    #[must_use]
    pub fn with_record(world: World, record: Record) -> Self {
        let judge = Judge::new(settings(world.shape), &record);
        let begin = world.now;
        Self { world, record, judge, begin, healthy: true, assessments: Vec::new() }
    }

    /// Lets time pass; `edit` may change each observation before the judge sees it.
    pub fn run_edited(&mut self, span: Millis, mut edit: impl FnMut(&mut World, &mut Observation)) {
        let Self { world, judge, healthy, assessments, .. } = self;
        world.run(span, |world, mut seen| {
            edit(world, &mut seen);
            judge.observe(&seen);
            judge.primary_was(*healthy);
            assessments.push(judge.assess(world.now, *healthy));
        });
    }

    /// Lets time pass; answers with the last assessment.
    pub fn run(&mut self, span: Millis) -> &Assessment {
        self.run_edited(span, |_, _| {});
        self.last()
    }

    /// The latest assessment.
    ///
    /// # Panics
    /// Before the trial has run.
    pub fn last(&self) -> &Assessment {
        self.assessments.last().expect("the trial has run")
    }

    /// Seconds from the beginning of the trial to the first assessment with this verdict.
    pub fn first(&self, verdict: Verdict) -> Option<Millis> {
        let found = self.assessments.iter().find(|assessment| assessment.verdict == verdict)?;
        Some((found.at - self.begin) / 1_000)
    }

    /// Whether no assessment has this verdict.
    pub fn never(&self, verdict: Verdict) -> bool {
        self.first(verdict).is_none()
    }
}

/// Settings for a group of this shape, without metrics of the user.
#[must_use]
pub fn settings(shape: Shape) -> Settings {
    judged_by(shape, &[])
}

/// Settings with metrics of the user.
#[must_use]
pub fn judged_by(shape: Shape, user: &[UserMetric]) -> Settings {
    Settings {
        interval: shape.poll,
        warm_up: WARM_UP,
        false_rollback_probability: ALPHA,
        minimum_evidence: siskin_analysis::MinimumEvidence::Proven,
        user: user.into(),
        remembered: siskin_analysis::Remembered::default(),
    }
}

/// The doubt of an assessment, if it has one.
#[must_use]
pub fn doubt(assessment: &Assessment) -> Option<&Doubt> {
    match &assessment.finding {
        Finding::Doubt(doubt) => Some(doubt),
        Finding::Fault(_) | Finding::KeepsUp(_) => None,
    }
}

/// The fault of an assessment, if it has one.
#[must_use]
pub fn fault(assessment: &Assessment) -> Option<&Fault> {
    match &assessment.finding {
        Finding::Fault(fault) => Some(fault),
        Finding::Doubt(_) | Finding::KeepsUp(_) => None,
    }
}
