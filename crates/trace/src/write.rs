//! Writes a trace line by line.
//! Flushes nothing and opens nothing: the sink is the caller's.

use std::borrow::Cow;
use std::io::{self, Write};

use siskin_analysis::observation::{Histogram, Observation, PodMetrics, UserReading};

use crate::form::{HeaderForm, MarkForm, SeenForm};
use crate::line::{Header, Line, Seen};

/// Writes a trace.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// When the sink fails.
    pub fn new(sink: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self { sink };
        writer.line(&HeaderForm::of(header))?;
        Ok(writer)
    }

    /// Writes a line. What JSON can't say, NaN and infinity, is written as unknown, which is what
    /// it means.
    ///
    /// # Errors
    /// When the sink fails. What was written then is not a trace any more.
    pub fn write(&mut self, line: &Line) -> io::Result<()> {
        match line {
            Line::Seen(Seen { observation, primary_healthy }) => {
                self.line(&SeenForm::of(&sayable(observation), *primary_healthy))
            }
            Line::Mark { at, mark } => self.line(&MarkForm::of(*at, mark)),
        }
    }

    /// The sink, with whole lines.
    pub const fn sink(&self) -> &W {
        &self.sink
    }

    /// The sink: what has been written so far may be taken out of it, whole lines at a time.
    pub const fn sink_mut(&mut self) -> &mut W {
        &mut self.sink
    }

    /// The sink, with everything written to it.
    pub fn into_inner(self) -> W {
        self.sink
    }

    fn line(&mut self, form: &impl serde::Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.sink, form)?;
        self.sink.write_all(b"\n")
    }
}

/// The observation without the numbers that a reader would refuse.
fn sayable(seen: &Observation) -> Cow<'_, Observation> {
    let said = |metrics: &PodMetrics| cleaned(metrics) == *metrics;
    if seen.pods.iter().filter_map(|pod| pod.metrics.as_ref()).all(said) {
        return Cow::Borrowed(seen);
    }
    let mut seen = seen.clone();
    for metrics in seen.pods.iter_mut().filter_map(|pod| pod.metrics.as_mut()) {
        *metrics = cleaned(metrics);
    }
    Cow::Owned(seen)
}

fn cleaned(metrics: &PodMetrics) -> PodMetrics {
    let number = |value: Option<f64>| value.filter(|it| is_count(*it));
    PodMetrics {
        consumed: number(metrics.consumed),
        processed: number(metrics.processed),
        errors: number(metrics.errors),
        filtered: number(metrics.filtered),
        latency: metrics.latency.clone().filter(is_histogram),
        working_set: number(metrics.working_set),
        memory_limit: number(metrics.memory_limit),
        cpu_seconds: number(metrics.cpu_seconds),
        user: metrics.user.iter().map(|(name, it)| (name.clone(), cleaned_user(*it))).collect(),
    }
}

fn cleaned_user(reading: UserReading) -> UserReading {
    UserReading {
        events: reading.events.filter(|it| is_count(*it)),
        total: reading.total.filter(|it| is_count(*it)),
        value: reading.value.filter(|it| it.is_finite()),
    }
}

fn is_histogram(it: &Histogram) -> bool {
    it.edges.len() == it.counts.len()
        && it.edges.iter().all(|edge| edge.is_finite())
        && it.edges.windows(2).all(|pair| pair[0] < pair[1])
        && it.counts.iter().all(|count| is_count(*count))
        && is_count(it.total)
}

fn is_count(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}
