//! Whose the names are: two rollouts of one target, a foreign Deployment, an API server that adds
//! fields of its own.

use anyhow::{Result, ensure};
use serde_json::json;
use siskin_api::{Cause, Phase};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{Election, Policy, ROLLOUT, RolloutSpec, Scenario, Version, scenario};

#[test]
fn of_two_rollouts_of_one_target_the_second_touches_nothing() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        let second = RolloutSpec::endless().manifest("second", "127.0.0.1:9092", "another");
        s.objects.apply(ObjectKind::CanaryRollout, &second).await?;
        s.then()
            .sees("the second one is refused", |view| {
                let status = &view.state.rollouts.get("second")?.status;
                let refused = |it: &&k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
                    it.type_ == "Stalled" && it.reason == "NameTaken"
                };
                status.conditions.iter().find(refused).map(drop)
            })
            .await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        // It goes without a trace, and the first one goes on.
        s.when().deletes(ObjectKind::CanaryRollout, "second").await?;
        s.then()
            .sees("the second one is gone, the trial goes on", |view| {
                let gone = !view.state.rollouts.contains_key("second");
                let canary = view.state.pods_of(Part::Canary).count() == 1;
                let trial = view.state.rollout()?.status.phase == Some(Phase::Progressing);
                (gone && canary && trial).then_some(())
            })
            .await
    });
}

#[test]
fn a_foreign_deployment_with_the_primarys_name_is_left_alone() {
    scenario(async |s| {
        s.given().an_operator(Election::Usual)?;
        let foreign = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "orders-primary", "labels": {"made-by": "flagger"}},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"app": "other"}},
                "template": {
                    "metadata": {"labels": {"app": "other"}},
                    "spec": {"containers": [{"name": "c", "image": "localhost/none:1"}]},
                },
            },
        });
        s.objects.apply(ObjectKind::Deployment, &foreign).await?;
        s.given().a_fleet(2).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.then().says("Stalled", "True", "NameTaken").await?;
        let target = s.log.look(|view| view.state.count(Part::Target));
        ensure!(target == 2, "the target keeps its pods");
        // Once the name is free, the rollout goes on by itself.
        s.when().deletes(ObjectKind::Deployment, "orders-primary").await?;
        s.given().rest().await
    });
}

/// What the operator leaves that dies, or meets a conflict, between a write of the target and the one that
/// gives up its ownership.
#[test]
fn fields_of_the_target_that_a_crash_has_left_to_siskin_are_given_up() {
    scenario(async |s| {
        s.given().a_manager("helm");
        s.given().an_adopted_fleet(2, &RolloutSpec::endless()).await?;
        s.log.note("the count of the target is written as siskin writes it, and nothing follows");
        let kept = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": ROLLOUT}, "spec": {"replicas": 0},
        });
        let siskin = ["apply", "--server-side", "--field-manager=siskin", "--force-conflicts"];
        let words = [&siskin[..], &["--validate=false", "-f", "-"]].concat();
        s.kubectl(&words, &kept.to_string()).await?;
        let ours = "{.metadata.managedFields[?(@.manager=='siskin')].manager}";
        s.then().mutates(&json!({}), ours, "").await?;
        let version = Version::good("2");
        s.when().applies(&version, 3).await?;
        s.then()
            .sees("helm's count is taken over, and its version is on trial", |view| {
                let canary = view.state.pods_of(Part::Canary).count() == 1;
                (view.state.total() == Some(3) && canary).then_some(())
            })
            .await
    });
}

/// As Argo CD with self-heal, or kustomize-controller: the same manifest, its count in it, again and again.
#[test]
fn a_tool_that_applies_the_same_manifest_for_ever_disturbs_no_trial() {
    scenario(async |s| {
        s.given().a_manager("argocd-controller");
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        let second = Version::good("2");
        s.when().applies(&second, 3).await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then().runs(Part::Canary, "2").await?;
        for _ in 0..3 {
            // Without force: a field that it would have to take is a conflict, and a sync that fails.
            s.when().applies(&second, 3).await?;
            // With the guard nothing had to be drained, and the count stays the tool's.
            let guarded = s.has_all_policies();
            s.then()
                .sees("drained again, its count nobody's, and the same trial", |view| {
                    let target = view.state.parts.get(&Part::Target)?;
                    let status = &view.state.rollout()?.status;
                    let same = status.rollout_id.as_ref()?.ends_with("-1");
                    let given_up = guarded || target.counted_by.is_empty();
                    let drained = target.replicas == 0 && given_up && view.state.total() == Some(3);
                    (same && drained && status.phase == Some(Phase::Progressing)).then_some(())
                })
                .await?;
        }
        s.when().applies(&Version::good("1"), 3).await?;
        s.then().rolls_back(Cause::Reverted, "1").await
    });
}

/// A policy comes to change the target's template in every write of it; what it makes of the promoted
/// one is no new version, and what a user makes of it is.
async fn is_no_new_version(s: &mut Scenario, to: &str, field: &str, value: &str) -> Result<()> {
    s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
    s.given().a_canary_of(&Version::good("2")).await?;
    s.when().commands("promote", "/full").await?;
    s.then().serves("2").await?;
    let attempts = s.log.look(|view| view.state.frozen.len());
    s.given().a_policy(&Policy::changes("changed", to)).await?;
    s.then().mutates(&json!({}), &format!("{{.spec.template.spec.{field}}}"), value).await?;
    // Any write of the target shows the change from now on, as after an upgrade of the API server.
    s.when().edits_target(&json!({"metadata": {"labels": {"synced": "again"}}})).await?;
    s.then()
        .sees("the change is in the target's template", |view| {
            let template = view.state.parts.get(&Part::Target)?.spec["template"].to_string();
            let leaf = field.rsplit('.').next()?;
            (template.contains(leaf) && template.contains(value)).then_some(())
        })
        .await?;
    // Something that the operator answers, after it has seen the change.
    s.when().annotates_rollout("siskin.dev/abort", "anything").await?;
    s.then().tells("CommandMalformed", "anything").await?;
    let (phase, now) = s.log.look(|view| {
        (view.state.rollout().and_then(|it| it.status.phase), view.state.frozen.len())
    });
    ensure!(phase == Some(Phase::Succeeded), "a new version was seen: {phase:?}");
    ensure!(now == attempts, "a template was frozen");
    s.given().a_canary_of(&Version::good("3")).await
}

/// What an API server with a new default does: `hostUsers: true` is what an absent `hostUsers` means.
#[test]
fn a_field_that_the_api_server_adds_is_no_new_version() {
    scenario(async |s| {
        let added = "Object{spec: Object.spec{template: Object.spec.template{\
                     spec: Object.spec.template.spec{hostUsers: true}}}}";
        is_no_new_version(s, added, "hostUsers", "true").await
    });
}

/// A policy of the cluster, made after the adoption, which rewrites what the manifest says.
#[test]
fn a_value_that_a_policy_comes_to_rewrite_is_no_new_version() {
    scenario(async |s| {
        let rewritten = "Object{spec: Object.spec{template: Object.spec.template{\
                         spec: Object.spec.template.spec{containers: [\
                         Object.spec.template.spec.containers{\
                         name: 'worker', terminationMessagePolicy: 'FallbackToLogsOnError'}]}}}}";
        let field = "containers[0].terminationMessagePolicy";
        is_no_new_version(s, rewritten, field, "FallbackToLogsOnError").await
    });
}

#[test]
fn a_target_that_is_itself_a_child_is_refused() {
    scenario(async |s| {
        s.given().an_adopted_fleet(2, &RolloutSpec::endless()).await?;
        let mut nested = RolloutSpec::endless().manifest("nested", "127.0.0.1:9092", "another");
        nested["spec"]["targetRef"]["name"] = json!(format!("{ROLLOUT}-primary"));
        s.objects.apply(ObjectKind::CanaryRollout, &nested).await?;
        s.then()
            .sees("the nested one is refused", |view| {
                let status = &view.state.rollouts.get("nested")?.status;
                status.conditions.iter().find(|it| it.reason == "NameTaken").map(drop)
            })
            .await
    });
}

/// By somebody who may annotate Deployments, and write neither frozen templates nor statuses.
#[test]
fn a_promotion_that_somebody_else_wrote_on_the_primary_is_not_followed() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let revision = s.log.look(|view| {
            let progress = view.state.rollout()?.status.progress.as_ref()?;
            Some(progress.revision.clone())
        });
        let forged =
            json!({"siskin.dev/promoting": revision, "siskin.dev/promoting-reason": "Passed"});
        s.when().edits_child(Part::Primary, &json!({"metadata": {"annotations": forged}})).await?;
        // A new leader knows nothing but what it reads.
        s.kill_operator(Election::Usual).await?;
        s.when().annotates_rollout("siskin.dev/abort", "anything").await?;
        s.then().tells("CommandMalformed", "anything").await?;
        let followed = s.log.history().iter().any(|it| it.change.enters(Phase::Promoting));
        ensure!(!followed, "it was promoted");
        s.then().runs(Part::Primary, "1").await?;
        s.when().commands("abort", "").await?;
        s.then().rolls_back(Cause::Aborted, "1").await
    });
}
