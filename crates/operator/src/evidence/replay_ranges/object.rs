//! The `ConfigMap` that lists all ranges of an attempt: made from a record, and read back.
//! Sends nothing; what can't be read counts as not there.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Resource as _, ResourceExt as _};
use serde_json::json;
use siskin_analysis::replay_ranges::{Consumed, parse_list};
use siskin_api::CanaryRollout;
use siskin_api::annotations::{TARGET, replay};
use siskin_decide::RolloutId;
use siskin_trace::gzip;

use crate::evidence::replay_ranges::{KeptRanges, KeptRecord, ReplayView, ReplayWritten};
use crate::observe::world::World;

/// Bytes of data that an object may have; the API server takes 1 MiB.
const MOST_BYTES: usize = 1_000_000;

/// Bytes of a record that are read: some 50 for each of 20,000 partitions.
const MOST_RECORD: u64 = 4 * 1024 * 1024;

/// Longest name of an object.
const MOST_NAME: usize = 253;

/// An object that is to be written, and what to note once it is.
#[derive(Debug)]
pub(crate) struct ReplayObject {
    pub(crate) config_map: ConfigMap,
    pub(crate) written: ReplayWritten,
}

/// Name of the object of a rollout.
pub(crate) fn name_of(rollout: &str) -> String {
    let room = MOST_NAME - replay::SUFFIX.len();
    format!("{}{}", rollout.get(..room).unwrap_or(rollout), replay::SUFFIX)
}

/// Whether an object is this rollout's.
pub(crate) fn is_of(config_map: &ConfigMap, uid: &str) -> bool {
    config_map.owner_references().iter().any(|it| it.uid == uid)
}

/// What the object of a rollout keeps of an attempt.
pub(crate) fn kept(
    found: Option<&ConfigMap>,
    uid: &str,
    id: RolloutId,
    under_way: bool,
) -> KeptRanges {
    let of_attempt = |it: &&ConfigMap| {
        let attempt = it.annotations().get(replay::ROLLOUT_ID);
        is_of(it, uid) && attempt.is_some_and(|it| *it == id.to_string())
    };
    let found = found.filter(of_attempt);
    match found.and_then(read) {
        Some(kept) => KeptRanges::Kept(kept),
        None if under_way || found.is_some() => KeptRanges::Lost,
        None => KeptRanges::Begins,
    }
}

fn bytes(data: &BTreeMap<String, String>) -> usize {
    data.iter().map(|(key, value)| key.len() + value.len()).sum()
}

fn read(config_map: &ConfigMap) -> Option<KeptRecord> {
    let packed = config_map.binary_data.as_ref()?.get(replay::RECORD_KEY)?;
    let mut record = String::new();
    let unpacked = gzip::text(&*packed.0).ok()?;
    unpacked.take(MOST_RECORD).read_to_string(&mut record).ok()?;
    let mut ranges = Vec::new();
    for (key, list) in config_map.data.as_ref()? {
        let Some(topic) = key.strip_prefix(replay::TOPIC_KEY) else { continue };
        ranges.extend(parse_list(&Arc::from(topic), list).ok()?);
    }
    Some(KeptRecord { record, ranges })
}

impl ReplayView {
    /// The object, if it is to be written now. At the end of an attempt nobody has to go on from it.
    pub(crate) fn object(&self, world: &World, id: RolloutId, ended: bool) -> Option<ReplayObject> {
        let due = self.due.as_ref()?;
        let record = if ended { Vec::new() } else { gzip::member(due.record.as_bytes()) };
        let room = MOST_BYTES.saturating_sub(record.len());
        let mut data = self.data(&self.at_the_end(ended), id, ended);
        if room < bytes(&data) {
            data = self.data(&self.at_the_end(ended).joined(), id, ended);
        }
        let bytes = bytes(&data) + record.len();
        let written =
            ReplayWritten { looks: due.looks, bytes, ended: ended || self.is_closed, failed: None };
        let mut config_map = self.config_map(world, id, data);
        let record = (replay::RECORD_KEY.to_owned(), ByteString(record));
        config_map.binary_data = (!ended).then(|| [record].into_iter().collect());
        Some(ReplayObject { config_map, written })
    }

    fn data(&self, consumed: &Consumed, id: RolloutId, ended: bool) -> BTreeMap<String, String> {
        let key = |topic: Arc<str>| format!("{}{topic}", replay::TOPIC_KEY);
        let mut data: BTreeMap<_, _> =
            consumed.lists().into_iter().map(|(topic, list)| (key(topic), list)).collect();
        let mut summary = json!(self.summary_of(consumed, ended));
        summary["rolloutId"] = json!(id.to_string());
        data.insert(replay::SUMMARY_KEY.to_owned(), summary.to_string());
        data
    }

    fn config_map(
        &self,
        world: &World,
        id: RolloutId,
        data: BTreeMap<String, String>,
    ) -> ConfigMap {
        let owner = json!([{
            "apiVersion": CanaryRollout::api_version(&()),
            "kind": CanaryRollout::kind(&()),
            "name": world.name.name,
            "uid": world.uid,
        }]);
        let mut config_map = ConfigMap { data: Some(data), ..ConfigMap::default() };
        let metadata = &mut config_map.metadata;
        metadata.name = Some(self.config_map.clone());
        metadata.namespace = Some(world.name.namespace.to_string());
        metadata.owner_references = serde_json::from_value(owner).ok();
        let label = (TARGET.to_owned(), world.target_name().to_owned());
        metadata.labels = Some([label].into_iter().collect());
        let attempt = (replay::ROLLOUT_ID.to_owned(), id.to_string());
        metadata.annotations = Some([attempt].into_iter().collect());
        config_map
    }
}
