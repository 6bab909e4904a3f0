//! No room for pods, and somebody else's hand on them: told in the cluster's own words, waited for, and held against no
//! version.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use siskin_api::{Phase, PromotionReason};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{Election, Policy, ROLLOUT, RolloutSpec, Scenario, Version, scenario};

/// Shorter than what is in the way.
const DEADLINE: &str = "15s";

/// Longer than the deadline.
const IN_THE_WAY: Duration = Duration::from_secs(20);

/// A step whose canary has to be running soon.
fn impatient() -> RolloutSpec {
    let steps = json!([{"weight": 34, "hold": "3s"}]);
    RolloutSpec::steps(&steps).strategy("progressDeadline", DEADLINE)
}

/// The canary is held in these words, longer than its deadline, and nobody is given up for it.
async fn is_held(s: &mut Scenario, event: &str, words: &str) -> Result<()> {
    s.then()
        .sees(&format!("held: …{words}…"), |view| {
            let status = &view.state.rollout()?.status;
            let blocked = status.conditions.iter().any(|it| it.reason == "CanaryBlocked");
            (blocked && status.message.as_ref()?.contains(words)).then_some(())
        })
        .await?;
    s.then().tells(event, words).await?;
    s.then().gives_nobody_up_for(IN_THE_WAY).await
}

/// The version goes its way once there is room, on its first attempt.
async fn goes_on(s: &mut Scenario) -> Result<()> {
    s.then().runs(Part::Canary, "2").await?;
    s.when().commands("promote", "/full").await?;
    s.then().promotes("2", PromotionReason::Commanded).await?;
    let gave_up = |phase| s.log.look(|view| view.history.iter().any(|it| it.change.enters(phase)));
    ensure!(!gave_up(Phase::RollingBack), "a healthy version was rolled back");
    Ok(())
}

/// What the node has of something that only this scenario's pods ask for.
async fn node_has(s: &Scenario, what: &str, count: u32) -> Result<()> {
    let room = json!({what: count.to_string()});
    // The kubelet copies the one to the other at its next report, the scheduler reads the other.
    let status = json!({"status": {"capacity": room, "allocatable": room}}).to_string();
    let patch = ["patch", "node", "node-1", "--subresource=status", "--type=merge", "-p", &status];
    s.kubectl(&patch, "").await.map(drop)
}

#[test]
fn a_canary_that_no_node_has_room_for_is_waited_for() {
    scenario(async |s| {
        let slots = format!("example.com/{}", s.namespace);
        node_has(s, &slots, 4).await?;
        s.given().a_limit(&slots, "1");
        s.given().an_adopted_fleet_under(Election::None, 3, &impatient()).await?;
        s.given().a_record().await?;
        node_has(s, &slots, 3).await?;
        s.when().ships(&Version::good("2")).await?;
        is_held(s, "PodNotPlaced", "Insufficient").await?;
        // Room for primary's own new pods as well.
        node_has(s, &slots, 6).await?;
        goes_on(s).await
    });
}

#[test]
fn a_webhook_that_is_down_is_waited_for() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 3, &impatient()).await?;
        s.given().a_record().await?;
        s.given().a_policy(&Policy::of_a_webhook_that_is_down("down", "pods")).await?;
        s.when().ships(&Version::good("2")).await?;
        is_held(s, "PodsNotMade", "failed calling webhook").await?;
        s.when().lifts_policies().await?;
        goes_on(s).await
    });
}

#[test]
fn a_volume_that_is_not_there_is_named_and_waited_for() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 3, &impatient()).await?;
        s.given().a_record().await?;
        let volumes = json!([{"name": "cache", "persistentVolumeClaim": {"claimName": "cache"}}]);
        s.when().ships(&Version::good("2").template(json!({"spec": {"volumes": volumes}}))).await?;
        is_held(s, "PodNotPlaced", "persistentvolumeclaim").await?;
        for manifest in volume(&s.namespace) {
            s.kubectl(&["apply", "-f", "-"], &manifest.to_string()).await?;
        }
        let went_on = goes_on(s).await;
        s.kubectl(&["delete", "pv", &s.namespace, "--wait=false"], "").await?;
        went_on
    });
}

/// A claim of the name `cache` and the volume that it is bound to, which is the whole cluster's.
fn volume(name: &str) -> [Value; 2] {
    let size = json!({"storage": "1Mi"});
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "cache"},
        "spec": {
            "accessModes": ["ReadWriteMany"], "storageClassName": "", "volumeName": name,
            "resources": {"requests": size},
        },
    });
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteMany"], "storageClassName": "", "capacity": size,
            "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": "/tmp"},
        },
    });
    [volume, claim]
}

#[test]
fn a_quota_of_deployments_holds_the_adoption_until_there_is_room() {
    scenario(async |s| {
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(3).await?;
        let quota = |count: &str| {
            json!({
                "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"},
                "spec": {"hard": {"count/deployments.apps": count}},
            })
        };
        s.objects.apply(ObjectKind::ResourceQuota, &quota("1")).await?;
        let used = r"--for=jsonpath={.status.used.count/deployments\.apps}=1";
        s.kubectl(&["wait", used, "resourcequota/full", "--timeout=60s"], "").await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.then().says("Stalled", "True", "QuotaExceeded").await?;
        s.then().tells("QuotaExceeded", "exceeded quota").await?;
        ensure!(
            s.log.look(|view| view.state.count(Part::Target)) == 3,
            "the target keeps its pods"
        );
        s.objects.apply(ObjectKind::ResourceQuota, &quota("5")).await?;
        s.given().rest().await
    });
}

/// A tool that scales by schedule, and does so again and again.
#[test]
fn whoever_scales_primary_again_and_again_is_told_what_to_scale_instead() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
        for _ in 0..4 {
            let scaled = s.log.length();
            s.kubectl(&["scale", "deployment/orders-primary", "--replicas=1"], "").await?;
            s.then()
                .sees("primary is scaled back", |view| {
                    let written = view.history[scaled..].iter();
                    let down = written.clone().any(|it| it.change.counts(Part::Primary, 1));
                    (down && view.state.count(Part::Primary) == 3).then_some(())
                })
                .await?;
        }
        s.then()
            .tells("ChildRepaired", "scale Deployment orders or its CanaryRollout instead")
            .await?;
        s.kubectl(&["scale", &format!("canaryrollout/{ROLLOUT}"), "--replicas=2"], "").await?;
        s.then()
            .sees("N is what the CanaryRollout says", |view| {
                (view.state.count(Part::Primary) == 2 && view.state.total() == Some(2))
                    .then_some(())
            })
            .await
    });
}
