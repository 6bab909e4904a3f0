//! Tests of hypotheses that may be looked at any time: numbers in, evidence out.
//! They know no pod, no Kafka and no time of day.

pub(crate) mod drift_test;
pub(crate) mod e_process;
pub(crate) mod interval;
pub(crate) mod non_inferiority;
pub(crate) mod onset;
pub(crate) mod poisson;
pub(crate) mod rate_test;
pub(crate) mod ratio_test;
