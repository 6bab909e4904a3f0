//! Who set an annotation, and when, as far as the object says it.
//! Pure. A field manager is what a program calls itself, and proves nothing; nor does the stamp where `config/stamp` is off.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta, Time};
use siskin_api::annotations::command::COMMANDED_BY;

/// Who is known to have set an annotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Giver {
    /// The user whom the API server has stamped, whatever he set last.
    pub(super) stamped: Option<String>,
    /// What the program calls itself that set it.
    pub(super) manager: Option<String>,
    /// When that program wrote the object last.
    pub(super) at: Option<Time>,
}

impl Giver {
    /// Who set the annotation of this key.
    pub(crate) fn of(metadata: &ObjectMeta, key: &str) -> Self {
        let annotations = metadata.annotations.as_ref();
        let stamped = annotations.and_then(|it| it.get(COMMANDED_BY)).filter(|it| *it != "nobody");
        let entries = metadata.managed_fields.iter().flatten();
        // Of several owners, who wrote last.
        let entry = entries
            .filter(|it| owns(it, key))
            .max_by(|a, b| a.time.as_ref().map(|it| it.0).cmp(&b.time.as_ref().map(|it| it.0)));
        Self {
            stamped: stamped.cloned(),
            manager: entry.and_then(|it| it.manager.clone()),
            at: entry.and_then(|it| it.time.clone()),
        }
    }

    /// In words. The stamp is of whoever commanded last: where that is not `certain` to be this command, it is left out.
    pub(crate) fn words(&self, certain: bool) -> Option<String> {
        let manager = || self.manager.as_ref().map(|it| format!("field manager {it}"));
        self.stamped.clone().filter(|_| certain).or_else(manager)
    }
}

fn owns(entry: &ManagedFieldsEntry, key: &str) -> bool {
    let fields = entry.fields_v1.as_ref().map(|it| &it.0["f:metadata"]["f:annotations"]);
    fields.is_some_and(|it| it.get(format!("f:{key}")).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(stamp: Option<&str>) -> ObjectMeta {
        let entry = |manager: &str, hour: u8, key: &str| {
            json!({
                "manager": manager, "operation": "Update", "time": format!("2026-01-01T{hour:02}:00:00Z"),
                "fieldsV1": {"f:metadata": {"f:annotations": {key: {}}}},
            })
        };
        let mut metadata = json!({"name": "orders", "managedFields": [
            entry("kubectl-annotate", 2, "f:siskin.dev/abort"),
            entry("argocd-controller", 1, "f:siskin.dev/abort"),
            entry("helm", 3, "f:siskin.dev/retry"),
        ]});
        if let Some(stamp) = stamp {
            metadata["annotations"] = json!({COMMANDED_BY: stamp});
        }
        serde_json::from_value(metadata).expect("metadata")
    }

    #[test]
    fn the_stamp_is_believed_before_what_a_program_calls_itself() {
        let said = |stamp, key, certain| Giver::of(&metadata(stamp), key).words(certain);
        let manager = Some("field manager kubectl-annotate".to_owned());
        assert_eq!(said(Some("ada"), "siskin.dev/abort", true).as_deref(), Some("ada"));
        assert_eq!(said(Some("ada"), "siskin.dev/abort", false), manager, "it may be another's");
        assert_eq!(said(Some("nobody"), "siskin.dev/abort", true), manager);
        assert_eq!(said(None, "siskin.dev/abort", true), manager, "who wrote it last");
        assert_eq!(said(None, "siskin.dev/start", true), None);
        let at = Giver::of(&metadata(None), "siskin.dev/abort").at.expect("a time");
        assert_eq!(at.0.to_string(), "2026-01-01T02:00:00Z");
    }
}
