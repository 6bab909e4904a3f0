//! The policies of `config/policies`, `config/stamp` and `config/opt-in`: what each refuses to people and to the operator's own
//! token, and that a rollout goes its way with all of them on.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use siskin_api::{Cause, Phase, PromotionReason};
use siskin_e2e::scenario::autoscaler::HPA;
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, Scenario, Version, scenario};

/// The API server learns of a policy, and of a role, some time after it was made.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pause between two looks at whether it has.
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// The user as whom the operator acts: what a thief of its token is.
const OPERATOR: &str = "system:serviceaccount:siskin-system:siskin";

/// Part of the words by which the leash refuses more than the count of a target.
const COUNT_ALONE: &str = "Siskin writes nothing of a target but its count";

/// Writes rollouts, and nothing else.
const AUTHOR: &str = "ada";

/// May do what Siskin does, and command.
const OWNER: &str = "grace";

/// Rights on rollouts alone for the author; also on Deployments and one Secret for the owner.
async fn people(s: &Scenario) -> Result<()> {
    let every = ["get", "list", "create", "update", "patch", "delete"];
    let rule = |group: &str, resource: &str, verbs: &[&str]| json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
    let rollouts = rule("siskin.dev", "canaryrollouts", &every);
    let verbs = ["approve", "promote", "retry", "start", "bypass"];
    let owner = [
        rollouts.clone(),
        rule("siskin.dev", "canaryrollouts", &verbs),
        rule("apps", "deployments", &every),
        json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["mine"], "verbs": ["get"]}),
    ];
    let mut items = Vec::new();
    for (user, rules) in [(AUTHOR, json!([rollouts])), (OWNER, json!(owner))] {
        let api = "rbac.authorization.k8s.io";
        let named = |kind: &str| json!({"apiGroup": api, "kind": kind, "name": user});
        items.push(json!({
            "apiVersion": format!("{api}/v1"), "kind": "Role", "metadata": {"name": user}, "rules": rules,
        }));
        items.push(json!({
            "apiVersion": format!("{api}/v1"), "kind": "RoleBinding", "metadata": {"name": user},
            "roleRef": named("Role"), "subjects": [named("User")],
        }));
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    s.kubectl(&["apply", "-f", "-"], &list).await.map(drop)
}

/// A command of kubectl by this user.
fn by<'a>(user: &'a str, command: &[&'a str]) -> Vec<&'a str> {
    [&["--as", user], command].concat()
}

/// This user's write is refused in these words, once the policy is in force.
async fn forbidden(s: &mut Scenario, user: &str, write: &[&str], words: &str) -> Result<()> {
    s.then().refuses(&by(user, write), words).await
}

/// A thief of the operator's token is refused this write, in these words. Not a dry run, by which the operator asks what
/// becomes of a template; so it is tried once, with the policy in force.
async fn stopped(s: &Scenario, write: &[&str], words: &str) -> Result<()> {
    match s.kubectl(&by(OPERATOR, write), "").await {
        Err(error) if format!("{error:#}").contains(words) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => bail!("a thief may {write:?}"),
    }
}

/// The leash is in force: the operator is refused what does no harm before.
async fn is_leashed(s: &Scenario, object: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    for number in 0.. {
        // Another value each time: what changes nothing is let through.
        let note = format!("note={number}");
        let annotate = ["annotate", "--overwrite", object, &note];
        if s.kubectl(&by(OPERATOR, &annotate), "").await.is_err() {
            return stopped(s, &annotate, COUNT_ALONE).await;
        }
        ensure!(Instant::now() < deadline, "the policy is not in force");
        tokio::time::sleep(LOOKS_EVERY).await;
    }
    Ok(())
}

/// This user's write is stored.
async fn may(s: &Scenario, user: &str, write: &[&str]) -> Result<()> {
    s.kubectl(&by(user, write), "").await.map(drop)
}

/// A merge patch of an object, as kubectl is told.
fn merge<'a>(object: &'a str, patch: &'a str) -> Vec<&'a str> {
    vec!["patch", object, "--type=merge", "-p", patch]
}

#[test]
fn nobody_lets_siskin_do_what_he_may_not_do_himself() {
    scenario(async |s| {
        s.given().an_adopted_fleet(2, &RolloutSpec::endless()).await?;
        people(s).await?;
        s.given().shipped_policies("config/policies").await?;
        let rollout = format!("canaryrollout/{ROLLOUT}");
        let suspended = merge(&rollout, r#"{"spec":{"suspend":true}}"#);
        forbidden(s, AUTHOR, &suspended, "you may not update Deployment orders").await?;
        may(s, AUTHOR, &["label", &rollout, "team=shop"]).await?;
        may(s, OWNER, &suspended).await?;
        let secret = |name: &str| {
            json!({"spec": {"analysis": {"kafka": {"credentialsSecretRef": {"name": name}}}}})
                .to_string()
        };
        let (theirs, mine) = (secret("theirs"), secret("mine"));
        forbidden(s, OWNER, &merge(&rollout, &theirs), "you may not read Secret theirs").await?;
        let dry = [merge(&rollout, &mine), vec!["--dry-run=server"]].concat();
        may(s, OWNER, &dry).await
    });
}

#[test]
fn moving_forward_by_hand_needs_a_verb_and_stopping_needs_none() {
    scenario(async |s| {
        s.given().an_adopted_fleet(2, &RolloutSpec::endless()).await?;
        people(s).await?;
        for overlay in ["config/policies", "config/stamp"] {
            s.given().shipped_policies(overlay).await?;
        }
        s.given().a_canary_of(&Version::good("2")).await?;
        let rollout = format!("canaryrollout/{ROLLOUT}");
        let id = s.log.look(|view| view.state.rollout()?.status.rollout_id.clone());
        let id = id.context("an attempt is under way")?;
        let (promote, abort) =
            (format!("siskin.dev/promote={id}/full"), format!("siskin.dev/abort={id}"));
        let words = "need verbs of the same name on canaryrollouts.siskin.dev: promote";
        forbidden(s, AUTHOR, &["annotate", &rollout, &promote], words).await?;
        may(s, AUTHOR, &["annotate", &rollout, &abort]).await?;
        s.then().rolls_back(Cause::Aborted, "1").await?;
        let stamp = "jsonpath={.metadata.annotations.siskin\\.dev/commanded-by}";
        ensure!(s.kubectl(&["get", &rollout, "-o", stamp], "").await? == AUTHOR, "the stamp");
        may(s, AUTHOR, &["annotate", "--overwrite", &rollout, "siskin.dev/commanded-by=somebody"])
            .await?;
        ensure!(s.kubectl(&["get", &rollout, "-o", stamp], "").await? == AUTHOR, "a forged stamp");

        let retry = format!("siskin.dev/retry={id}");
        may(s, OWNER, &["annotate", &rollout, &retry]).await?;
        let mut then = s.then();
        let next = then.sees("another attempt", |view| {
            let status = &view.state.rollout()?.status;
            let another = status.rollout_id.clone().filter(|it| *it != id)?;
            let settled = status.progress.as_ref()?.clocks.hold.since.is_some();
            (status.phase == Some(Phase::Progressing) && settled).then_some(another)
        });
        let id = next.await?;
        ensure!(s.kubectl(&["get", &rollout, "-o", stamp], "").await? == OWNER, "the next stamp");
        let promote = format!("siskin.dev/promote={id}/full");
        may(s, OWNER, &["annotate", &rollout, &promote]).await?;
        s.then().promotes("2", PromotionReason::Commanded).await
    });
}

#[test]
fn nobody_but_the_operator_writes_what_a_version_is_promoted_by() {
    scenario(async |s| {
        s.given().an_adopted_fleet(2, &RolloutSpec::endless()).await?;
        people(s).await?;
        s.given().shipped_policies("config/policies").await?;
        let primary = format!("deployment/{ROLLOUT}-primary");
        let words = "this object is Siskin's";
        forbidden(s, OWNER, &["annotate", "--overwrite", &primary, "note=1"], words).await?;
        forbidden(s, OWNER, &["annotate", &primary, "siskin.dev/promoting=00000000bb"], words)
            .await?;
        forbidden(s, OWNER, &["label", &primary, "siskin.dev/target-"], words).await?;
        forbidden(s, OWNER, &["delete", &primary], words).await?;
        let bypass = ["annotate", "deployment/orders", "siskin.dev/bypass=INC-1"];
        let dry = [&bypass[..], &["--dry-run=server"]].concat();
        may(s, OWNER, &dry).await?;
        let repair =
            json!([{"op": "add", "path": "/rules/0/verbs/-", "value": "repair"}]).to_string();
        s.kubectl(&["patch", "role", OWNER, "--type=json", "-p", &repair], "").await?;
        s.then().allows(&by(OWNER, &["annotate", "--overwrite", &primary, "note=2"])).await
    });
}

#[test]
fn a_stolen_token_of_the_operator_reaches_children_and_counts_alone() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 2, &RolloutSpec::endless()).await?;
        s.given().shipped_policies("config/policies").await?;
        s.kubectl(
            &["create", "deployment", "other-primary", "--image=localhost/none", "--replicas=0"],
            "",
        )
        .await?;
        let (target, other) = (format!("deployment/{ROLLOUT}"), "deployment/other-primary");
        is_leashed(s, other).await?;
        let template =
            json!({"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}}).to_string();
        stopped(s, &merge(&target, &template), COUNT_ALONE).await?;
        stopped(
            s,
            &["label", other, "siskin.dev/target=other", "siskin.dev/role=primary"],
            COUNT_ALONE,
        )
        .await?;
        stopped(s, &merge(other, r#"{"spec":{"paused":true}}"#), COUNT_ALONE).await?;
        let deletes = "Siskin creates and deletes children of a target only";
        stopped(s, &["delete", other], deletes).await?;
        stopped(s, &["delete", &target], deletes).await?;
        may(s, OPERATOR, &merge(other, r#"{"spec":{"replicas":0}}"#)).await?;
        let tried = [merge(&target, &template), vec!["--dry-run=server"]].concat();
        may(s, OPERATOR, &tried).await
    });
}

/// The worker's image is from elsewhere, and was there before the rule.
#[test]
fn images_come_from_where_the_namespace_says_and_what_was_there_is_adopted_and_tried() {
    scenario(async |s| {
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(2).await?;
        s.given().shipped_policies("config/policies").await?;
        let namespace = s.namespace.clone();
        let prefixes = "siskin.dev/image-prefixes=ghcr.io/example/ registry.example.com/";
        s.kubectl(&["annotate", "namespace", &namespace, prefixes], "").await?;
        let image = ["set", "image", "deployment/orders", "*=docker.io/library/busybox:1"];
        s.then()
            .refuses(&image, "images must come from one of ghcr.io/example/, registry.example.com/")
            .await?;
        let image = ["set", "image", "deployment/orders", "*=registry.example.com/orders:2"];
        s.then().allows(&image).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.given().rest().await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await
    });
}

#[test]
fn a_primary_that_is_left_to_its_target_needs_no_verb_any_more() {
    scenario(async |s| {
        s.given().an_adopted_fleet(2, &RolloutSpec::endless()).await?;
        people(s).await?;
        s.given().shipped_policies("config/policies").await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let primary = format!("deployment/{ROLLOUT}-primary");
        let note = ["annotate", "--overwrite", &primary, "note=1"];
        forbidden(s, OWNER, &note, "this object is Siskin's").await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then()
            .sees("it is left alone with its target", |view| {
                let primary = view.state.parts.get(&Part::Primary)?;
                (view.state.rollouts.is_empty() && primary.ready == 2).then_some(())
            })
            .await?;
        may(s, OWNER, &note).await
    });
}

/// From the adoption of a target with its autoscaler to its hand-back, with a new leader in the middle of a trial.
#[test]
fn with_all_policies_on_a_rollout_goes_all_its_ways() {
    scenario(async |s| {
        s.given().all_policies().await?;
        s.given().an_adopted_autoscaled_fleet(3).await?;
        // By hand, and put back.
        let role = json!({"metadata": {"labels": {"siskin.dev/role": null}}});
        s.when().edits_child(Part::Primary, &role).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        // It marks what it takes over, too.
        s.kill_operator(Election::Usual).await?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        s.then().has_counts(3, 0).await?;
        s.given().a_canary_of(&Version::good("3")).await?;
        s.when().commands("abort", "").await?;
        s.then().rolls_back(Cause::Aborted, "2").await?;
        s.when().ships(&Version::good("2")).await?;
        s.then().reaches(Phase::Succeeded).await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then()
            .sees("the target runs its pods itself, and nothing of Siskin is left", |view| {
                let target = view.state.parts.get(&Part::Target)?;
                let alone = view.state.parts.len() == 1 && view.state.frozen.is_empty();
                (target.ready == 3 && alone && view.state.rollouts.is_empty()).then_some(())
            })
            .await?;
        s.then().is_scaled_through(HPA, ROLLOUT, "Deployment").await.map(drop)
    });
}

/// Without the label the adoption is refused, told, and goes on once it is there.
#[test]
fn a_namespace_that_has_not_opted_in_is_left_alone_and_told_how_to() {
    scenario(async |s| {
        s.given().shipped_policies("config/opt-in").await?;
        s.given().a_policy_that_refuses_revisions("siskin.dev/enabled=true").await?;
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(2).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.then().says("WritesAccepted", "False", "WriteRefused").await?;
        s.then()
            .tells("WriteRefused", "kubectl label namespace NAME siskin.dev/enabled=true")
            .await?;
        s.when().opts_in().await?;
        s.given().rest().await
    });
}
