//! Guard and policies: which are installed, whole and bound, and for this operator.
//! Pure; what is missing is told with what that means, as their pages have it.

use kube::ResourceExt as _;
use kube::api::DynamicObject;

use crate::cluster::look::Look;
use crate::live::doctor::diagnosis::Diagnosis;

/// Kind of an admission policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PolicyKind {
    Mutating,
    Validating,
}

impl PolicyKind {
    pub(crate) const ALL: [Self; 2] = [Self::Mutating, Self::Validating];

    /// Name of the kind; that of its bindings has `Binding` behind it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mutating => "MutatingAdmissionPolicy",
            Self::Validating => "ValidatingAdmissionPolicy",
        }
    }

    /// First Kubernetes that serves it as `v1`.
    const fn since(self) -> &'static str {
        match self {
            Self::Mutating => "1.36",
            Self::Validating => "1.30",
        }
    }
}

/// A folder of `config/` with policies.
pub(crate) struct PolicySet {
    pub(crate) folder: &'static str,
    pub(crate) kind: PolicyKind,
    pub(crate) names: &'static [&'static str],
    /// What holds in a cluster without it.
    pub(crate) without: &'static str,
}

/// Every set, those that one should have first.
pub(crate) const SETS: [PolicySet; 5] = [
    PolicySet {
        folder: "config/guard",
        kind: PolicyKind::Mutating,
        names: &["siskin-drain", "siskin-scale-target"],
        without: "a Deployment that is applied with a count starts pods of a version that nobody has judged, until they are \
                  drained (docs/guard.md)",
    },
    PolicySet {
        folder: "config/policies",
        kind: PolicyKind::Validating,
        names: &[
            "siskin-deputy",
            "siskin-commands",
            "siskin-bypass",
            "siskin-children",
            "siskin-leash",
            "siskin-leash-revisions",
            "siskin-leash-autoscalers",
            "siskin-leash-ranges",
            "siskin-images",
        ],
        without: "whoever may write a CanaryRollout lets Siskin scale any Deployment of that namespace and send any Secret there \
                  to an address of his choice; whoever may annotate approves, promotes and bypasses (docs/policies.md)",
    },
    PolicySet {
        folder: "config/stamp",
        kind: PolicyKind::Mutating,
        names: &["siskin-stamp"],
        without: "nobody can tell for sure who gave a command (docs/policies.md)",
    },
    PolicySet {
        folder: "config/guard-scale",
        kind: PolicyKind::Validating,
        names: &["siskin-scale"],
        without: "kubectl scale of an adopted Deployment is drained, not refused (optional, docs/guard.md)",
    },
    PolicySet {
        folder: "config/opt-in",
        kind: PolicyKind::Validating,
        names: &["siskin-opt-in"],
        without: "the operator writes wherever its role is bound, with no label on the namespace (optional, docs/policies.md)",
    },
];

/// Objects of a kind and of its bindings; no list where the cluster does not know the kind.
#[derive(Clone, Debug)]
pub(crate) struct PolicyLook {
    pub(crate) kind: PolicyKind,
    pub(crate) policies: Look<Option<Vec<DynamicObject>>>,
    pub(crate) bindings: Look<Option<Vec<DynamicObject>>>,
}

/// Diagnoses of every set. `user` is the one as whom the operator writes, if that is known.
pub(crate) fn of(looks: &[PolicyLook], user: Option<&str>) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    for set in &SETS {
        for look in looks.iter().filter(|it| it.kind == set.kind) {
            found.extend(of_set(set, look, user));
        }
    }
    if user.is_none() {
        let what = "whether guard and policies name the operator's user";
        found.push(Diagnosis::unchecked(what, "its pods were not seen, or differ in it"));
    }
    found
}

fn of_set(set: &PolicySet, look: &PolicyLook, user: Option<&str>) -> Vec<Diagnosis> {
    let PolicySet { folder, kind, names, without } = set;
    let (policies, bindings) = match (&look.policies, &look.bindings) {
        (Look::Refused(why), Look::Read(_) | Look::Refused(_))
        | (Look::Read(_), Look::Refused(why)) => {
            return vec![Diagnosis::unchecked(folder, why)];
        }
        (Look::Read(policies), Look::Read(bindings)) => (policies, bindings),
    };
    let (Some(policies), Some(bindings)) = (policies, bindings) else {
        let text = format!("{folder} is not installed: {without}");
        let remedy =
            format!("this cluster has no {} v1: it takes Kubernetes {}", kind.name(), kind.since());
        return vec![Diagnosis::note(text, remedy)];
    };
    let apply = format!("kubectl apply -k {folder}, of the operator's version, or the chart");
    let there: Vec<&DynamicObject> =
        policies.iter().filter(|it| names.contains(&it.name_any().as_str())).collect();
    if there.is_empty() {
        return vec![Diagnosis::note(format!("{folder} is not installed: {without}"), apply)];
    }
    let mut found = Vec::new();
    let has = |all: &[&DynamicObject], name: &str| all.iter().any(|it| it.name_any() == name);
    let missing: Vec<&str> = names.iter().copied().filter(|it| !has(&there, it)).collect();
    if !missing.is_empty() {
        let text = format!("{folder} is there in part, without {}", missing.join(", "));
        found.push(Diagnosis::wrong(text, apply.as_str()));
    }
    for policy in &there {
        let name = policy.name_any();
        if !bindings.iter().any(|it| it.data["spec"]["policyName"] == name.as_str()) {
            let text = format!("policy {name} has no binding, so it does nothing");
            found.push(Diagnosis::wrong(text, apply.as_str()));
        }
        let other = user.and_then(|user| other_user(policy, user));
        found.extend(other.map(|other| {
            let ours = user.unwrap_or_default();
            let text =
                format!("policy {name} takes {other} for the operator, which writes as {ours}");
            Diagnosis::wrong(
                text,
                format!("change the user in {folder}/parameters.yaml, and apply it"),
            )
        }));
    }
    if found.is_empty() {
        found.push(Diagnosis::fine(format!("{folder} is installed: {}", names.join(", "))));
    }
    found
}

/// A service account that the expressions of a policy name, and that is not the operator's.
fn other_user(policy: &DynamicObject, user: &str) -> Option<String> {
    let text = policy.data.to_string();
    let accounts = text.split("'system:serviceaccount:").skip(1);
    let mut accounts = accounts.filter_map(|it| it.split_once('\'').map(|it| it.0));
    let other = accounts.find(|it| user.strip_prefix("system:serviceaccount:") != Some(*it))?;
    Some(format!("system:serviceaccount:{other}"))
}
