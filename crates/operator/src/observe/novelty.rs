//! Which version a target's live template is: its own, or a known one that the cluster has changed.
//! Asks by dry runs, and only where no memory answers; what is done meanwhile, `apply` says.

use kube::core::DynamicObject;
use siskin_api::CanaryOn;
use siskin_decide::Desired;

use crate::cluster::calls::{CallFailed, Cluster};
use crate::observe::defaults::{Defaults, KnownTemplate};
use crate::observe::doubt::{Doubt, Novelty};
use crate::observe::parse::FrozenObject;
use crate::observe::world::Live;
use crate::workloads::template::PodTemplate;

/// How the live template is compared with those that are known.
#[derive(Clone, Copy)]
pub(super) struct Comparison<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) defaults: &'a Defaults,
    pub(super) target: &'a DynamicObject,
    pub(super) live: &'a Live,
    pub(super) canary_on: CanaryOn,
}

/// What a doubt may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// The pass goes on meanwhile: at rest nothing follows from a new version but its freezing.
    Meanwhile,
    /// The pass waits for the answer.
    First,
    /// It waits, and goes by what is where there is none: a deletion depends on no dry run.
    AtMost,
}

impl Comparison<'_> {
    /// The live template's keys; those of a frozen template that the API server has since added
    /// defaults to, or a policy has rewritten, if that is what it is.
    pub(super) async fn desired(
        self,
        asking: Asking,
    ) -> Result<(Desired, Option<Doubt>), CallFailed> {
        let template = PodTemplate::of(&self.target.data["spec"]["template"]);
        let revision = self.live.name_of(&template);
        let own = Desired { revision, trial: template.trial_key(self.canary_on) };
        if self.live.frozen.iter().any(|it| it.template == template) {
            return Ok((own, None));
        }
        let mut unanswered = Vec::new();
        for known in &self.live.frozen {
            match self.defaults.remembered(self.target, known_as(known)) {
                Some(true) => return Ok((desired_as(known), None)),
                Some(false) => {}
                None => unanswered.push(known),
            }
        }
        if unanswered.is_empty() {
            return Ok((own, None));
        }
        if asking == Asking::Meanwhile {
            return Ok((own, Some(self.doubt(unanswered))));
        }
        for known in unanswered {
            let asked = self.defaults.account_for(self.cluster, self.target, known_as(known));
            let accounted = match asked.await {
                Err(_) if asking == Asking::AtMost => false,
                answer => answer?,
            };
            if accounted {
                return Ok((desired_as(known), None));
            }
        }
        Ok((own, None))
    }

    fn doubt(self, unanswered: Vec<&FrozenObject>) -> Doubt {
        let (cluster, defaults) = (self.cluster.clone(), self.defaults.clone());
        let target = self.target.clone();
        let unanswered: Vec<_> = unanswered.into_iter().cloned().collect();
        Doubt::until(async move {
            for known in &unanswered {
                match defaults.account_for(&cluster, &target, known_as(known)).await {
                    Ok(true) => return Novelty::Known,
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(error = error.told(), "not known whether a template is new");
                        return Novelty::Unanswered;
                    }
                }
            }
            Novelty::New
        })
    }
}

fn known_as(known: &FrozenObject) -> KnownTemplate<'_> {
    let (key, template) = (known.frozen.revision.0, known.template.json());
    KnownTemplate { key, template, rewritten: known.frozen.promoted }
}

const fn desired_as(known: &FrozenObject) -> Desired {
    Desired { revision: known.frozen.revision, trial: known.frozen.trial }
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};
    use kube::Client;
    use kube::client::Body;
    use serde_json::json;
    use siskin_decide::testing::{PROMOTED, frozen};
    use tower_test::mock::{self, Handle};

    use super::*;

    /// A cluster that takes requests and answers none.
    fn silent() -> (Cluster, Handle<Request<Body>, Response<Body>>) {
        let (service, server) = mock::pair::<Request<Body>, Response<Body>>();
        (Cluster::new(Client::new(service, "default")), server)
    }

    fn target(image: &str) -> DynamicObject {
        let container = json!({"name": "worker", "image": image});
        serde_json::from_value(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "orders", "namespace": "shop", "uid": "1", "generation": 2},
            "spec": {"template": {"spec": {"containers": [container]}}},
        }))
        .expect("a Deployment")
    }

    #[tokio::test(start_paused = true)]
    async fn a_deletion_waits_for_no_dry_run_that_is_not_answered() {
        let (cluster, _server) = silent();
        let template = PodTemplate::of(&target("v:1").data["spec"]["template"]);
        let known = FrozenObject {
            frozen: frozen(PROMOTED, 1),
            may_take_over: false,
            template,
            name: "orders-1".into(),
            resource_version: None,
        };
        let live = Live { frozen: vec![known], ..Live::default() };
        let target = target("mirror.local/v:1");
        let comparison = Comparison {
            cluster: &cluster,
            defaults: &Defaults::default(),
            target: &target,
            live: &live,
            canary_on: CanaryOn::Template,
        };
        assert!(comparison.desired(Asking::First).await.is_err(), "the others wait for it");
        let (own, doubt) = comparison.desired(Asking::AtMost).await.expect("it goes by what is");
        assert_ne!(own.revision, PROMOTED);
        assert!(doubt.is_none());
    }
}
