//! The partitions of a group, sorted, and who owns each: names are held here once, and everything
//! else that is kept per partition lies at the same place. No offset is read here.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::lag::column::{Column, Moves, Place, PodNumber};
use crate::numbers::Millis;
use crate::observation::{
    GroupObservation, GroupState, Owner, PartitionId, PartitionObservation, PodObservation, Role,
};

/// Names of pods kept beside those in use before the others are dropped: pods come and go.
const SPARE_NAMES: usize = 64;

/// Every partition that was listed last, with its owner under the last stable assignment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    topics: Vec<Topic>,
    /// Partition numbers, by topic.
    partitions: Vec<i32>,
    /// [`PodNumber::NONE`]: no pod of ours.
    owners: Column<PodNumber>,
    /// Pods by their number.
    pods: Vec<RolePod>,
    numbers: BTreeMap<RolePod, PodNumber>,
    /// Pods in use when they were last counted.
    in_use: usize,
}

#[derive(Clone, Debug)]
struct Topic {
    name: Arc<str>,
    /// The place behind its last partition.
    end: usize,
}

/// A pod in a role: one that changes roles is another consumer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RolePod {
    name: Arc<str>,
    role: Role,
}

/// The pod that owns a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Consumer {
    /// Stands for its name, in this observation.
    pub(crate) number: PodNumber,
    pub(crate) role: Role,
    /// Whether it is older than the warm-up.
    pub(crate) warm: bool,
}

/// The rows of an observation by the places of the roster.
pub(crate) enum Rows<'a> {
    /// They came in that order.
    Straight(&'a [PartitionObservation]),
    /// They did not, or some are missing.
    Placed(Vec<Option<&'a PartitionObservation>>),
}

/// Which pods are older than the warm-up at one moment.
pub(crate) struct Warmth<'a> {
    by_name: HashMap<&'a str, bool>,
    by_number: Vec<bool>,
}

impl Roster {
    /// Takes over the partitions of an observation. While a group rebalances it may show none:
    /// then those that are missing keep their places.
    pub(crate) fn follow<'a>(&mut self, group: &'a GroupObservation) -> (Rows<'a>, Moves) {
        let rows = &group.partitions;
        // Most sources sort, and mostly the same partitions come again.
        if self.lists(rows) {
            return (Rows::Straight(rows), Moves::Same(rows.len()));
        }
        let mut sorted: Vec<_> =
            rows.iter().map(|row| ((&row.topic, row.partition), row)).collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        sorted.dedup_by(|a, b| a.0 == b.0);
        let shown: Vec<_> = sorted.iter().map(|(id, _)| *id).collect();
        let before: Vec<_> = self.ids().collect();
        let mut now = shown.clone();
        if group.state != GroupState::Stable {
            now.extend(&before);
            now.sort_unstable();
            now.dedup();
        }
        let moves = Moves::between(&before, &now);
        let places = Moves::between(&shown, &now);
        let row = |place| places.before(place).map(|place| sorted[place].1);
        let found = (0..now.len()).map(row).collect();
        (self.topics, self.partitions) = listed(&now);
        self.owners.follow(&moves, PodNumber::NONE);
        (Rows::Placed(found), moves)
    }

    /// Which pods are warm, and room for the names of new ones.
    pub(crate) fn warmth<'a>(
        &mut self,
        pods: &'a [PodObservation],
        warm_before: Millis,
    ) -> Warmth<'a> {
        if self.pods.len() > 2 * self.in_use + SPARE_NAMES {
            self.drop_names();
        }
        let mut by_name = HashMap::with_capacity(pods.len());
        for pod in pods {
            *by_name.entry(&*pod.name).or_default() |= pod.created <= warm_before;
        }
        let warm = |pod: &RolePod| by_name.get(&*pod.name).copied().unwrap_or(false);
        Warmth { by_number: self.pods.iter().map(warm).collect(), by_name }
    }

    /// The pod that owns a partition, if it is one of ours. One that nobody showed owns something
    /// all the same, and isn't warm.
    pub(crate) fn consumer(
        &mut self,
        place: Place,
        owner: &Owner,
        warmth: &mut Warmth<'_>,
    ) -> Option<Consumer> {
        match owner {
            Owner::Pod { name, role } => {
                let usual = self.owners[place.index()];
                let same = |pod: &RolePod| pod.role == *role && pod.name == *name;
                let number = if self.pods.get(usual.index()).is_some_and(same) {
                    usual
                } else {
                    self.number(name, *role, warmth)
                };
                Some(Consumer { number, role: *role, warm: warmth.by_number[number.index()] })
            }
            Owner::External | Owner::Unattributed | Owner::Nobody => None,
        }
    }

    /// Writes down who owns a partition under a stable assignment; answers whether it is another
    /// one than under the last.
    pub(crate) fn seat(&mut self, place: Place, consumer: Option<Consumer>) -> bool {
        let number = consumer.map_or(PodNumber::NONE, |consumer| consumer.number);
        std::mem::replace(&mut self.owners[place.index()], number) != number
    }

    pub(crate) fn len(&self) -> usize {
        self.partitions.len()
    }

    /// The partition at a place.
    pub(crate) fn id(&self, place: Place) -> PartitionId {
        let place = place.index();
        let topic = self.topics.partition_point(|topic| topic.end <= place);
        PartitionId { topic: self.topics[topic].name.clone(), partition: self.partitions[place] }
    }

    /// The place of a partition.
    pub(crate) fn place(&self, id: &PartitionId) -> Option<Place> {
        let topic = self.topics.binary_search_by(|topic| topic.name.cmp(&id.topic)).ok()?;
        let begin = topic.checked_sub(1).map_or(0, |before| self.topics[before].end);
        let within = &self.partitions[begin..self.topics[topic].end];
        within.binary_search(&id.partition).ok().map(|within| Place::at(begin + within))
    }

    /// The role that owned a partition under the last stable assignment.
    pub(crate) fn role(&self, place: Place) -> Option<Role> {
        self.pods.get(self.owners[place.index()].index()).map(|pod| pod.role)
    }

    /// The name of the pod that owned a partition under the last stable assignment.
    pub(crate) fn owner(&self, place: Place) -> Option<&Arc<str>> {
        self.pods.get(self.owners[place.index()].index()).map(|pod| &pod.name)
    }

    /// The name of a pod.
    pub(crate) fn name(&self, consumer: Consumer) -> &Arc<str> {
        &self.pods[consumer.number.index()].name
    }

    /// How many pods have numbers; the largest is one less.
    pub(crate) fn numbers(&self) -> usize {
        self.pods.len()
    }

    fn ids(&self) -> impl Iterator<Item = (&Arc<str>, i32)> {
        let begins = std::iter::once(0).chain(self.topics.iter().map(|topic| topic.end));
        self.topics.iter().zip(begins).flat_map(|(topic, begin)| {
            let within = &self.partitions[begin..topic.end];
            within.iter().map(|partition| (&topic.name, *partition))
        })
    }

    /// Whether these are the partitions, in order.
    fn lists(&self, rows: &[PartitionObservation]) -> bool {
        if rows.len() != self.partitions.len() {
            return false;
        }
        let mut begin = 0;
        self.topics.iter().all(|topic| {
            let within = begin..topic.end;
            begin = topic.end;
            // One string for all rows of a topic, as most sources have it, is compared once.
            let mut known: Option<&Arc<str>> = None;
            rows[within.clone()].iter().zip(&self.partitions[within]).all(|(row, partition)| {
                let same = known.is_some_and(|known| Arc::ptr_eq(known, &row.topic))
                    || topic.name == row.topic;
                known = Some(&row.topic);
                same && row.partition == *partition
            })
        })
    }

    fn number(&mut self, name: &Arc<str>, role: Role, warmth: &mut Warmth<'_>) -> PodNumber {
        let pod = RolePod { name: name.clone(), role };
        if let Some(number) = self.numbers.get(&pod) {
            return *number;
        }
        let number = PodNumber::at(self.pods.len());
        warmth.by_number.push(warmth.by_name.get(&**name).copied().unwrap_or(false));
        self.numbers.insert(pod.clone(), number);
        self.pods.push(pod);
        number
    }

    /// Keeps the names of pods that own something, and numbers them anew.
    fn drop_names(&mut self) {
        let before = std::mem::take(&mut self.pods);
        self.numbers.clear();
        for owner in &mut *self.owners {
            let Some(pod) = before.get(owner.index()) else { continue };
            let next = PodNumber::at(self.pods.len());
            *owner = *self.numbers.entry(pod.clone()).or_insert(next);
            if *owner == next {
                self.pods.push(pod.clone());
            }
        }
        self.in_use = self.pods.len();
    }
}

impl<'a> Rows<'a> {
    /// The row at a place; `None`: it is missing.
    pub(crate) fn at(&self, place: Place) -> Option<&'a PartitionObservation> {
        match self {
            Self::Straight(rows) => rows.get(place.index()),
            Self::Placed(rows) => rows.get(place.index()).copied().flatten(),
        }
    }
}

fn listed(ids: &[(&Arc<str>, i32)]) -> (Vec<Topic>, Vec<i32>) {
    let mut topics: Vec<Topic> = Vec::new();
    for (place, (name, _)) in ids.iter().enumerate() {
        match topics.last_mut() {
            Some(topic) if topic.name == **name => topic.end = place + 1,
            Some(_) | None => topics.push(Topic { name: Arc::clone(name), end: place + 1 }),
        }
    }
    (topics, ids.iter().map(|(_, partition)| *partition).collect())
}
