//! I4: the template of the target is the user's. One write of it starts a fight with GitOps that never ends.

use super::moment::Moment;
use crate::scenario::history::Change;
use crate::scenario::seen::{Part, Seen};

/// The target's template has no owner of Siskin's name.
pub(super) fn untouched(moment: &Moment<'_>) -> Option<String> {
    let Change::Put(name, Seen::Deployment(now)) = &moment.entry.change else { return None };
    let is_target = Part::of(name) == Some(Part::Target);
    let before = moment.before.parts.get(&Part::Target).is_some_and(|it| it.template_is_ours);
    (is_target && now.template_is_ours && !before)
        .then(|| format!("Siskin wrote the pod template of {name}"))
}
