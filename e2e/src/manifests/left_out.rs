//! Fields of a Deployment that no generated manifest has, each with its reason. Whatever else the API server publishes is
//! generated.

/// Why a field is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// The API server refuses it in a Deployment's template.
    RefusedInTemplates,
    /// A pod that has it never runs where pods are put on nodes directly.
    NeverRuns,
    /// The API server writes it, or what it does not know takes its place.
    WrittenByTheServer,
    /// The API server drops or refuses it unless a feature gate is on that is off by default.
    BehindAGate,
    /// It names an object of the cluster that the test bed does not have.
    NeedsAnObject,
}

/// The type, the field, and why.
pub(super) const FIELDS: [(&str, &str, LeftOut); 18] = [
    ("Deployment", "apiVersion", LeftOut::WrittenByTheServer),
    ("Deployment", "kind", LeftOut::WrittenByTheServer),
    ("Deployment", "status", LeftOut::WrittenByTheServer),
    ("PodSpec", "activeDeadlineSeconds", LeftOut::RefusedInTemplates),
    ("PodSpec", "ephemeralContainers", LeftOut::RefusedInTemplates),
    ("PodSpec", "schedulingGates", LeftOut::NeverRuns),
    ("PodSpec", "schedulingGroup", LeftOut::BehindAGate),
    ("PodSpec", "runtimeClassName", LeftOut::NeedsAnObject),
    ("PodSpec", "overhead", LeftOut::NeedsAnObject),
    ("VolumeProjection", "clusterTrustBundle", LeftOut::BehindAGate),
    ("VolumeProjection", "podCertificate", LeftOut::BehindAGate),
    ("TypedObjectReference", "namespace", LeftOut::BehindAGate),
    ("Lifecycle", "stopSignal", LeftOut::BehindAGate),
    ("SecurityContext", "procMount", LeftOut::BehindAGate),
    ("ObjectMeta", "deletionTimestamp", LeftOut::WrittenByTheServer),
    ("ObjectMeta", "deletionGracePeriodSeconds", LeftOut::WrittenByTheServer),
    ("ObjectMeta", "managedFields", LeftOut::WrittenByTheServer),
    ("ObjectMeta", "selfLink", LeftOut::WrittenByTheServer),
];

/// Why this field of this type is left out; `None` for one that is generated.
#[must_use]
pub fn left_out(owner: &str, field: &str) -> Option<LeftOut> {
    FIELDS.iter().find(|it| it.0 == owner && it.1 == field).map(|it| it.2)
}
