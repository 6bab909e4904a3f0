//! Whether Kafka Streams consumes in a group, and since when its own ways keep the canary from being Ready.
//! Pure: samples in, a delay out. What the delay excuses, others say.

use std::fmt::{self, Display, Formatter};

use jiff::Timestamp;
use siskin_analysis::observation::GroupState;
use siskin_kafka::GroupSnapshot;

/// What Kafka Streams has been about since a time, without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamsDelay {
    pub(crate) since: Timestamp,
    pub(crate) work: StreamsWork,
}

/// What takes an application of Kafka Streams longer than other consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamsWork {
    /// So many canary pods are members of the group and not Ready: they read their state back.
    Restores { pods: u32 },
    /// The group rebalances: once more each time that a pod has read enough of its state.
    Rebalances,
}

/// What is known of Kafka Streams in one group.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Whether it was Kafka Streams that assigned the partitions when that was last shown.
    is_streams: bool,
    delay: Option<StreamsDelay>,
}

impl Streams {
    /// Takes in a sample, at which so many canary pods were members and not Ready.
    pub(super) fn observe(&mut self, snapshot: &GroupSnapshot, unready: u32, now: Timestamp) {
        self.is_streams = snapshot.is_streams().unwrap_or(self.is_streams);
        let work = if self.is_streams { work(snapshot.state, unready) } else { None };
        let since = self.delay.map_or(now, |it| it.since);
        self.delay = work.map(|work| StreamsDelay { since, work });
    }

    /// What keeps the canary, as the latest sample shows it.
    pub(super) const fn delay(&self) -> Option<StreamsDelay> {
        self.delay
    }
}

fn work(state: GroupState, unready: u32) -> Option<StreamsWork> {
    match (unready, state) {
        (0, GroupState::Rebalancing) => Some(StreamsWork::Rebalances),
        (0, GroupState::Stable | GroupState::Empty) => None,
        (pods, _) => Some(StreamsWork::Restores { pods }),
    }
}

impl Display for StreamsDelay {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.work {
            StreamsWork::Restores { pods } => write!(
                f,
                "Kafka Streams restores its state: canary pods that are members of the group and not Ready yet: {pods}"
            ),
            StreamsWork::Rebalances => f.write_str("the group of Kafka Streams rebalances"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The delays after samples of a minute each: state, assignor, and canary pods that are not Ready.
    fn delays(samples: &[(GroupState, &str, u32)]) -> Vec<Option<(i64, StreamsWork)>> {
        let mut streams = Streams::default();
        let each = samples.iter().zip(0..).map(|((state, assignor, unready), minute)| {
            let (state, assignor) = (*state, (*assignor).to_owned());
            let (members, partitions) = (vec![], vec![]);
            let group = GroupSnapshot { at: 0, state, assignor, epoch: 1, members, partitions };
            let now = Timestamp::from_second(60 * minute).expect("a time");
            streams.observe(&group, *unready, now);
            streams.delay().map(|it| (it.since.as_second() / 60, it.work))
        });
        each.collect()
    }

    #[test]
    fn only_kafka_streams_is_late_by_its_own_ways_and_since_when_is_kept() {
        use GroupState::{Rebalancing, Stable};
        let restores = |since| Some((since, StreamsWork::Restores { pods: 1 }));
        let rebalances = |since| Some((since, StreamsWork::Rebalances));
        let seen = delays(&[
            (Rebalancing, "", 1),
            (Stable, "stream", 1),
            (Rebalancing, "", 0),
            (Stable, "stream", 0),
            (Rebalancing, "", 0),
        ]);
        assert_eq!(seen, [None, restores(1), rebalances(1), None, rebalances(4)]);
        let others = delays(&[(Stable, "range", 1), (Rebalancing, "", 1)]);
        assert_eq!(others, [None, None]);
    }
}
