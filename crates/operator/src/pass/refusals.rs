//! Refused writes of one rollout, from pass to pass: how often, when tried again, when told again.
//! A process that starts anew counts anew; what people were told stands in the status.

use std::time::{Duration, Instant};

use crate::report::refusals::ToldRefusal;

/// First wait after a refused write, doubled up to [`LONGEST_WAIT`]. Whatever a watch brings is
/// looked at before; this is for a policy, a quota or a right that changes unseen.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Longest wait: as long as a person who has just mended a policy likes to watch.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// An Event of the same refusal is repeated after this long, well after the six minutes in which
/// Events are counted together.
const TELL_AGAIN: Duration = Duration::from_secs(600);

/// New words of a refusal that is known are told no sooner: a server that words each answer anew
/// would otherwise make a write of the status, and with it a pass, out of each of its answers.
const NEW_WORDS_AFTER: Duration = Duration::from_secs(30);

/// Refusals that are remembered: more than there are kinds of effects.
const MAX_KNOWN: usize = 32;

/// What is remembered of a rollout's refused writes.
#[derive(Debug, Default)]
pub(super) struct Refusals(Vec<Known>);

#[derive(Debug)]
struct Known {
    refusal: ToldRefusal,
    event: Instant,
    worded: Instant,
    /// Whether the last pass met it.
    stands: bool,
}

impl Refusals {
    /// The refusals of this plan, each with its history. One that is not among them is over.
    pub(super) fn note(&mut self, met: Vec<ToldRefusal>, now: Instant) -> Vec<ToldRefusal> {
        for known in self.0.iter_mut().filter(|it| !it.is_beside()) {
            known.stands &= met.iter().any(|it| known.is(it));
        }
        self.0.retain(|it| it.stands || now.duration_since(it.event) < TELL_AGAIN);
        met.into_iter().map(|it| self.meet(it, now)).collect()
    }

    /// When a refused write is tried again; `None` if none is refused.
    pub(super) fn wait(&self) -> Option<Duration> {
        let times = self.0.iter().filter(|it| it.stands).map(|it| it.refusal.times).max()?;
        Some(FIRST_WAIT.saturating_mul(1 << (times - 1).min(10)).min(LONGEST_WAIT))
    }

    /// A refusal beside the plan, with its history.
    pub(super) fn note_beside(&mut self, met: ToldRefusal, now: Instant) -> ToldRefusal {
        self.meet(met, now)
    }

    /// What is written beside the plan was written.
    pub(super) fn beside_is_over(&mut self) {
        self.0.iter_mut().filter(|it| it.is_beside()).for_each(|it| it.stands = false);
    }

    fn meet(&mut self, met: ToldRefusal, now: Instant) -> ToldRefusal {
        let Some(known) = self.0.iter_mut().find(|it| it.is(&met)) else {
            if MAX_KNOWN <= self.0.len() {
                self.0.remove(0);
            }
            let refusal = met.clone();
            self.0.push(Known { refusal, event: now, worded: now, stands: true });
            return met;
        };
        let changed = skeleton(&known.refusal.told) != skeleton(&met.told);
        if changed && NEW_WORDS_AFTER <= now.duration_since(known.worded) {
            (known.refusal.told, known.worded) = (met.told, now);
        }
        known.refusal.times = if known.stands { known.refusal.times.saturating_add(1) } else { 1 };
        known.stands = true;
        known.refusal.is_due = TELL_AGAIN <= now.duration_since(known.event);
        if known.refusal.is_due {
            known.event = now;
        }
        known.refusal.clone()
    }
}

impl Known {
    fn is_beside(&self) -> bool {
        [ToldRefusal::STATUS, ToldRefusal::FENCE].contains(&self.refusal.what)
    }

    fn is(&self, other: &ToldRefusal) -> bool {
        (self.refusal.what, self.refusal.reason) == (other.what, other.reason)
    }
}

/// The words without what differs from one answer to the next: counts, times, ids.
fn skeleton(told: &str) -> String {
    let words = told.split_whitespace();
    words.filter(|it| !it.contains(|it: char| it.is_ascii_digit())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::refusal::RefusalReason;

    fn quota(used: u32) -> ToldRefusal {
        ToldRefusal {
            what: "Primary",
            reason: RefusalReason::QuotaExceeded,
            told: format!("exceeded quota: pods, used: pods={used}, limited: pods=9"),
            times: 1,
            is_due: true,
        }
    }

    #[test]
    fn a_refusal_is_counted_told_once_and_told_again_at_a_low_rate() {
        let (mut refusals, start) = (Refusals::default(), Instant::now());
        let at = |second| start + Duration::from_secs(second);
        assert_eq!(refusals.wait(), None);
        let mut events = 0;
        for pass in 0..1_300 {
            let told = refusals.note(vec![quota(9)], at(pass));
            assert_eq!(u64::from(told[0].times), pass + 1);
            assert!(refusals.wait().is_some_and(|it| it <= LONGEST_WAIT));
            events += u32::from(told[0].is_due);
        }
        assert_eq!(events, 3, "at 0, 600 and 1200 s");
        assert_eq!(refusals.note(vec![], at(1_300)), []);
        assert_eq!(refusals.wait(), None, "it is over");
        let again = refusals.note(vec![quota(9)], at(1_301));
        assert_eq!((again[0].times, again[0].is_due), (1, false), "counted anew, told already");
    }

    #[test]
    fn words_that_differ_from_answer_to_answer_are_told_once() {
        let (mut refusals, start) = (Refusals::default(), Instant::now());
        let first = refusals.note(vec![quota(9)], start);
        let later = start + NEW_WORDS_AFTER;
        let same = refusals.note(vec![quota(10)], later);
        assert_eq!(same[0].told, first[0].told, "a count alone is no news");
        let other = ToldRefusal { told: "exceeded quota: cpu".to_owned(), ..quota(9) };
        let early = refusals.note(vec![other.clone()], start + Duration::from_secs(1));
        assert_eq!(early[0].told, first[0].told);
        assert_eq!(refusals.note(vec![other.clone()], later)[0].told, other.told);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut refusals = Refusals::default();
        let names: Vec<&'static str> =
            (0..100).map(|it| &*Box::leak(it.to_string().into_boxed_str())).collect();
        let met = names.into_iter().map(|what| ToldRefusal { what, ..quota(1) }).collect();
        refusals.note(met, Instant::now());
        assert_eq!(refusals.0.len(), MAX_KNOWN);
    }
}
