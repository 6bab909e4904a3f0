//! Values that pass as what a field asks for, and are as odd as it allows: choices, numbers, names, paths.
//! A field is known by its type and its name; what fields ask of each other, `rules` knows.

use serde_json::{Value, json};

use super::dice::Dice;
use super::texts;

/// Fields with few values: the type, the field, the values.
const CHOICES: &[(&str, &str, &[&str])] = &[
    ("AppArmorProfile", "type", &["Localhost", "RuntimeDefault", "Unconfined"]),
    ("AzureDiskVolumeSource", "cachingMode", &["None", "ReadOnly", "ReadWrite"]),
    ("AzureDiskVolumeSource", "kind", &["Shared", "Dedicated", "Managed"]),
    ("Capabilities", "add", &["NET_ADMIN", "SYS_TIME", "CHOWN"]),
    ("Capabilities", "drop", &["ALL", "NET_RAW"]),
    ("Container", "imagePullPolicy", &["Always", "Never", "IfNotPresent"]),
    ("Container", "restartPolicy", &["Always", "Never", "OnFailure"]),
    ("Container", "terminationMessagePolicy", &["File", "FallbackToLogsOnError"]),
    ("ContainerPort", "hostIP", &["127.0.0.1", "::1", "0.0.0.0"]),
    ("ContainerPort", "protocol", &["TCP", "UDP", "SCTP"]),
    ("ContainerResizePolicy", "restartPolicy", &["NotRequired", "RestartContainer"]),
    ("ContainerRestartRule", "action", &["Restart"]),
    ("ContainerRestartRuleOnExitCodes", "operator", &["In", "NotIn"]),
    ("DeploymentStrategy", "type", &["RollingUpdate", "Recreate"]),
    ("EmptyDirVolumeSource", "medium", &["", "Memory", "HugePages", "HugePages-2Mi"]),
    ("EnvVar", "name", &["POD_NAME", "SISKIN_ROLE", "A", "_x.y-z", "PATH", "a <b> & \"c\"", "{}"]),
    ("HTTPGetAction", "scheme", &["HTTP", "HTTPS"]),
    ("HostPathVolumeSource", "type", &["", "DirectoryOrCreate", "File", "Socket", "CharDevice"]),
    ("ImageVolumeSource", "pullPolicy", &["Always", "Never", "IfNotPresent"]),
    ("LabelSelectorRequirement", "operator", &["In", "NotIn", "Exists", "DoesNotExist"]),
    ("NodeSelectorRequirement", "operator", &["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]),
    ("ObjectFieldSelector", "apiVersion", &["v1"]),
    ("PersistentVolumeClaimSpec", "accessModes", &["ReadWriteOnce", "ReadOnlyMany"]),
    ("PersistentVolumeClaimSpec", "volumeMode", &["Filesystem"]),
    ("PodOS", "name", &["linux", "linux", "windows"]),
    ("PodSecurityContext", "fsGroupChangePolicy", &["OnRootMismatch", "Always"]),
    ("PodSecurityContext", "seLinuxChangePolicy", &["Recursive"]),
    ("PodSecurityContext", "supplementalGroupsPolicy", &["Merge", "Strict"]),
    ("PodSpec", "dnsPolicy", &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]),
    // The one that the admission of pods gives to those without a class.
    ("PodSpec", "preemptionPolicy", &["PreemptLowerPriority"]),
    ("PodSpec", "priorityClassName", &["system-cluster-critical", "system-node-critical"]),
    ("PodSpec", "restartPolicy", &["Always"]),
    ("PodSpec", "serviceAccount", &["default"]),
    ("PodSpec", "serviceAccountName", &["default"]),
    ("ResourceFieldSelector", "containerName", &["c0"]),
    ("ResourceFieldSelector", "resource", &["limits.cpu", "requests.memory", "limits.memory"]),
    ("ScaleIOVolumeSource", "storageMode", &["ThickProvisioned", "ThinProvisioned"]),
    ("SeccompProfile", "type", &["Localhost", "RuntimeDefault", "Unconfined"]),
    ("Toleration", "effect", &["NoSchedule", "PreferNoSchedule", "NoExecute"]),
    ("Toleration", "operator", &["Exists", "Equal"]),
    (
        "TopologySpreadConstraint",
        "topologyKey",
        &["kubernetes.io/hostname", "topology.kubernetes.io/zone"],
    ),
    ("TopologySpreadConstraint", "nodeAffinityPolicy", &["Honor", "Ignore"]),
    ("TopologySpreadConstraint", "nodeTaintsPolicy", &["Honor", "Ignore"]),
    ("TopologySpreadConstraint", "whenUnsatisfiable", &["DoNotSchedule", "ScheduleAnyway"]),
    ("PodAffinityTerm", "topologyKey", &["kubernetes.io/hostname", "example.com/rack"]),
    ("TypedLocalObjectReference", "apiGroup", &["snapshot.storage.k8s.io"]),
    ("TypedLocalObjectReference", "kind", &["VolumeSnapshot"]),
    ("TypedObjectReference", "apiGroup", &["snapshot.storage.k8s.io"]),
    ("TypedObjectReference", "kind", &["VolumeSnapshot"]),
    ("VolumeMount", "mountPropagation", &["None", "HostToContainer", "Bidirectional"]),
    ("VolumeMount", "recursiveReadOnly", &["Disabled", "IfPossible", "Enabled"]),
    ("WindowsSecurityContextOptions", "runAsUserName", &["ContainerUser", "NT AUTHORITY\\SYSTEM"]),
];

/// Fields whose text may be anything: what the encoders make of it is their business.
const FREE: &[(&str, &str)] = &[
    ("Container", "args"),
    ("Container", "command"),
    ("Container", "terminationMessagePath"),
    ("Container", "workingDir"),
    ("EnvVar", "value"),
    ("ExecAction", "command"),
    ("GitRepoVolumeSource", "revision"),
    ("HTTPGetAction", "host"),
    ("HTTPGetAction", "path"),
    ("HTTPHeader", "value"),
    ("ImageVolumeSource", "reference"),
    ("PodDNSConfigOption", "value"),
    ("SELinuxOptions", "level"),
    ("SELinuxOptions", "role"),
    ("Sysctl", "value"),
    ("WindowsSecurityContextOptions", "gmsaCredentialSpec"),
];

/// A time as the API server writes it.
pub(super) const TIME: &str = "2026-01-01T00:00:00Z";

/// Text of a field, of the form that it asks for.
pub(super) fn of_field(owner: &str, field: &str, dice: &mut Dice) -> String {
    if let Some(choice) = CHOICES.iter().find(|it| (it.0, it.1) == (owner, field)) {
        return (*dice.pick(choice.2)).to_owned();
    }
    if FREE.contains(&(owner, field)) {
        return texts::any(dice);
    }
    let number = dice.below(1000);
    match (owner, field) {
        ("Container", "image") => format!("localhost/fake:{number}"),
        ("HTTPHeader", "name") => format!("X-Header-{number}"),
        ("VolumeMount" | "VolumeDevice", "mountPath" | "devicePath") => format!("/m{number}/<&>"),
        ("VolumeMount", "subPath" | "subPathExpr") => format!("p{number}/a&b $(POD_NAME)"),
        ("FileKeySelector", "path") => format!("p{number}/<a>&b"),
        ("KeyToPath" | "DownwardAPIVolumeFile" | "ServiceAccountTokenProjection", "path") => {
            format!("p{number}/a&b <c>")
        }
        ("KeyToPath" | "ConfigMapKeySelector" | "SecretKeySelector", "key") => {
            format!("key.{number}")
        }
        ("EnvFromSource", "prefix") => format!("<{number}>&"),
        ("PodSpec", "hostname" | "subdomain" | "hostnameOverride") => format!("h{number}"),
        ("AzureDiskVolumeSource", "diskURI") => format!("https://a.example/{number}?a=1&b=<2>"),
        ("ISCSIVolumeSource", "iqn" | "initiatorName") => {
            format!("iqn.2001-04.com.example:storage.n{number}")
        }
        ("ISCSIVolumeSource", "targetPortal" | "portals") => {
            format!("10.0.0.{}:3260", number % 250)
        }
        ("QuobyteVolumeSource", "registry") => format!("registry-{number}:7861"),
        ("HostAlias", "ip") | ("PodDNSConfig", "nameservers") => format!("10.0.0.{}", number % 250),
        ("PodReadinessGate", "conditionType") => format!("example.com/gate-{number}"),
        ("ObjectMeta", "creationTimestamp") => TIME.into(),
        ("ObjectMeta", "finalizers") => format!("example.com/f{number}"),
        ("OwnerReference", "apiVersion") => "example.com/v1".into(),
        ("SeccompProfile" | "AppArmorProfile", "localhostProfile") => format!("x{number}"),
        (_, "path" | "datasetName") => format!("/x{number}"),
        _ => format!("n{number}"),
    }
}

/// A number or a text, where both are allowed.
pub(super) fn int_or_string(field: &str, dice: &mut Dice) -> Value {
    match field {
        "maxSurge" | "maxUnavailable" => match dice.below(4) {
            0 => json!(dice.below(3)),
            1 => json!("0%"),
            2 => json!("100%"),
            _ => json!(format!("{}%", dice.below(100))),
        },
        _ if dice.percent(30) => json!("metrics"),
        _ => json!(1 + dice.below(65_535)),
    }
}

/// Number of a field.
pub(super) fn number(owner: &str, field: &str, dice: &mut Dice) -> i64 {
    let small = i64::try_from(dice.below(100)).unwrap_or(0);
    match (owner, field) {
        ("PodSpec", "terminationGracePeriodSeconds") => small % 3,
        ("DeploymentSpec", "minReadySeconds") => i64::from(small < 30),
        ("DeploymentSpec", "progressDeadlineSeconds") if small < 30 => i64::from(i32::MAX),
        ("DeploymentSpec", "revisionHistoryLimit") => small % 12,
        ("SleepAction", "seconds") => 0,
        ("ISCSIVolumeSource" | "FCVolumeSource", "lun") => small,
        (_, "tolerationSeconds") if small < 5 => i64::MAX,
        (_, "tolerationSeconds") if small < 10 => (1 << 53) + 1,
        (_, "tolerationSeconds") if small < 20 => -1,
        (_, "runAsUser" | "runAsGroup" | "fsGroup" | "supplementalGroups") => small * 10_000_000,
        (_, "successThreshold") => 1,
        (_, "defaultMode" | "mode") => small * 5,
        (_, "progressDeadlineSeconds" | "expirationSeconds") => 600 + small,
        _ => 1 + small,
    }
}

/// Value of a map from texts to texts.
pub(super) fn of_map(field: &str, dice: &mut Dice) -> String {
    match field {
        "annotations" | "volumeAttributes" | "options" => texts::any(dice),
        _ => match dice.below(4) {
            0 => String::new(),
            1 => "v".repeat(63),
            _ => format!("v.{}_X-y", dice.below(100)),
        },
    }
}

/// Key of such a map.
pub(super) fn key(field: &str, dice: &mut Dice) -> String {
    let number = dice.below(50);
    match field {
        "volumeAttributes" | "options" => {
            // Where its keys are free, their order is told by bytes or by UTF-16, as an encoder likes.
            format!("k<{number}>&{}", texts::any(dice))
        }
        "limits" | "requests" => {
            (*dice.pick(&["cpu", "memory", "ephemeral-storage", "example.com/gpu"])).to_owned()
        }
        _ if number < 5 => format!("{}/{}", ["a"; 60].join("."), "k".repeat(58 + number)),
        _ => format!("example.com/k{number}"),
    }
}
