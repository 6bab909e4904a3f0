//! Whether the watch of the pods shows what there is, or the past.
//! Counts time by the clock of who asks; watches nothing itself.

use std::sync::Arc;

use parking_lot::Mutex;
use siskin_analysis::observation::Millis;

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
    /// It has failed since then, and was taken up again by the API server at that time.
    Broken { since: Millis, again: Option<Millis> },
}

impl Default for Seeing {
    fn default() -> Self {
        Self::NotYet { since: None }
    }
}

/// What has changed while nobody watched comes first when a watch is taken up again, within so long.
const CAUGHT_UP_WITHIN: Millis = 3_000;

impl Sight {
    /// The watch broke: what the store shows is the past from `now` on.
    pub(crate) fn lost(&self, now: Millis) {
        let mut seeing = self.0.lock();
        *seeing = match *seeing {
            Seeing::NotYet { since } => Seeing::NotYet { since: since.or(Some(now)) },
            Seeing::Well => Seeing::Broken { since: now, again: None },
            Seeing::Broken { since, again: _ } => Seeing::Broken { since, again: None },
        };
    }

    /// The API server has taken the watch up again, from where it broke.
    pub(crate) fn taken_up(&self, now: Millis) {
        if let Seeing::Broken { again, .. } = &mut *self.0.lock() {
            *again = Some(now);
        }
    }

    /// The watch has shown everything there is, or something new.
    pub(crate) fn regained(&self) {
        *self.0.lock() = Seeing::Well;
    }

    pub(super) fn lost_for(&self, now: Millis) -> Option<Millis> {
        let mut seeing = self.0.lock();
        let since = match &mut *seeing {
            Seeing::NotYet { since } => *since.get_or_insert(now),
            Seeing::Well => return None,
            Seeing::Broken { again: Some(again), .. }
                if CAUGHT_UP_WITHIN <= now.saturating_sub(*again) =>
            {
                *seeing = Seeing::Well;
                return None;
            }
            Seeing::Broken { since, .. } => *since,
        };
        Some(now.saturating_sub(since))
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
    fn a_watch_that_was_taken_up_again_is_well_soon_whether_there_is_news_or_not() {
        let sight = Sight::default();
        sight.regained();
        sight.taken_up(1_000);
        assert_eq!(sight.lost_for(1_000), None);
        sight.lost(5_000);
        assert_eq!(sight.lost_for(500_000), Some(495_000), "nobody has answered");
        sight.taken_up(500_000);
        assert_eq!(sight.lost_for(502_999), Some(497_999));
        assert_eq!(sight.lost_for(503_000), None);
        sight.lost(510_000);
        assert_eq!(sight.lost_for(511_000), Some(1_000));
    }

    #[test]
    fn a_watch_that_is_taken_up_and_breaks_at_once_has_been_broken_all_the_time() {
        let sight = Sight::default();
        sight.regained();
        sight.lost(5_000);
        sight.taken_up(6_000);
        sight.lost(6_100);
        assert_eq!(sight.lost_for(60_000), Some(55_000), "it began too long ago to go on");
    }
}
