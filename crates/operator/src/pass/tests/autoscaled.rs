//! An autoscaled target through its adoption, at rest, and back. Controllers are played by hand: a
//! Deployment is what it is asked to be, an autoscaler works when a test says so.

use siskin_decide::ScalerKind;

use super::*;

const HPAS: &str = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers";
const HPA: &str = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/orders";
const VPA: &str = "/apis/autoscaling.k8s.io/v1/namespaces/shop/verticalpodautoscalers/orders";

fn hpa(name: &str) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": "shop", "uid": name, "generation": 1},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"},
            "minReplicas": 1, "maxReplicas": 9,
        },
        "status": {
            // Its controller has not looked at it yet.
            "observedGeneration": 0,
            "conditions": [{"type": "AbleToScale", "status": "True"}],
        },
    })
}

/// A cluster in which the target of the rollout is autoscaled.
struct Stage {
    server: Server,
    passes: Passes,
    autoscalers: Autoscalers,
}

impl Stage {
    fn with(autoscalers: &[Value]) -> Self {
        let (server, _) = Server::start();
        let shop = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
        server.put("/api/v1/namespaces/shop", shop);
        for it in autoscalers {
            server.put(&format!("{HPAS}/{}", it["metadata"]["name"].as_str().unwrap()), it.clone());
        }
        let (passes, autoscalers) = server.passes_and_autoscalers();
        Self { server, passes, autoscalers }
    }

    /// One pass; then every Deployment is what it is asked to be.
    async fn pass(&self) -> NextLook {
        let next = pass(&self.passes).await;
        self.server.settle();
        next
    }

    /// The autoscaler is written by somebody else, and the watch shows it.
    fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut it = self.server.get(HPA).expect("an autoscaler");
        change(&mut it);
        let it = self.server.put(HPA, it);
        self.show(&it);
    }

    fn show(&self, it: &Value) {
        let object = serde_json::from_value(it.clone()).expect("an object");
        self.autoscalers.note(ScalerKind::HorizontalPodAutoscaler, &object);
        self.passes.observer.autoscalers_changed(&Name::new("shop", "orders"));
    }

    /// Its controller has looked at what it scales now.
    fn answer(&self) {
        self.change(|it| {
            it["metadata"]["generation"] = json!(2);
            it["status"]["observedGeneration"] = json!(2);
        });
    }

    fn scales(&self) -> String {
        let it = self.server.get(HPA).expect("an autoscaler");
        it["spec"]["scaleTargetRef"]["kind"].as_str().expect("a kind").to_owned()
    }

    /// Adopted, with its autoscaler; watched from then on.
    async fn adopted() -> Self {
        let stage = Self::with(&[hpa("orders")]);
        for _ in 0..6 {
            stage.pass().await;
        }
        stage.answer();
        for _ in 0..12 {
            stage.pass().await;
        }
        for kind in [ScalerKind::HorizontalPodAutoscaler, ScalerKind::ScaledObject] {
            stage.autoscalers.listing_ends(kind);
        }
        stage.change(|_| {});
        stage.pass().await;
        assert_eq!(stage.server.status()["phase"], "Initialized", "{}", stage.server.status());
        assert_eq!((stage.server.count(X), stage.server.count(PRIMARY)), (json!(0), json!(3)));
        stage
    }
}

#[tokio::test]
async fn the_autoscaler_is_pointed_at_the_rollout_and_works_there_before_any_pod_moves() {
    let stage = Stage::with(&[hpa("orders")]);
    for _ in 0..6 {
        stage.pass().await;
        assert_eq!(
            (stage.server.count(X), stage.server.count(PRIMARY)),
            (json!(3), stage.server.count(PRIMARY))
        );
        assert_ne!(stage.server.count(PRIMARY), json!(1), "no pod has moved");
    }
    let it = stage.server.get(HPA).expect("an autoscaler");
    let reference =
        json!({"apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout", "name": "orders"});
    assert_eq!(it["spec"]["scaleTargetRef"], reference);
    assert_eq!(it["metadata"]["annotations"]["siskin.dev/scale-target"], "Deployment/orders");
    assert_eq!(it["spec"]["maxReplicas"], 9, "nothing else is changed");
    assert_eq!(stage.server.count(ROLLOUT), json!(3), "its scale can be read");
    let facts = stage.server.get(PRIMARY).expect("a primary")["metadata"]["annotations"].clone();
    assert_eq!(facts["siskin.dev/scaled-by"], "HorizontalPodAutoscaler/orders asked");
    assert_eq!(facts["siskin.dev/seeded"], "true");
    let status = stage.server.status();
    assert_eq!(status["autoscaler"], json!({"kind": "HorizontalPodAutoscaler", "name": "orders"}));
    assert_eq!(condition(&status, "Stalled"), None, "nobody is needed: {status}");
    stage.answer();
    for _ in 0..12 {
        stage.pass().await;
    }
    assert_eq!((stage.server.count(X), stage.server.count(PRIMARY)), (json!(0), json!(3)));
    let facts = stage.server.get(PRIMARY).expect("a primary")["metadata"]["annotations"].clone();
    assert_eq!(facts["siskin.dev/scaled-by"], "HorizontalPodAutoscaler/orders");
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_and_no_pod_moves() {
    const FORBIDDEN: &str = "horizontalpodautoscalers.autoscaling \"orders\" is forbidden: User \"siskin\" cannot patch resource \"horizontalpodautoscalers\"";
    let stage = Stage::with(&[hpa("orders")]);
    stage.server.refuse(Some((Method::PATCH, HPA, 403, FORBIDDEN)));
    for _ in 0..8 {
        stage.pass().await;
    }
    let status = stage.server.status();
    let message = status["message"].as_str().unwrap_or_default();
    assert!(message.contains("cannot patch resource"), "{status}");
    assert_eq!(condition(&status, "Stalled"), Some("True"));
    assert_eq!((stage.server.count(X), stage.server.count(PRIMARY)), (json!(3), json!(0)));
}

#[tokio::test]
async fn what_can_not_be_taken_over_is_named_with_its_remedy_and_left_alone() {
    let mut keeps = hpa("orders");
    keeps["metadata"]["annotations"] = json!({"siskin.dev/scale-target": "keep"});
    for (autoscalers, told) in [
        (vec![hpa("orders"), hpa("orders-2")], "keep one of them"),
        (vec![keeps], "remove the annotation"),
    ] {
        let stage = Stage::with(&autoscalers);
        for _ in 0..4 {
            stage.pass().await;
        }
        let status = stage.server.status();
        assert!(status["message"].as_str().unwrap_or_default().contains(told), "{status}");
        let all = status["conditions"].as_array().cloned().unwrap_or_default();
        let stalled = all.iter().find(|it| it["type"] == "Stalled").expect("it is told");
        assert_eq!(stalled["reason"], "AutoscalerOnTarget");
        assert_eq!(stage.scales(), "Deployment");
        assert_eq!((stage.server.count(X), stage.server.count(PRIMARY)), (json!(3), Value::Null));
    }
}

#[tokio::test]
async fn a_vertical_autoscaler_that_acts_keeps_the_target_from_being_adopted() {
    let stage = Stage::with(&[]);
    let vpa = json!({
        "apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler",
        "metadata": {"name": "orders", "namespace": "shop", "uid": "v"},
        "spec": {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"}},
    });
    stage.server.put(VPA, vpa);
    stage.pass().await;
    let status = stage.server.status();
    assert!(status["message"].as_str().unwrap_or_default().contains("updateMode"), "{status}");
    assert_eq!(stage.server.count(PRIMARY), Value::Null);
}

#[tokio::test]
async fn one_that_git_points_back_is_taken_again_at_a_bounded_rate_and_n_stands() {
    let stage = Stage::adopted().await;
    let apply = |it: &mut Value| {
        it["spec"]["scaleTargetRef"] = hpa("orders")["spec"]["scaleTargetRef"].clone();
    };
    stage.passes.memory.forget(&Name::new("shop", "orders"));
    stage.change(apply);
    stage.pass().await;
    assert_eq!(stage.scales(), "CanaryRollout");
    stage.change(apply);
    let next = stage.pass().await;
    assert_eq!(stage.scales(), "Deployment", "it was taken a moment ago");
    assert!(
        matches!(next, NextLook::At { after, .. } if after <= Duration::from_secs(5)),
        "{next:?}"
    );
    assert_eq!((stage.server.count(ROLLOUT), stage.server.count(PRIMARY)), (json!(3), json!(3)));
}

#[tokio::test]
async fn at_rest_no_autoscaler_is_listed() {
    let stage = Stage::adopted().await;
    stage.server.0.lock().read.clear();
    for _ in 0..5 {
        stage.pass().await;
    }
    let read = stage.server.0.lock().read.clone();
    assert!(!read.is_empty());
    let lists = |it: &&String| it.ends_with("autoscalers") || it.ends_with("scaledobjects");
    assert_eq!(read.iter().filter(lists).count(), 0, "{read:?}");
}

#[tokio::test]
async fn one_that_is_deleted_leaves_n_and_takes_the_seed_along() {
    let stage = Stage::adopted().await;
    let gone = stage.server.0.lock().objects.remove(HPA).expect("an autoscaler");
    let gone = serde_json::from_value(gone).expect("an object");
    stage.autoscalers.forget(ScalerKind::HorizontalPodAutoscaler, &gone);
    for _ in 0..4 {
        stage.pass().await;
    }
    assert_eq!((stage.server.count(ROLLOUT), stage.server.count(PRIMARY)), (Value::Null, json!(3)));
    assert_eq!(stage.server.status()["autoscaler"], Value::Null);
    let facts = stage.server.get(PRIMARY).expect("a primary")["metadata"]["annotations"].clone();
    assert_eq!(
        (&facts["siskin.dev/scaled-by"], &facts["siskin.dev/seeded"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn it_is_given_back_when_the_target_has_its_pods_again() {
    let stage = Stage::adopted().await;
    let mut rollout = stage.server.get(ROLLOUT).expect("a rollout");
    rollout["metadata"]["deletionTimestamp"] = json!("2026-11-28T00:00:00Z");
    stage.server.put(ROLLOUT, rollout);
    for _ in 0..16 {
        stage.pass().await;
        if stage.scales() == "Deployment" {
            assert_eq!(stage.server.count(X), json!(3));
            break;
        }
    }
    let it = stage.server.get(HPA).expect("an autoscaler");
    assert_eq!(it["spec"]["scaleTargetRef"], hpa("orders")["spec"]["scaleTargetRef"]);
    assert_eq!(it["metadata"]["annotations"]["siskin.dev/scale-target"], Value::Null);
    let finalizers =
        stage.server.get(ROLLOUT).expect("a rollout")["metadata"]["finalizers"].clone();
    assert_eq!(finalizers, json!([]), "released in the same pass");
}

#[tokio::test]
async fn a_manifest_that_sets_replicas_beside_an_autoscaler_is_told_of() {
    let stage = Stage::adopted().await;
    let fields = |manager: &str, operation: &str| {
        json!([{
            "manager": manager, "operation": operation, "apiVersion": "siskin.dev/v1alpha1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}},
        }])
    };
    for (manager, operation, told) in
        [("kube-controller-manager", "Update", false), ("kustomize-controller", "Apply", true)]
    {
        let mut rollout = stage.server.get(ROLLOUT).expect("a rollout");
        rollout["metadata"]["managedFields"] = fields(manager, operation);
        stage.server.put(ROLLOUT, rollout);
        let name = Name::new("shop", "orders");
        let world = stage.passes.observer.observe(&name, Freshness::Live, Timestamp::UNIX_EPOCH);
        let world = world.await.expect("an answer").expect("a rollout");
        let found = contested_replicas(&world);
        assert_eq!(found.map(|it| it.reason), told.then_some("ReplicasContested"), "{manager}");
    }
}
