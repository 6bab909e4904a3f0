//! Objects of an installation: definitions, the operator's pods and Lease, admission policies, rights.
//! Reads each as it is; a right that is missing is the error of that read alone.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams};

use crate::cluster::Cluster;
use crate::cluster::ask_error::AskError;

/// Lease by which one operator acts, where `--lease-name` does not name another one.
pub(crate) const LEASE: &str = "siskin-operator";

/// Label of the operator's pods, in the overlays and the chart.
pub(crate) const OPERATOR_PODS: &str = "app.kubernetes.io/name=siskin";

/// Group of the admission policies.
const ADMISSION: &str = "admissionregistration.k8s.io";

/// Pod of the leader: what stands before the last underscore of its identity in the Lease.
pub(crate) fn leader(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    let pod = holder.rsplit_once('_').map_or(holder, |it| it.0);
    Some(pod).filter(|it| !it.is_empty())
}

/// A right on a resource of a namespace, as a rule of a role has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NamespacedRight {
    pub(crate) verb: &'static str,
    pub(crate) group: &'static str,
    pub(crate) resource: &'static str,
    pub(crate) subresource: &'static str,
}

impl Cluster {
    /// A `CustomResourceDefinition`, if it exists.
    pub(crate) async fn definition(
        &self,
        name: &str,
    ) -> Result<Option<CustomResourceDefinition>, AskError> {
        let api: Api<CustomResourceDefinition> = Api::all(self.client());
        let read = api.get_opt(name).await;
        read.map_err(|it| self.error(&it, &format!("CustomResourceDefinition {name}")))
    }

    /// The operator's pods, by their label.
    pub(crate) async fn operator_pods(&self, namespace: &str) -> Result<Vec<Pod>, AskError> {
        let api: Api<Pod> = Api::namespaced(self.client(), namespace);
        let list = api.list(&ListParams::default().labels(OPERATOR_PODS)).await;
        Ok(list.map_err(|it| self.error(&it, &format!("pods of namespace {namespace}")))?.items)
    }

    /// The Lease of the operators of a namespace, if it exists.
    pub(crate) async fn lease(&self, namespace: &str) -> Result<Option<Lease>, AskError> {
        let api: Api<Lease> = Api::namespaced(self.client(), namespace);
        let read = api.get_opt(LEASE).await;
        read.map_err(|it| self.error(&it, &format!("Lease {namespace}/{LEASE}")))
    }

    /// The admission objects of a kind; `None` where the cluster does not know the kind.
    pub(crate) async fn admission_objects(
        &self,
        kind: &str,
    ) -> Result<Option<Vec<DynamicObject>>, AskError> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(ADMISSION, "v1", kind));
        let api: Api<DynamicObject> = Api::all_with(self.client(), &resource);
        let list = api.list(&ListParams::default()).await;
        let error = match list {
            Ok(list) => return Ok(Some(list.items)),
            Err(error) => self.error(&error, kind),
        };
        if matches!(error, AskError::Absent(_)) { Ok(None) } else { Err(error) }
    }

    /// Whether a Secret of the namespace exists: its metadata alone is asked for, never a value.
    pub(crate) async fn has_secret(&self, name: &str) -> Result<bool, AskError> {
        let api: Api<Secret> = Api::namespaced(self.client(), &self.namespace);
        let read = api.get_metadata_opt(name).await;
        let what = format!("Secret {}/{name}", self.namespace);
        Ok(read.map_err(|it| self.error(&it, &what))?.is_some())
    }

    /// Whether a user has a right in the namespace, as the API server's authorizers say.
    pub(crate) async fn may(&self, user: &str, right: NamespacedRight) -> Result<bool, AskError> {
        let owned = |it: &str| Some(it.to_owned()).filter(|it| !it.is_empty());
        let attributes = ResourceAttributes {
            namespace: Some(self.namespace.clone()),
            verb: owned(right.verb),
            group: owned(right.group),
            resource: owned(right.resource),
            subresource: owned(right.subresource),
            ..ResourceAttributes::default()
        };
        let spec = SubjectAccessReviewSpec {
            user: Some(user.to_owned()),
            resource_attributes: Some(attributes),
            ..SubjectAccessReviewSpec::default()
        };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let api: Api<SubjectAccessReview> = Api::all(self.client());
        let answer = api.create(&PostParams::default(), &review).await;
        let answer = answer.map_err(|it| self.error(&it, "SubjectAccessReview"))?;
        Ok(answer.status.is_some_and(|it| it.allowed))
    }
}
