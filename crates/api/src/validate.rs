//! Checks of a spec that the API server has made before: an old CRD gets nothing past the operator.
//! Reads a spec and says what is wrong; changes nothing and fills nothing in.

mod checks;
mod found;
mod metrics;
mod shapes;

use std::ops::RangeInclusive;

use crate::annotations::{ENV_POD_NAME, ENV_ROLE};
use crate::kafka::KafkaSource;
use crate::rollout::{Analysis, CanaryRolloutSpec, PodIdentity};
use crate::strategy::{StepSpec, Strategy};
use crate::units::{Duration, Probability};
use crate::validate::found::Found;
use crate::validate::shapes::{is_dns_label, is_server, is_topic};

pub use crate::validate::found::SpecError;
pub use crate::validate::shapes::is_env_name;

impl CanaryRolloutSpec {
    /// Checks everything that the schema of the CRD checks, but what no value of these types can
    /// violate.
    ///
    /// # Errors
    /// Every violation, in the order of the fields.
    pub fn validate(&self) -> Result<(), Vec<SpecError>> {
        let mut found = Found::default();
        if !is_dns_label(&self.target_ref.name, 52) {
            found.refuse(
                "spec.targetRef.name",
                format!("{:?} is no DNS label of at most 52 characters", self.target_ref.name),
                "name a Deployment whose name has lower-case letters, digits and - only",
            );
        }
        found.check_range("spec.replicas", self.replicas, 0..=1000);
        check_pod_names(&mut found, self);
        check_strategy(&mut found, &self.strategy);
        check_analysis(&mut found, &self.analysis);
        found.into_result()
    }
}

fn check_pod_names(found: &mut Found, it: &CanaryRolloutSpec) {
    const FIELD: &str = "spec.podNameEnv";
    let names = &it.pod_name_env;
    if MAX_POD_NAMES < names.len() {
        let remedy = format!("name at most {MAX_POD_NAMES} variables");
        found.refuse(FIELD, format!("has {} entries", names.len()), remedy);
    }
    for (index, name) in names.iter().enumerate() {
        let field = format!("{FIELD}[{index}]");
        if !is_env_name(name) {
            let problem = format!("{name:?} is no name of an environment variable");
            let remedy =
                "use 1 to 128 letters, digits, dots, underscores and dashes, no digit first";
            found.refuse(field, problem, remedy);
        } else if [ENV_POD_NAME, ENV_ROLE].contains(&name.as_str()) {
            found.refuse(field, format!("{name} is set by podIdentity"), "leave it out");
        } else if names[..index].contains(name) {
            found.refuse(field, format!("{name} is there twice"), "name it once");
        }
    }
    if !names.is_empty() && it.pod_identity == PodIdentity::None {
        let problem = "has names beside podIdentity None, which leaves the environment alone";
        found.refuse(FIELD, problem, "set podIdentity to Inject, or leave podNameEnv out");
    }
}

fn check_strategy(found: &mut Found, it: &Strategy) {
    check_shape(found, it);
    check_steps(found, &it.steps);
    found.check_range("spec.strategy.stepWeight", it.step_weight, WEIGHTS);
    found.check_range("spec.strategy.maxWeight", it.max_weight, WEIGHTS);
    found.check_range("spec.strategy.hold", it.hold, HOLDS);
    found.check_range("spec.strategy.maxConsumers", it.max_consumers, 1..=2000);
    found.check_range("spec.strategy.warmUp", it.warm_up, NONE..=Duration::from_hours(24));
    let deadlines = Duration::from_secs(10)..=Duration::from_hours(24);
    found.check_range("spec.strategy.progressDeadline", it.progress_deadline, deadlines);
    if let Some(max_hold) = it.max_hold {
        check_max_hold(found, it, max_hold);
    }
}

/// Checks that there are either steps or the whole shorthand.
fn check_shape(found: &mut Found, it: &Strategy) {
    let shorthand = it.step_weight.is_some() || it.max_weight.is_some();
    if shorthand != it.steps.is_empty() {
        let problem = if shorthand {
            "has steps and the shorthand"
        } else {
            "has neither steps nor the shorthand"
        };
        let remedy = "set either steps, or stepWeight together with maxWeight";
        found.refuse("spec.strategy", problem, remedy);
    }
    match (it.step_weight, it.max_weight) {
        (Some(_), None) => found.refuse(
            "spec.strategy.maxWeight",
            "is missing beside stepWeight",
            "set it to the weight of the last step",
        ),
        (None, Some(_)) => found.refuse(
            "spec.strategy.stepWeight",
            "is missing beside maxWeight",
            "set it to the growth of each step",
        ),
        (Some(by), Some(max)) if max < by => found.refuse(
            "spec.strategy.stepWeight",
            format!("{by} is greater than maxWeight, {max}"),
            "make it at most maxWeight",
        ),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

fn check_steps(found: &mut Found, steps: &[StepSpec]) {
    if MAX_STEPS < steps.len() {
        let problem = format!("has {} entries", steps.len());
        let remedy = format!("use at most {MAX_STEPS} steps");
        found.refuse("spec.strategy.steps", problem, remedy);
    }
    for (index, step) in steps.iter().enumerate() {
        let path = format!("spec.strategy.steps[{index}]");
        if step.weight.is_some() == step.replicas.is_some() {
            let both = step.weight.is_some();
            let problem =
                if both { "has weight and replicas" } else { "has neither weight nor replicas" };
            found.refuse(&path, problem, "set exactly one of the two");
        }
        found.check_range(&format!("{path}.weight"), step.weight, WEIGHTS);
        found.check_range(&format!("{path}.replicas"), step.replicas, 1..=1000);
        found.check_range(&format!("{path}.hold"), step.hold, HOLDS);
    }
    check_order(found, steps);
}

fn check_order(found: &mut Found, steps: &[StepSpec]) {
    let by_weight = steps.iter().filter(|it| it.weight.is_some()).count();
    let by_replicas = steps.iter().filter(|it| it.replicas.is_some()).count();
    if by_weight != steps.len() && by_replicas != steps.len() {
        let problem = "mixes weight and replicas";
        found.refuse("spec.strategy.steps", problem, "make all steps weight, or all replicas");
    }
    for (index, pair) in steps.windows(2).enumerate() {
        let (Some(earlier), Some(later)) = (size(&pair[0]), size(&pair[1])) else { continue };
        if later <= earlier {
            found.refuse(
                format!("spec.strategy.steps[{}]", index + 1),
                format!("{later} is not larger than the step before it, {earlier}"),
                "make each step larger than the one before it",
            );
        }
    }
}

fn size(step: &StepSpec) -> Option<i32> {
    step.weight.or(step.replicas)
}

fn check_max_hold(found: &mut Found, strategy: &Strategy, max_hold: Duration) {
    const FIELD: &str = "spec.strategy.maxHold";
    found.check_range(FIELD, max_hold, NONE..=Duration::from_hours(504));
    let holds = strategy.steps.iter().map(|it| it.hold.unwrap_or(strategy.hold));
    let of_shorthand = strategy.steps.is_empty().then_some(strategy.hold);
    if let Some(longest) = holds.chain(of_shorthand).max().filter(|it| max_hold < *it) {
        let problem = format!("{max_hold} is shorter than the longest hold, {longest}");
        found.refuse(FIELD, problem, format!("make it at least {longest}, or leave it out"));
    }
}

fn check_analysis(found: &mut Found, it: &Analysis) {
    let intervals = Duration::from_secs(1)..=Duration::from_mins(1);
    found.check_range("spec.analysis.interval", it.interval, intervals);
    if Probability::from_millionths(200_000).is_some_and(|max| max < it.false_rollback_probability)
    {
        found.refuse(
            "spec.analysis.falseRollbackProbability",
            format!("{} is greater than 0.2", it.false_rollback_probability),
            "choose one greater than 0 and at most 0.2, such as 0.01",
        );
    }
    check_kafka(found, &it.kafka);
    metrics::check(found, it);
    checks::check(found, it);
}

fn check_kafka(found: &mut Found, it: &KafkaSource) {
    const SERVERS: &str = "spec.analysis.kafka.bootstrapServers";
    const TOPICS: &str = "spec.analysis.kafka.topics";
    if !(1..=20).contains(&it.bootstrap_servers.len()) {
        let problem = format!("has {} entries", it.bootstrap_servers.len());
        found.refuse(SERVERS, problem, "name 1 to 20 brokers");
    }
    for (index, server) in it.bootstrap_servers.iter().enumerate() {
        if !is_server(server) {
            let problem = format!("{server:?} is not host:port");
            let remedy = "write it like kafka.example.org:9092";
            found.refuse(format!("{SERVERS}[{index}]"), problem, remedy);
        }
    }
    if !(1..=255).contains(&it.consumer_group.chars().count()) {
        found.refuse(
            "spec.analysis.kafka.consumerGroup",
            "is empty or longer than 255 characters",
            "name the group.id of the Deployment's consumers",
        );
    }
    if 100 < it.topics.len() {
        let problem = format!("has {} entries", it.topics.len());
        found.refuse(TOPICS, problem, "name at most 100 topics, or none for all of the group");
    }
    for (index, topic) in it.topics.iter().enumerate() {
        if !is_topic(topic) {
            let problem = format!("{topic:?} is no topic name");
            let remedy = "use 1 to 249 letters, digits, dots, underscores and dashes";
            found.refuse(format!("{TOPICS}[{index}]"), problem, remedy);
        }
    }
    metrics::check_secret(found, "spec.analysis.kafka", it.credentials_secret_ref.as_ref());
}

const WEIGHTS: RangeInclusive<i32> = 1..=99;
const MAX_STEPS: usize = 20;
const MAX_POD_NAMES: usize = 8;
const NONE: Duration = Duration::from_secs(0);
const HOLDS: RangeInclusive<Duration> = NONE..=Duration::from_hours(168);
