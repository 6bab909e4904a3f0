//! The primary after a canary was rolled back: whether what it was rejected for stays with the data.
//! Kept in memory alone: after a restart of the operator nobody is excused.

use siskin_analysis::Aftermath;
use siskin_analysis::observation::Observation;
use siskin_decide::RolloutId;

/// What is watched after a rollback, if anything is.
#[derive(Debug, Default)]
pub(super) struct AfterRollback {
    watched: Option<Box<Watched>>,
}

#[derive(Debug)]
struct Watched {
    id: RolloutId,
    aftermath: Aftermath,
    /// Whether a pass was asked for since it was known to have stayed.
    told: bool,
}

/// A fault that stayed with the data, and the attempt that was rolled back for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StayedFault {
    /// The attempt.
    pub id: RolloutId,
    /// What stayed, in a sentence.
    pub sentence: String,
}

impl AfterRollback {
    /// Watches from now on what this attempt leaves behind; `None` ends what is watched.
    pub(super) fn watch(&mut self, left: Option<(RolloutId, Aftermath)>) {
        let watched = |(id, aftermath)| Box::new(Watched { id, aftermath, told: false });
        self.watched = left.map(watched);
    }

    pub(super) fn observe(&mut self, observation: &Observation) {
        let Some(watched) = &mut self.watched else { return };
        watched.aftermath.observe(observation);
        if watched.aftermath.is_over() && watched.aftermath.stayed().is_none() {
            self.watched = None;
        }
    }

    /// Whether it has become known since this was asked last that something stayed.
    pub(super) fn is_news(&mut self) -> bool {
        let Some(watched) = &mut self.watched else { return false };
        let stayed = watched.aftermath.stayed().is_some();
        !std::mem::replace(&mut watched.told, stayed) && stayed
    }

    /// What stayed.
    pub(super) fn stayed(&self) -> Option<StayedFault> {
        let watched = self.watched.as_ref()?;
        let sentence = watched.aftermath.stayed()?.to_string();
        Some(StayedFault { id: watched.id, sentence })
    }
}
