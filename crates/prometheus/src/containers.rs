//! Memory by container: after a restart cAdvisor shows the container that ended beside the new one, for
//! minutes and under one name. The newest of a name counts; knows no other signal.

use std::collections::HashMap;
use std::sync::Arc;

use siskin_analysis::observation::Millis;

use crate::data::SeriesValue;

/// Memory of containers, by pod and name, and when each was seen.
#[derive(Debug, Default)]
pub(crate) struct Containers {
    found: HashMap<ContainerName, HashMap<Arc<str>, SeenContainer>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ContainerName {
    pod: Arc<str>,
    container: Arc<str>,
}

#[derive(Clone, Copy, Debug, Default)]
struct SeenContainer {
    bytes: Option<f64>,
    at: Option<Millis>,
}

/// What is known of the memory of a pod.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PodMemory {
    /// Sum over its containers.
    pub(crate) bytes: f64,
    /// When the newest of them was seen.
    pub(crate) at: Option<Millis>,
}

impl Containers {
    /// Enters the memory of one container.
    pub(crate) fn add_bytes(&mut self, pod: &Arc<str>, series: &SeriesValue) {
        self.of(pod, series).bytes = Some(series.value);
    }

    /// Enters when one was seen.
    pub(crate) fn add_time(&mut self, pod: &Arc<str>, series: &SeriesValue, at: Millis) {
        self.of(pod, series).at = Some(at);
    }

    /// The memory of each pod, by the newest container of each name. Where two were seen at one time,
    /// as with a Prometheus that takes its own for theirs, the larger one.
    pub(crate) fn pods(&self) -> HashMap<Arc<str>, PodMemory> {
        let mut pods: HashMap<Arc<str>, PodMemory> = HashMap::new();
        for (name, seen) in &self.found {
            let all = seen.values().filter_map(|it| Some((it.at, it.bytes?)));
            let newest = all.max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            let Some((at, bytes)) = newest else { continue };
            let pod =
                pods.entry(Arc::clone(&name.pod)).or_insert(PodMemory { bytes: 0.0, at: None });
            // A negative one makes the sum wrong even where the others hide it.
            let is_wrong = bytes < 0.0 || pod.bytes < 0.0;
            pod.bytes = if is_wrong { bytes.min(pod.bytes) } else { pod.bytes + bytes };
            pod.at = pod.at.max(at);
        }
        pods
    }

    fn of(&mut self, pod: &Arc<str>, series: &SeriesValue) -> &mut SeenContainer {
        let label = |name| Arc::from(series.label(name).unwrap_or_default());
        let name = ContainerName { pod: Arc::clone(pod), container: label("container") };
        self.found.entry(name).or_default().entry(label("id")).or_default()
    }
}
