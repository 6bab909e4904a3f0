//! Texts that one encoder or another writes in its own way, and names that pass as what a field asks for.
//! A field is known by its type and its name.

use serde_json::{Value, json};

use super::dice::Dice;

/// What JSON, Go's encoder, YAML or a shell escapes, ends or counts differently.
const AWKWARD: [&str; 24] = [
    "set -e && if [ $# -lt 1 ]; then exec 2>&1 >/dev/null; fi; cat <<EOT | sed 's/&/\\&/'",
    "a < b && b > c & wait",
    "\"quoted\" and 'quoted' and `quoted`",
    "back\\slash \\n \\u003c \\\\u003e",
    "line\nline\r\n\ttab",
    "\u{8}\u{c}\u{b}\u{1}\u{1f}",
    "\u{2028}and\u{2029}",
    "\u{7f}\u{80}\u{9f}",
    "é ü ß 語 \u{202e}right to left\u{202c}",
    "😀👩‍👩‍👧‍👦 \u{10ffff}",
    "\u{feff}byte order mark, \u{fffd}, \u{fffe}",
    "e\u{301} is not é",
    "{{ .Values.x | quote }} $(POD_NAME) $$(ESCAPED) ${HOME}",
    "{\"json\": [1, 2.0, 1e3, null], \"<\": \"&\"}",
    "- yaml: &anchor\n  other: *anchor\n  null: ~\n",
    "</script><!-- &amp; -->",
    "1e3",
    "0x1F",
    "9007199254740993",
    "true",
    "null",
    "~",
    " ",
    "%20%3C+&a=b",
];

/// Quantities, most of which the API server writes in another way.
const QUANTITIES: [&str; 12] = [
    "1", "1000m", "0.5", "500m", "128Mi", "131072Ki", "1e3", "1500M", "1.5G", "2048", "0.25Gi",
    "12E",
];

/// Bytes of a text that is large.
const LARGE: usize = 600_000;

/// Some text, whatever the encoders make of it.
pub(super) fn any(dice: &mut Dice) -> String {
    let first = (*dice.pick(&AWKWARD)).to_owned();
    if dice.percent(20) { first + dice.pick::<&str>(&AWKWARD) } else { first }
}

/// A text of hundreds of kilobytes, with everything in it.
pub(super) fn large(dice: &mut Dice) -> String {
    let mut text = String::with_capacity(LARGE);
    while text.len() < LARGE {
        text.push_str("plain words that nobody escapes, as most of a large script is; ");
        text.push_str(dice.pick::<&str>(&AWKWARD));
    }
    text
}

/// A quantity.
pub(super) fn quantity(dice: &mut Dice) -> Value {
    json!(dice.pick(&QUANTITIES))
}

/// A number or a text, where both are allowed.
pub(super) fn int_or_string(field: &str, dice: &mut Dice) -> Value {
    match field {
        "maxSurge" | "maxUnavailable" => json!("25%"),
        _ if dice.percent(30) => json!("metrics"),
        _ => json!(1 + dice.below(65_535)),
    }
}

/// Text of a field: of the form that it asks for, where that is known; else free.
pub(super) fn of_field(owner: &str, field: &str, dice: &mut Dice) -> String {
    let number = dice.below(1000);
    let one = |dice: &mut Dice, of: &[&str]| (*dice.pick(of)).to_owned();
    match (owner, field) {
        ("EnvVar", "name") => {
            let names = ["POD_NAME", "SISKIN_ROLE", "A", "B", "_x.y-z", "PATH"];
            one(dice, &names)
        }
        ("EnvVar" | "HTTPHeader" | "Sysctl", "value") | (_, "command" | "args") => any(dice),
        ("Container", "image") => format!("localhost/fake:{number}"),
        ("Container", "workingDir" | "terminationMessagePath") => {
            format!("/{}", any(dice).replace(':', ""))
        }
        ("HTTPGetAction", "path") => format!("/{}", any(dice)),
        ("HTTPHeader", "name") => format!("X-Header-{number}"),
        ("ObjectFieldSelector", "fieldPath") => {
            let paths =
                ["metadata.name", "metadata.namespace", "metadata.labels['app']", "spec.nodeName"];
            one(dice, &paths)
        }
        ("ObjectFieldSelector", "apiVersion") => "v1".into(),
        ("ResourceFieldSelector", "resource") => {
            one(dice, &["limits.cpu", "limits.memory", "requests.cpu", "requests.memory"])
        }
        ("ResourceFieldSelector", "containerName") => "c0".into(),
        ("VolumeMount" | "VolumeDevice", "mountPath" | "devicePath") => format!("/m{number}/<&>"),
        ("VolumeMount", "subPath")
        | ("KeyToPath" | "DownwardAPIVolumeFile" | "ServiceAccountTokenProjection", "path") => {
            format!("p{number}/a&b")
        }
        ("KeyToPath" | "ConfigMapKeySelector" | "SecretKeySelector", "key") => {
            format!("key.{number}")
        }
        ("PodSpec", "hostname" | "subdomain") => format!("h{number}"),
        ("Toleration", "effect") => one(dice, &["NoSchedule", "PreferNoSchedule", "NoExecute"]),
        ("Toleration", "operator") => one(dice, &["Exists", "Equal"]),
        ("NodeSelectorRequirement" | "LabelSelectorRequirement", "operator") => {
            one(dice, &["In", "NotIn"])
        }
        ("TopologySpreadConstraint" | "PodAffinityTerm", "topologyKey") => {
            one(dice, &["kubernetes.io/hostname", "topology.kubernetes.io/zone"])
        }
        ("TypedLocalObjectReference" | "TypedObjectReference", "kind") => {
            "PersistentVolumeClaim".into()
        }
        ("TypedLocalObjectReference" | "TypedObjectReference", "apiGroup") => String::new(),
        ("PersistentVolumeClaimSpec", "volumeMode") => "Filesystem".into(),
        ("ISCSIVolumeSource", "iqn") => "iqn.2001-04.com.example:storage.kube.sys1.xyz".into(),
        ("HostAlias" | "HostIP" | "PodIP", "ip") => format!("10.0.0.{}", number % 250),
        ("PodDNSConfig", "nameservers") => format!("10.1.0.{}", number % 250),
        ("ContainerPort", "hostIP") => "127.0.0.1".into(),
        ("Capabilities", _) => one(dice, &["NET_ADMIN", "SYS_TIME", "ALL"]),
        (_, "path" | "datasetName" | "localhostProfile") if owner != "SeccompProfile" => {
            format!("/x{number}")
        }
        _ => format!("n{number}"),
    }
}

/// Value of a map from texts to texts.
pub(super) fn of_map(field: &str, dice: &mut Dice) -> String {
    match field {
        "annotations" | "volumeAttributes" | "options" => any(dice),
        _ => format!("v{}", dice.below(100)),
    }
}

/// Key of such a map.
pub(super) fn key(field: &str, dice: &mut Dice) -> String {
    let number = dice.below(50);
    match field {
        "volumeAttributes" | "options" => format!("k<{number}>&"),
        "limits" | "requests" => {
            (*dice.pick(&["cpu", "memory", "ephemeral-storage", "example.com/gpu"])).to_owned()
        }
        _ => format!("example.com/k{number}"),
    }
}
