//! The CEL rules of the schema, each with the message that the API server answers with.
//! One rule per relation that bounds can't say; `validate` says the same in Rust.

type Rule = (&'static str, &'static str);

pub(crate) const TARGET_IMMUTABLE: Rule = (
    "self == oldSelf",
    "targetRef cannot be changed: delete this CanaryRollout and create another one",
);
pub(crate) const OWN_VARIABLES: Rule = (
    "self.all(n, n != 'POD_NAME' && n != 'SISKIN_ROLE')",
    "POD_NAME and SISKIN_ROLE are set by podIdentity: leave them out of podNameEnv",
);
pub(crate) const VARIABLES_ONCE: Rule =
    ("self.all(n, self.exists_one(m, m == n))", "podNameEnv names each variable once");
pub(crate) const VARIABLES_NEED_INJECT: Rule = (
    "!has(self.podNameEnv) || size(self.podNameEnv) == 0 || !has(self.podIdentity) \
     || self.podIdentity == 'Inject'",
    "podNameEnv needs podIdentity Inject: None leaves the environment alone",
);
pub(crate) const STEPS_OR_SHORTHAND: Rule = (
    "has(self.steps) != (has(self.stepWeight) || has(self.maxWeight))",
    "set either steps, or stepWeight together with maxWeight",
);
pub(crate) const SHORTHAND_WHOLE: Rule = (
    "has(self.stepWeight) == has(self.maxWeight)",
    "stepWeight and maxWeight belong together: set both or none",
);
pub(crate) const SHORTHAND_ORDER: Rule = (
    "!has(self.stepWeight) || !has(self.maxWeight) || self.stepWeight <= self.maxWeight",
    "stepWeight must not be greater than maxWeight",
);
pub(crate) const MAX_HOLD_COVERS_HOLDS: Rule = (
    "!has(self.maxHold) || (has(self.steps) \
     ? self.steps.all(s, duration(has(s.hold) ? s.hold : self.hold) <= duration(self.maxHold)) \
     : duration(self.hold) <= duration(self.maxHold))",
    "maxHold must not be shorter than the hold of any step",
);

pub(crate) const STEP_HAS_ONE_SIZE: Rule =
    ("has(self.weight) != has(self.replicas)", "a step has either weight or replicas");
pub(crate) const STEPS_OF_ONE_KIND: Rule = (
    "self.all(s, has(s.weight)) || self.all(s, has(s.replicas))",
    "all steps must be of one kind: all weight, or all replicas",
);
// Rising is sorted without a duplicate: CEL has no index in API servers before 1.33.
pub(crate) const WEIGHTS_RISE: Rule = (
    "!self.all(s, has(s.weight)) || (self.map(s, s.weight).isSorted() \
     && self.all(a, self.exists_one(b, a.weight == b.weight)))",
    "each step must be larger than the one before it",
);
pub(crate) const REPLICAS_RISE: Rule = (
    "!self.all(s, has(s.replicas)) || (self.map(s, s.replicas).isSorted() \
     && self.all(a, self.exists_one(b, a.replicas == b.replicas)))",
    "each step must be larger than the one before it",
);

// No duration is negative: the pattern has no sign.
pub(crate) const HOLD: Rule = ("duration(self) <= duration('168h')", "hold must be at most 168h");
pub(crate) const MAX_HOLD: Rule =
    ("duration(self) <= duration('504h')", "maxHold must be at most 504h");
pub(crate) const WARM_UP: Rule =
    ("duration(self) <= duration('24h')", "warmUp must be at most 24h");
pub(crate) const PROGRESS_DEADLINE: Rule = (
    "duration(self) >= duration('10s') && duration(self) <= duration('24h')",
    "progressDeadline must be from 10s to 24h",
);
pub(crate) const INTERVAL: Rule = (
    "duration(self) >= duration('1s') && duration(self) <= duration('1m')",
    "interval must be from 1s to 1m",
);
pub(crate) const FALSE_ROLLBACK_PROBABILITY: Rule = (
    "double(self) > 0.0 && double(self) <= 0.2",
    "falseRollbackProbability must be greater than 0 and at most 0.2",
);

pub(crate) const ONE_METRICS_SOURCE: Rule =
    ("!(has(self.prometheus) && has(self.scrape))", "set prometheus or scrape, not both");
pub(crate) const SERIES_NEED_A_SOURCE: Rule = (
    "!has(self.series) || has(self.prometheus) || has(self.scrape)",
    "series needs prometheus or scrape: where the series are read",
);
pub(crate) const METRICS_NEED_PROMETHEUS: Rule = (
    "!has(self.metrics) || size(self.metrics) == 0 || has(self.prometheus)",
    "metrics needs prometheus: where the queries are asked",
);
pub(crate) const METRIC_HAS_ONE_KIND: Rule =
    ("has(self.ratio) != has(self.threshold)", "a metric has either ratio or threshold");
pub(crate) const THRESHOLD_HAS_A_BOUND: Rule =
    ("has(self.min) || has(self.max)", "a threshold needs min, max, or both");
pub(crate) const THRESHOLD_BOUNDS_ORDER: Rule = (
    "!has(self.min) || !has(self.max) || double(self.min) <= double(self.max)",
    "min must not be greater than max",
);

pub(crate) const GLOBAL_HAS_NO_PRIMARY: Rule = (
    "!has(self.scope) || self.scope != 'Global' || !has(self.against) || self.against != 'Primary'",
    "a value with scope Global is the primary's as well: against is Absolute or Before",
);

pub(crate) const CHECKS_NEED_A_SOURCE: Rule = (
    "!has(self.checks) || size(self.checks) == 0 || has(self.prometheus) || has(self.scrape)",
    "checks needs prometheus or scrape: where the pods' metrics are read",
);
// Every preset names consumed; SpringKafka names all that a check needs.
pub(crate) const ERROR_RATE_NEEDS_SERIES: Rule = (
    "!has(self.checks) || !self.checks.exists(c, c.name == 'error_rate') || (has(self.series) \
     && (has(self.series.consumed) || has(self.series.preset)) && (has(self.series.errors) \
     || (has(self.series.preset) && self.series.preset == 'SpringKafka')))",
    "the check error_rate needs series.consumed and series.errors, or a preset that has them",
);
pub(crate) const SUCCESS_RATE_NEEDS_SERIES: Rule = (
    "!has(self.checks) || !self.checks.exists(c, c.name == 'success_rate') || (has(self.series) \
     && ((has(self.series.preset) && self.series.preset == 'SpringKafka') \
     || (has(self.series.processed) && has(self.series.errors))))",
    "the check success_rate needs series.processed and series.errors, or a preset that has them",
);
pub(crate) const LATENCY_NEEDS_SERIES: Rule = (
    "!has(self.checks) || !self.checks.exists(c, c.name == 'latency_p99') || (has(self.series) \
     && (has(self.series.latency) \
     || (has(self.series.preset) && self.series.preset == 'SpringKafka')))",
    "the check latency_p99 needs series.latency, or a preset that has it",
);
pub(crate) const CHECK_NAMES_ARE_TAKEN: Rule = (
    "!has(self.checks) || !has(self.metrics) \
     || self.metrics.all(m, self.checks.all(c, c.name != m.name))",
    "a metric must not have the name of a check that is there too",
);
pub(crate) const CHECK_HAS_A_BOUND: Rule =
    ("has(self.lessThan) || has(self.greaterThan)", "a check needs lessThan, greaterThan, or both");
pub(crate) const CHECK_BOUNDS_ORDER: Rule = (
    "!has(self.lessThan) || !has(self.greaterThan) \
     || double(self.greaterThan) < double(self.lessThan)",
    "greaterThan must be less than lessThan",
);
pub(crate) const CHECK_BOUNDS_POSSIBLE: Rule = (
    "(!has(self.lessThan) || double(self.lessThan) > 0.0) \
     && (!has(self.greaterThan) || double(self.greaterThan) >= 0.0)",
    "lessThan must be greater than 0, and greaterThan at least 0: no value is negative",
);
pub(crate) const CHECK_SHARE_BOUNDS: Rule = (
    "self.name == 'latency_p99' || ((!has(self.lessThan) || double(self.lessThan) <= 1.0) \
     && (!has(self.greaterThan) || double(self.greaterThan) < 1.0))",
    "error_rate, success_rate and memory_usage are shares: lessThan at most 1, greaterThan less \
     than 1, so 5 % is 0.05",
);
