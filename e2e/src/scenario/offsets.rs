//! For how long offsets were unknown in a trial, by the operator's own trace of it.
//! Reads what the trace says; how long is too long is the scenario's business.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::run::Scenario;
use crate::testbed::shell;

/// Pause between two looks at a trace.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Times between two samples of a group in which all that is asked for was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gaps {
    /// Longest time in which the offsets of one partition were unknown, from the last sample with them to the next one.
    pub longest: Duration,
    /// Time that 95 of 100 samples with the offsets of all partitions come after the one before.
    pub p95: Duration,
    /// Samples with the offsets of all partitions.
    pub samples: usize,
}

impl Scenario {
    /// The gaps in the trial of this rollout that began last.
    pub async fn gaps(&mut self, rollout: &str) -> Result<Gaps> {
        gaps(&self.trace(rollout).await?)
    }

    /// Time until a sample of the trial of this rollout has the offsets of so many partitions.
    pub async fn knows(
        &mut self,
        rollout: &str,
        partitions: usize,
        within: Duration,
    ) -> Result<Duration> {
        let begun = Instant::now();
        loop {
            let trace = self.trace(rollout).await?;
            let newest = samples(&trace).pop().map_or(0, |it| it.known.len());
            if partitions <= newest {
                return Ok(begun.elapsed());
            }
            let waited = within.as_secs();
            ensure!(
                begun.elapsed() < within,
                "{newest} of {partitions} are known after {waited} s"
            );
            sleep(LOOKS_EVERY).await;
        }
    }

    async fn trace(&mut self, rollout: &str) -> Result<String> {
        let path = format!("/traces/{}/{rollout}", self.namespace);
        let trace = self.operator()?.fetched(&path).await?;
        let file = self.logs.join(format!("{rollout}.jsonl.gz"));
        fs::write(&file, trace).with_context(|| format!("writing {}", file.display()))?;
        shell::output(Command::new("gzip").arg("-dc").arg(file))
    }
}

/// A partition of a topic.
type Place = (String, i64);

/// What one sample says.
struct Sample {
    at: u64,
    /// Partitions whose log end is known.
    known: Vec<Place>,
}

/// The samples of a trial, in order.
fn samples(trace: &str) -> Vec<Sample> {
    let lines = trace.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_trial = lines.skip_while(|it| it["mark"] != "trialStarted");
    of_trial.filter_map(|it| Some(Sample { at: at(&it)?, known: known(&it) })).collect()
}

fn gaps(trace: &str) -> Result<Gaps> {
    let samples = samples(trace);
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        bail!("the trace has no sample of a trial");
    };
    let mut known_at: BTreeMap<&Place, u64> = BTreeMap::new();
    let mut longest = 0;
    for Sample { at, known } in &samples {
        for place in known {
            let before = known_at.insert(place, *at);
            longest = longest.max(before.map_or(0, |it| at.saturating_sub(it)));
        }
    }
    for at in known_at.values() {
        longest = longest.max(last.at.saturating_sub(*at));
    }
    let whole = first.known.len().max(1);
    let complete = samples.iter().filter(|it| whole <= it.known.len()).map(|it| it.at);
    let complete: Vec<u64> = complete.collect();
    let mut between: Vec<u64> = complete.windows(2).map(|it| it[1].saturating_sub(it[0])).collect();
    between.sort_unstable();
    ensure!(!between.is_empty(), "the trace has no two samples with all offsets");
    let p95 = between[(between.len() * 95).div_ceil(100) - 1];
    let millis = Duration::from_millis;
    Ok(Gaps { longest: millis(longest), p95: millis(p95), samples: complete.len() })
}

/// When the sample was taken; marks are none.
fn at(line: &Value) -> Option<u64> {
    if line["mark"].is_null() { line["at"].as_u64() } else { None }
}

/// Partitions whose log end is known.
fn known(sample: &Value) -> Vec<Place> {
    let partitions = sample["group"]["partitions"].as_array().into_iter().flatten();
    let known = partitions.filter(|it| it["logEnd"].is_u64());
    let place = |it: &Value| Some((it["topic"].as_str()?.to_owned(), it["partition"].as_i64()?));
    known.filter_map(place).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gap_is_told_partition_by_partition() {
        let sample = |at: u64, ends: [Option<u64>; 2]| {
            let partition =
                |number: usize| json!({"topic": "t", "partition": number, "logEnd": ends[number]});
            json!({"at": at, "group": {"partitions": [partition(0), partition(1)]}}).to_string()
        };
        let nobody = json!({"at": 5_000, "group": null}).to_string();
        let lines = [
            sample(0, [None, None]),
            json!({"at": 900, "mark": "trialStarted"}).to_string(),
            sample(1_000, [Some(1), Some(1)]),
            sample(2_000, [Some(2), Some(1)]),
            sample(4_000, [Some(2), None]),
            nobody,
            sample(9_000, [Some(3), Some(4)]),
        ];
        let seconds = Duration::from_secs;
        let expected = Gaps { longest: seconds(7), p95: seconds(7), samples: 3 };
        assert_eq!(gaps(&lines.join("\n")).unwrap(), expected);
        assert!(gaps("").is_err());
    }
}
