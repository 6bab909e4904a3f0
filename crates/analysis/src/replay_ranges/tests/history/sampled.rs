//! The operator of a random life: what it samples of the group, when, and what it forgets when it is
//! killed. What is true stands in the life itself.

use std::sync::Arc;

use super::{Course, ENDS, History, Member, Partition, Pod, Reading, Tick};
use crate::observation::{
    GroupObservation, GroupState, MemberCount, Owner, PartitionObservation, Role,
};
use crate::replay_ranges::{CanaryProcess, ConsumedLog, Look, parse_list};

impl History {
    /// A canary goes far back right before it is looked at: what nobody sees can't be told. Whether it
    /// does.
    fn rewind(&mut self) -> bool {
        if !self.profile.rewinds || self.rewound || self.profile.commits_every.is_none() {
            return false;
        }
        let members = &self.members;
        let of_canary = |it: &&mut Partition| {
            it.owner.is_some_and(|it| members[it].canary && members[it].dead.is_none())
        };
        for partition in self.partitions.iter_mut().filter(of_canary) {
            let low = (partition.position - 300).max(partition.start);
            let seen = partition.committed.is_some_and(|it| low + 6 * 10 < it);
            if seen {
                (partition.position, partition.committed) = (low, Some(low));
                self.rewound = true;
            }
        }
        self.rewound
    }

    pub(super) fn sample(&mut self) {
        if let Some(Reading { begun, group }) = self.operator.reading.take() {
            if self.now < begun + 2 {
                self.operator.reading = Some(Reading { begun, group });
                return;
            }
            return self.deliver(begun, group);
        }
        if self.now < self.operator.next {
            return;
        }
        self.operator.next = self.now + self.profile.interval;
        // Most samples are answered; the last ones are.
        if self.now < ENDS - 250 && self.dice.one_in(12) {
            return;
        }
        self.operator.whole = self.rewind();
        let group = self.group();
        self.operator.reading = Some(Reading { begun: self.now, group });
    }

    fn deliver(&mut self, begun: Tick, mut group: GroupObservation) {
        for (seen, partition) in group.partitions.iter_mut().zip(&self.partitions) {
            let lost = self.now < ENDS - 250 && self.dice.one_in(15);
            seen.log_end = (!lost).then_some(partition.end);
        }
        if self.now < ENDS - 250 && !self.operator.whole && self.dice.one_in(10) {
            let lost = self.dice.index(group.partitions.len());
            group.partitions.remove(lost);
        }
        let canaries = self.canaries();
        let gone = |it: &Pod| !it.canary || matches!(it.course, Course::Gone(at) if at < begun);
        let left = self.pods.iter().all(gone);
        self.operator.log.observe(&Look { group: &group, canaries: &canaries, blind: false, left });
        self.operator.before = begun;
        if self.dice.one_in(2) || self.operator.log.went_back() {
            self.save();
        }
        if self.profile.kills && self.now < ENDS - 250 && self.dice.one_in(15) {
            self.restart();
        }
    }

    fn canaries(&self) -> Vec<CanaryProcess> {
        let (now, before) = (self.now, self.operator.before);
        let of_it = |it: &Pod| {
            let there = !matches!(it.course, Course::Gone(at) if at < before);
            let leaving = matches!(it.course, Course::Leaves(_) | Course::Gone(_));
            let shown = it.shown.iter().rev().find(|it| it.from <= now);
            let (restarts, ended) = shown.map_or((0, None), |it| (it.restarts, it.ended));
            let ready = shown.is_some_and(|it| it.ready) && !leaving;
            (there && it.canary).then(|| CanaryProcess {
                name: it.name.clone(),
                restarts,
                ended,
                ready,
                leaving,
            })
        };
        self.pods.iter().filter_map(of_it).collect()
    }

    pub(super) fn save(&mut self) {
        let log = &self.operator.log;
        let lists = log.consumed(false).lists().into_iter().collect();
        self.operator.saved = (log.save(), lists);
    }

    fn restart(&mut self) {
        let (record, lists) = &self.operator.saved;
        let parsed = |(topic, list): &(Arc<str>, String)| parse_list(topic, list).expect("a list");
        let ranges: Vec<_> = lists.iter().flat_map(parsed).collect();
        let log = ConsumedLog::resume(record, &ranges).expect("a record");
        // An operator that never saw the canary begins where it was saved: before the canary.
        self.operator.log = log;
        self.operator.next = self.now + self.dice.below(60);
        self.operator.before = self.now;
    }

    fn group(&self) -> GroupObservation {
        let moves = self.moves_until.is_some();
        let mut members = MemberCount::default();
        let joined = |it: &&Member| {
            it.canary && !matches!(self.pods[it.pod].course, Course::Leaves(_) | Course::Gone(_))
        };
        members.canary_pods = u32::try_from(self.members.iter().filter(joined).count()).unwrap();
        let owner = |it: &Partition| match it.owner.map(|it| &self.members[it]) {
            Some(member) => Owner::Pod {
                name: self.pods[member.pod].name.clone(),
                role: if member.canary { Role::Canary } else { Role::Primary },
            },
            None => Owner::Nobody,
        };
        let partition = |(place, it): (usize, &Partition)| PartitionObservation {
            topic: "orders".into(),
            partition: i32::try_from(place).unwrap(),
            owner: owner(it),
            committed: it.committed,
            log_start: Some(it.start),
            log_end: None,
        };
        let id = |it: &Partition| it.owner.map_or(0, |it| self.members[it].id);
        let ids = self.partitions.iter().map(id).chain(self.members.iter().map(|it| it.id));
        GroupObservation {
            state: if moves { GroupState::Rebalancing } else { GroupState::Stable },
            epoch: ids.fold(7, |hash, it| hash * 31 + it),
            members,
            partitions: self.partitions.iter().enumerate().map(partition).collect(),
        }
    }
}
