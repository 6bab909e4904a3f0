//! Every label, annotation, finalizer and field manager of Siskin, by the object that carries it.
//! Names only: what a value means to a rollout is decided elsewhere.

/// Field manager of every write.
pub const FIELD_MANAGER: &str = "siskin";
/// Finalizer of a `CanaryRollout`: it is released once the pods are handed back or left in good
/// order.
pub const FINALIZER: &str = "siskin.dev/release";

/// Label of pods and child objects: `primary` or `canary`.
pub const ROLE: &str = "siskin.dev/role";
/// Value of [`ROLE`] for the promoted version.
pub const ROLE_PRIMARY: &str = "primary";
/// Value of [`ROLE`] for the version on trial.
pub const ROLE_CANARY: &str = "canary";
/// Label of all child objects, and of nothing else: the name of the target Deployment.
pub const TARGET: &str = "siskin.dev/target";
/// Annotation of the two child Deployments: the revision that the template holds.
pub const REVISION: &str = "siskin.dev/revision";
/// Annotation of the two child Deployments: keys of the labels that they have taken from the target,
/// separated by commas. One that is taken off the target is taken off the children.
pub const TAKEN_LABELS: &str = "siskin.dev/taken-labels";
/// Annotation of the two child Deployments: what was added to the environment of each container, as
/// one octal digit per container, `<initContainers>/<containers>`: 1 for [`ENV_POD_NAME`], 2 for
/// [`ENV_ROLE`], 4 where the container had no environment of its own. Then, where there are any, the
/// names of `spec.podNameEnv`, and which of them each container got, as two hexadecimal digits.
pub const INJECTED: &str = "siskin.dev/injected";

/// Annotation of a target, its children and its `CanaryRollout`: the tenure of the leader that last took the object over
/// mid-rollout, so that a write of the leader before is refused.
pub const EPOCH: &str = "siskin.dev/epoch";
/// Label of a namespace, read by the policy of `config/opt-in` alone: with `true` the operator may write there.
pub const ENABLED: &str = "siskin.dev/enabled";

/// Annotations of a namespace, read by the policy of `config/policies/images.yaml` alone.
pub mod images {
    /// Where images of its Deployments may come from: prefixes, with blanks, commas or lines between them.
    pub const PREFIXES: &str = "siskin.dev/image-prefixes";
    /// `required`: they are named by digest.
    pub const DIGESTS: &str = "siskin.dev/image-digests";
    /// `everybody`: the operator is asked, too.
    pub const CHECK: &str = "siskin.dev/image-check";
}

/// Replay ranges: the `ConfigMap` that lists what a canary consumed.
pub mod replay {
    /// Ends the name of the `ConfigMap`; the name of the `CanaryRollout` begins it.
    pub const SUFFIX: &str = "-replay-ranges";
    /// Begins the key of a topic: its ranges, a line each, `partition from to kind`.
    pub const TOPIC_KEY: &str = "t.";
    /// Key of what is told beside the ranges, in JSON: `status.replaySummary` and the `rolloutId`.
    pub const SUMMARY_KEY: &str = "summary";
    /// Key of what another operator needs to go on, while the attempt is under way.
    pub const RECORD_KEY: &str = "record";
    /// Annotation: the attempt whose canary consumed them.
    pub const ROLLOUT_ID: &str = "siskin.dev/rollout-id";
}

/// Environment variable of pods: the pod's own name.
pub const ENV_POD_NAME: &str = "POD_NAME";
/// Environment variable of pods: [`ROLE_PRIMARY`] or [`ROLE_CANARY`].
pub const ENV_ROLE: &str = "SISKIN_ROLE";

/// Annotations of the target Deployment.
pub mod target {
    /// The desired count, noted when the Deployment was drained to 0. A whole number.
    pub const REPLICAS: &str = "siskin.dev/replicas";
    /// The count that Siskin itself wrote last, during adoption and hand-back. A whole number.
    pub const WRITTEN: &str = "siskin.dev/written";
    /// Set by a person: promote the next revision without a trial. Any text, the reason.
    pub const BYPASS: &str = "siskin.dev/bypass";
    /// Set by a pipeline: any text that identifies the change, echoed in `status.changeId`.
    pub const CHANGE_ID: &str = "siskin.dev/change-id";
}

/// Annotation of an autoscaler: what it scaled before Siskin pointed it at a `CanaryRollout`,
/// `Deployment/<name>`; or [`SCALE_TARGET_KEEP`], set by a person.
pub const SCALE_TARGET: &str = "siskin.dev/scale-target";
/// Value of [`SCALE_TARGET`]: the autoscaler is never pointed elsewhere.
pub const SCALE_TARGET_KEEP: &str = "keep";

/// Annotations of a `CanaryRollout`: commands. A value is `<rolloutId>`, with more where noted.
pub mod command {
    /// Roll back now.
    pub const ABORT: &str = "siskin.dev/abort";
    /// Let a step end that requires approval: `<rolloutId>/<step>`.
    pub const APPROVE: &str = "siskin.dev/approve";
    /// Skip the current hold, `<rolloutId>/<step>`, or all of them, `<rolloutId>/full`.
    pub const PROMOTE: &str = "siskin.dev/promote";
    /// Lift the rejection made by this rollout.
    pub const RETRY: &str = "siskin.dev/retry";
    /// Begin without the conditions of a fair trial.
    pub const START: &str = "siskin.dev/start";
    /// No command: who gave the last one. Written by the API server where the policy of `config/stamp` is on; elsewhere by
    /// whoever likes.
    pub const COMMANDED_BY: &str = "siskin.dev/commanded-by";
}

/// Annotations of the primary Deployment, and one label: the facts that must outlive the status.
pub mod primary {
    /// UID of the `CanaryRollout` that owns it.
    pub const OWNER_UID: &str = "siskin.dev/owner-uid";
    /// `true` once the adoption is over, until a hand-back begins.
    pub const ADOPTED: &str = "siskin.dev/adopted";
    /// Revision that the primary runs and that was promoted.
    pub const PROMOTED: &str = "siskin.dev/promoted";
    /// Revision that the primary is taking over.
    pub const PROMOTING: &str = "siskin.dev/promoting";
    /// Why the primary takes [`PROMOTING`] over: a value of `promotedBy` in the status.
    pub const PROMOTING_REASON: &str = "siskin.dev/promoting-reason";
    /// The desired count. A whole number.
    pub const REPLICAS: &str = "siskin.dev/replicas";
    /// The target's [`REPLICAS`](super::target::REPLICAS) when it was last read.
    pub const TARGET_REPLICAS: &str = "siskin.dev/target-replicas";
    /// Label: attempts so far, over the life of the target. A whole number. An annotation would make
    /// a new generation of the Deployment, and a canary wait until its controller has seen that.
    pub const ATTEMPTS: &str = "siskin.dev/attempts";
    /// The target's [`BYPASS`](super::target::BYPASS) that was followed last.
    pub const BYPASS_CONSUMED: &str = "siskin.dev/bypass-consumed";
    /// How the deletion of the `CanaryRollout` is to end: `HandBack`, `Leave` or `Remove`.
    pub const ENDING: &str = "siskin.dev/ending";
    /// The autoscaler that was taken over from the target, `<kind>/<name>`; ` asked` after it until
    /// it has worked.
    pub const SCALED_BY: &str = "siskin.dev/scaled-by";
    /// `true` where `spec.replicas` is set only because an autoscaler needs it.
    pub const SEEDED: &str = "siskin.dev/seeded";
    /// An autoscaler that did not work on the `CanaryRollout`: sixteen hexadecimal digits of what it
    /// was asked to do, a space, and its own words.
    pub const SCALER_DECLINED: &str = "siskin.dev/scaler-declined";
}

/// Labels and annotations of the `ControllerRevision`s that freeze pod templates, beside
/// [`TARGET`].
pub mod revision {
    /// Label: `true` on the promoted revision.
    pub const PROMOTED: &str = "siskin.dev/promoted";
    /// Annotation: why the revision was rejected. Present only on a rejected one.
    pub const REJECTED_CAUSE: &str = "siskin.dev/rejected-cause";
    /// Annotation: the rollout that rejected it.
    pub const REJECTED_ROLLOUT: &str = "siskin.dev/rejected-rollout";
    /// Annotation: the rollout that was rejected for what its data does, and excused: that is done
    /// once.
    pub const EXCUSED_ROLLOUT: &str = "siskin.dev/excused-rollout";
    /// Annotation: number of the attempt that froze it.
    pub const ATTEMPT: &str = "siskin.dev/attempt";
    /// Annotation: number of the attempt by which the primary takes it over. Written before
    /// [`PROMOTING`](super::primary::PROMOTING), which is not believed without it.
    pub const TAKEN_OVER: &str = "siskin.dev/taken-over";
}
