//! Whether the watch of the pods shows what there is, or the past.
//! Counts time by the clock of who asks; watches nothing itself.

use std::sync::Arc;

use parking_lot::Mutex;
use siskin_analysis::observation::Millis;

use crate::cluster::connection::SILENT_SECONDS;

/// Whether the watch of the pods shows what there is.
#[derive(Clone, Debug, Default)]
pub struct Sight(Arc<Mutex<Seeing>>);

/// The state of a watch. Times are in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
enum Seeing {
    /// Nothing was ever listed, as far as anybody asked since then.
    NotYet { since: Option<Millis> },
    /// The store shows what there is.
    Well,
    /// It fails: the first failure and the latest.
    Broken { first: Millis, latest: Millis },
}

impl Default for Seeing {
    fn default() -> Self {
        Self::NotYet { since: None }
    }
}

/// A watch is begun again after at most 30 s; a server that does not answer that is given up after that many seconds. One that
/// does says nothing until there is news.
const BEGUN_AGAIN_WITHIN: Millis = 40_000 + SILENT_SECONDS as Millis * 1_000;

impl Sight {
    /// The watch broke: what the store shows is the past from `now` on.
    pub(crate) fn lost(&self, now: Millis) {
        let mut seeing = self.0.lock();
        *seeing = match *seeing {
            Seeing::NotYet { since } => Seeing::NotYet { since: since.or(Some(now)) },
            Seeing::Well => Seeing::Broken { first: now, latest: now },
            Seeing::Broken { first, .. } => Seeing::Broken { first, latest: now },
        };
    }

    /// The watch has shown everything there is, or something new.
    pub(crate) fn regained(&self) {
        *self.0.lock() = Seeing::Well;
    }

    pub(super) fn lost_for(&self, now: Millis) -> Option<Millis> {
        let mut seeing = self.0.lock();
        let (since, next) = match *seeing {
            Seeing::NotYet { since } => {
                let since = since.unwrap_or(now);
                (Some(since), Seeing::NotYet { since: Some(since) })
            }
            Seeing::Broken { first, latest }
                if now.saturating_sub(latest) <= BEGUN_AGAIN_WITHIN =>
            {
                (Some(first), Seeing::Broken { first, latest })
            }
            Seeing::Well | Seeing::Broken { .. } => (None, Seeing::Well),
        };
        *seeing = next;
        since.map(|since| now.saturating_sub(since))
    }
}

#[cfg(test)]
mod tests {
    use crate::observe::sight::Sight;

    #[test]
    fn a_watch_that_fails_again_and_again_has_been_broken_since_the_first_time() {
        let sight = Sight::default();
        sight.regained();
        assert_eq!(sight.lost_for(0), None);
        sight.lost(5_000);
        sight.lost(35_000);
        assert_eq!(sight.lost_for(70_000), Some(65_000));
        sight.regained();
        assert_eq!(sight.lost_for(70_000), None);
    }

    #[test]
    fn a_watch_that_never_listed_anything_shows_nothing_however_long_it_is_silent() {
        let sight = Sight::default();
        assert_eq!(sight.lost_for(1_000), Some(0));
        assert_eq!(sight.lost_for(61_000), Some(60_000));
        sight.lost(62_000);
        assert_eq!(sight.lost_for(161_000), Some(160_000), "forbidden, and tried again rarely");
        sight.regained();
        assert_eq!(sight.lost_for(162_000), None);
    }

    #[test]
    fn a_watch_that_was_begun_again_without_a_word_is_well() {
        let sight = Sight::default();
        sight.regained();
        sight.lost(5_000);
        assert_eq!(
            sight.lost_for(135_000),
            Some(130_000),
            "a server may have taken it and not answer"
        );
        assert_eq!(sight.lost_for(135_001), None);
        sight.lost(160_000);
        assert_eq!(sight.lost_for(161_000), Some(1_000));
    }
}
