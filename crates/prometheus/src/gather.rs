//! Which questions one reading asks, and what their answers say of which pod.
//! Pure: the asking is in `prometheus.rs`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use siskin_analysis::observation::Millis;

use crate::containers::Containers;
use crate::data::{Data, SeriesValue};
use crate::error::{Fault, ReadError};
use crate::histogram::Buckets;
use crate::reading::{Reading, Scrapes};
use crate::request::PodsRequest;
use crate::selector::Selector;
use crate::series::{Defaults, Signal};
use crate::topics::TopicCounts;

/// One question of a reading, and what its answer holds.
pub(crate) struct PlannedQuery {
    pub(crate) column: Column,
    pub(crate) text: Arc<str>,
}

/// Content of a question's answer.
pub(crate) enum Column {
    /// A number per pod.
    Number(Signal),
    /// A counter per pod and topic, whose plain sum is asked for by this selector.
    ByTopic(Signal, Selector),
    /// Memory per pod and container, and the one that was there before.
    Containers,
    /// Time of the newest sample of memory, per pod and container.
    ContainerTimes,
    /// A count per pod and edge of the histogram with this base name.
    Buckets(Selector),
    /// Time of the newest sample of the application, per pod.
    ApplicationTime,
    /// Time of the newest sample of memory, per pod: another exporter may have it.
    MemoryTime,
}

/// Answer to a user's own query. Numbers that are not finite are left out; negative ones are taken,
/// for a user's metric may be a difference.
#[derive(Clone, Debug, PartialEq)]
pub enum Measured {
    /// A number for each pod that has one.
    PerPod(HashMap<Arc<str>, f64>),
    /// One number.
    One(f64),
    /// No series, or no finite number: unknown.
    Nothing,
}

/// Labels that tell the containers of a pod apart, the one that ended from the one that took its place.
const CONTAINER: [&str; 2] = ["container", "id"];

/// A reading in the making: answers, entered pod by pod.
pub(crate) struct ReadingTable<'a> {
    pods: HashMap<&'a str, Arc<str>>,
    interval: Duration,
    newest: Scrapes,
    containers: Containers,
    reading: Reading,
}

/// The questions of one reading: at most nine.
pub(crate) fn plan(request: &PodsRequest) -> Vec<PlannedQuery> {
    let scope = request.scope();
    let numbers = request.series.numbers(Defaults::PROMETHEUS);
    let mut planned = Vec::new();
    let mut ask = |column, text: String| planned.push(PlannedQuery { column, text: text.into() });
    for (signal, selector) in &numbers {
        match signal {
            Signal::Consumed if !selector.names("topic") => {
                ask(Column::ByTopic(*signal, selector.clone()), scope.sum_by(selector, &["topic"]));
            }
            Signal::WorkingSet if request.series.working_set.is_none() => {
                ask(Column::Containers, scope.sum_by(selector, &CONTAINER));
                ask(Column::ContainerTimes, scope.newest_by(selector, &CONTAINER));
            }
            Signal::WorkingSet => {
                ask(Column::Number(*signal), scope.sum(selector));
                ask(Column::MemoryTime, scope.newest(selector));
            }
            Signal::Consumed
            | Signal::Processed
            | Signal::Errors
            | Signal::Filtered
            | Signal::Latency
            | Signal::Cpu
            | Signal::ScrapeTime => ask(Column::Number(*signal), scope.sum(selector)),
        }
    }
    if let Some(base) = &request.series.latency {
        ask(Column::Buckets(base.clone()), scope.buckets(base));
    }
    if let Some(clock) = request.series.clock() {
        ask(Column::ApplicationTime, scope.newest(&clock));
    }
    planned
}

/// Reads the answer to a user's own query: one number, or one for each pod.
pub(crate) fn measured(data: &Data) -> Result<Measured, Fault> {
    let series = match data {
        Data::Scalar(value) => return Ok(one(*value)),
        Data::Vector(series) => series.as_slice(),
    };
    match series {
        [] => return Ok(Measured::Nothing),
        [single] if single.pod.is_none() => return Ok(one(single.value)),
        _ => {}
    }
    let mut pods: HashMap<Arc<str>, f64> = HashMap::with_capacity(series.len());
    for element in series {
        let Some(pod) = &element.pod else {
            return Err(Fault::Unsupported {
                found: "an answer of several series, some of them of no pod",
                remedy: "aggregate to one number, or by the pod label",
            });
        };
        if pods.insert(Arc::clone(pod), element.value).is_some() {
            return Err(Fault::Unsupported {
                found: "an answer with several series of one pod",
                remedy: "aggregate by the pod label",
            });
        }
    }
    pods.retain(|_, value| value.is_finite());
    Ok(if pods.is_empty() { Measured::Nothing } else { Measured::PerPod(pods) })
}

impl Column {
    /// The signal that is missing when this question has no answer.
    pub(crate) fn signal(&self) -> Signal {
        match self {
            Self::Number(signal) | Self::ByTopic(signal, _) => *signal,
            Self::Containers => Signal::WorkingSet,
            Self::Buckets(_) => Signal::Latency,
            Self::ApplicationTime | Self::MemoryTime | Self::ContainerTimes => Signal::ScrapeTime,
        }
    }
}

impl<'a> ReadingTable<'a> {
    /// A table without answers.
    pub(crate) fn new(request: &'a PodsRequest, at: Millis) -> Self {
        Self {
            pods: request.pods.iter().map(|pod| (&**pod, Arc::clone(pod))).collect(),
            interval: request.interval,
            newest: Scrapes::default(),
            containers: Containers::default(),
            reading: Reading { at, ..Reading::default() },
        }
    }

    /// Enters one answer.
    pub(crate) fn add(&mut self, column: &Column, data: &Data) {
        let series = match data {
            Data::Vector(series) => series.as_slice(),
            // No aggregation by pod yields it.
            Data::Scalar(_) => &[],
        };
        match column {
            Column::Number(signal) => self.each(series, |reading, _, pod, element| {
                reading.put(pod, *signal, element.value);
            }),
            Column::ByTopic(signal, _) => self.add_topics(*signal, series),
            Column::Containers => self.each_container(series, Containers::add_bytes),
            Column::ContainerTimes => self.add_container_times(series),
            Column::Buckets(_) => self.add_buckets(series),
            Column::ApplicationTime => self.each(series, |reading, newest, pod, element| {
                if let Some(time) = time_of(reading, element) {
                    reading.pods.entry(Arc::clone(pod)).or_default();
                    newest.application.insert(Arc::clone(pod), time);
                }
            }),
            Column::MemoryTime => self.each(series, |reading, newest, pod, element| {
                if let Some(time) = time_of(reading, element) {
                    newest.memory.insert(Arc::clone(pod), time);
                }
            }),
        }
    }

    /// Enters that a question has no answer.
    pub(crate) fn fail(&mut self, failure: ReadError) {
        self.reading.failures.push(failure);
    }

    /// The reading, without metrics whose sample is not new.
    pub(crate) fn finish(mut self, previous: &Scrapes) -> Reading {
        self.enter_containers();
        self.reading.judge_age(&self.newest, previous, self.interval);
        self.reading
    }

    fn add_buckets(&mut self, series: &[SeriesValue]) {
        let mut found: HashMap<Arc<str>, Buckets> = HashMap::new();
        self.each(series, |_, _, pod, element| {
            found.entry(Arc::clone(pod)).or_default().add(element.edge(), element.value);
        });
        for (pod, buckets) in found {
            self.reading.put_buckets(&pod, buckets);
        }
    }

    fn add_topics(&mut self, signal: Signal, series: &[SeriesValue]) {
        let mut found: HashMap<Arc<str>, TopicCounts> = HashMap::new();
        self.each(series, |_, _, pod, element| {
            let topic = element.label("topic").unwrap_or_default();
            found.entry(Arc::clone(pod)).or_default().add(topic, element.value);
        });
        for (pod, counts) in found {
            self.reading.skipped.doubled += counts.doubled();
            self.reading.put(&pod, signal, counts.sum());
        }
    }

    fn each_container(
        &mut self,
        series: &[SeriesValue],
        mut take: impl FnMut(&mut Containers, &Arc<str>, &SeriesValue),
    ) {
        let mut containers = std::mem::take(&mut self.containers);
        self.each(series, |_, _, pod, element| take(&mut containers, pod, element));
        self.containers = containers;
    }

    fn add_container_times(&mut self, series: &[SeriesValue]) {
        let mut containers = std::mem::take(&mut self.containers);
        self.each(series, |reading, _, pod, element| {
            if let Some(time) = time_of(reading, element) {
                containers.add_time(pod, element, time);
            }
        });
        self.containers = containers;
    }

    /// Enters what is known of containers, once all answers are there.
    fn enter_containers(&mut self) {
        for (pod, memory) in self.containers.pods() {
            self.reading.put(&pod, Signal::WorkingSet, memory.bytes);
            self.newest.memory.extend(memory.at.map(|at| (pod, at)));
        }
    }

    fn each(
        &mut self,
        series: &[SeriesValue],
        mut take: impl FnMut(&mut Reading, &mut Scrapes, &Arc<str>, &SeriesValue),
    ) {
        for element in series {
            let pod = element.pod.as_deref().and_then(|name| self.pods.get(name));
            match pod {
                Some(pod) => take(&mut self.reading, &mut self.newest, pod, element),
                None => self.reading.skipped.foreign += 1,
            }
        }
    }
}

fn one(value: f64) -> Measured {
    if value.is_finite() { Measured::One(value) } else { Measured::Nothing }
}

/// The time that PromQL's `timestamp()` answered in seconds, in milliseconds.
fn time_of(reading: &mut Reading, element: &SeriesValue) -> Option<Millis> {
    let seconds = reading.skipped.believe(element.value)?;
    // Rounds and saturates: a time beyond all times is caught by its age.
    #[allow(clippy::cast_possible_truncation)]
    Some((seconds * 1000.0).round() as Millis)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use super::{Measured, measured};
    use crate::answer;
    use crate::data::{Data, VectorBounds};
    use crate::error::Fault;
    use crate::test_server::vector;

    fn of(body: &str) -> Result<Measured, Fault> {
        let bounds = VectorBounds { pod: "pod", series: 10 };
        let data: Data = answer::read(200, body.as_bytes(), bounds).expect("an answer");
        measured(&data)
    }

    #[test]
    fn a_users_query_yields_one_number_or_one_per_pod() {
        assert_eq!(of(&vector(&[])), Ok(Measured::Nothing));
        assert_eq!(of(&vector(&[("{}", "-2.5")])), Ok(Measured::One(-2.5)));
        assert_eq!(of(&vector(&[(r#"{"topic":"t"}"#, "3")])), Ok(Measured::One(3.0)));
        assert_eq!(of(&vector(&[("{}", "NaN")])), Ok(Measured::Nothing));
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"+Inf"]}}"#;
        assert_eq!(of(scalar), Ok(Measured::Nothing));
        assert_eq!(of(&scalar.replace("+Inf", "6")), Ok(Measured::One(6.0)));
        let pods = vector(&[(r#"{"pod":"a"}"#, "1"), (r#"{"pod":"b"}"#, "-Inf")]);
        let expected = HashMap::from([(Arc::from("a"), 1.0)]);
        assert_eq!(of(&pods), Ok(Measured::PerPod(expected.clone())));
        assert_eq!(of(&vector(&[(r#"{"pod":"a"}"#, "1")])), Ok(Measured::PerPod(expected)));
        assert_eq!(of(&vector(&[(r#"{"pod":"a"}"#, "NaN")])), Ok(Measured::Nothing));
    }

    #[test]
    fn ambiguous_answers_say_how_to_aggregate() {
        for body in [
            vector(&[(r#"{"topic":"t"}"#, "1"), (r#"{"topic":"u"}"#, "2")]),
            vector(&[(r#"{"pod":"a"}"#, "1"), (r#"{"pod":""}"#, "2")]),
            vector(&[(r#"{"pod":"a","t":"1"}"#, "1"), (r#"{"pod":"a","t":"2"}"#, "2")]),
        ] {
            let fault = of(&body).expect_err("ambiguous");
            assert!(fault.to_string().contains("aggregate"), "{fault}");
        }
    }
}
