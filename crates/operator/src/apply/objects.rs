//! The objects of a rollout while a plan is applied: as read, then as each write left them.
//! Each kind of effect is a method of it, in the file of what that effect writes.

use kube::core::{DynamicObject, ObjectMeta};
use siskin_analysis::observation::Role;
use siskin_decide::Revision;

use crate::apply::writer::Writer;
use crate::observe::world::{Live, World};

/// What the next write is conditional on, and the writer that makes it.
pub(super) struct Objects<'a> {
    pub(super) writer: &'a Writer,
    /// The look that the plan follows from.
    pub(super) world: &'a World,
    /// Deployments and frozen templates.
    pub(super) live: Live,
    /// Metadata of the rollout.
    pub(super) rollout: ObjectMeta,
    /// What was frozen as a new version.
    pub(super) frozen: Option<Revision>,
}

impl<'a> Objects<'a> {
    /// The objects as read.
    pub(super) fn of(writer: &'a Writer, world: &'a World) -> Self {
        let (live, rollout) = (world.live.clone(), world.rollout.metadata.clone());
        Self { writer, world, live, rollout, frozen: None }
    }

    /// Takes over a child as the API server answered it.
    pub(super) fn written(&mut self, role: Role, object: DynamicObject) {
        match role {
            Role::Primary => self.live.primary = Some(object),
            Role::Canary => self.live.canary = Some(object),
        }
    }

    /// Where a frozen template stands.
    pub(super) fn position(&self, revision: Revision) -> Option<usize> {
        self.live.frozen.iter().position(|it| it.frozen.revision == revision)
    }
}
