//! A write that the API server would not make, as people are told of it.
//! A value; who counts and remembers refusals is the pass.

use siskin_decide::Effect;

use crate::cluster::refusal::RefusalReason;

/// One refusal of this pass, with what is known of it from earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldRefusal {
    /// What could not be done: the name of an effect, or of a write beside the plan.
    pub what: &'static str,
    /// Reason of the condition and of the Event.
    pub reason: RefusalReason,
    /// What was tried, and the server's words when it first said so.
    pub told: String,
    /// How often in a row, this time included.
    pub times: u32,
    /// Whether an Event is due: the first time, and again at a low rate.
    pub is_due: bool,
}

impl ToldRefusal {
    /// What the status is called where it could not be written.
    pub(crate) const STATUS: &'static str = "Status";
    /// What the marks of a new leader are called where they could not be written.
    pub(crate) const FENCE: &'static str = "Fence";

    /// What fields of the status that did not come back are called.
    pub(crate) const FIELDS: &'static str = "StatusFields";

    /// A refusal of what no effect writes, seen for the first time.
    pub(crate) const fn beside_the_plan(
        what: &'static str,
        reason: RefusalReason,
        told: String,
    ) -> Self {
        Self { what, reason, told, times: 1, is_due: true }
    }

    /// A refused effect that is seen for the first time.
    pub(crate) fn of(effect: &Effect, reason: RefusalReason, told: String) -> Self {
        Self { what: effect.into(), reason, told, times: 1, is_due: true }
    }

    /// One sentence: what was refused, in which words, and what to do.
    pub(crate) fn sentence(&self) -> String {
        format!("{}. To do: {}", self.told.trim_end_matches('.'), self.reason.remedy())
    }
}

/// What the status says of refused writes: the first one, and how many more there are; each has its
/// Event. `None` if there is none.
pub(crate) fn summary(refusals: &[ToldRefusal]) -> Option<String> {
    let first = refusals.first()?.sentence();
    Some(match refusals.len() - 1 {
        0 => first,
        1 => format!("{first}. One more write is refused: see the Events"),
        more => format!("{first}. {more} more writes are refused: see the Events"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refusal_is_told_and_the_others_are_counted() {
        let refusal = |what| {
            ToldRefusal::beside_the_plan(what, RefusalReason::NotPermitted, format!("no {what}."))
        };
        assert_eq!(summary(&[]), None);
        let remedy = RefusalReason::NotPermitted.remedy();
        let one = [refusal("Primary")];
        assert_eq!(summary(&one).unwrap(), format!("no Primary. To do: {remedy}"));
        let two = ["Primary", "Reject"].map(refusal);
        let more = "One more write is refused: see the Events";
        assert_eq!(summary(&two).unwrap(), format!("no Primary. To do: {remedy}. {more}"));
        let three = ["Primary", "Reject", "Freeze"].map(refusal);
        assert!(summary(&three).unwrap().ends_with(". 2 more writes are refused: see the Events"));
    }
}
