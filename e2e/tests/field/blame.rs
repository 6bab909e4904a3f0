//! Whose fault it is: what the cluster, a neighbor, an autoscaler or an old record does is never held against a version.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use siskin_api::{Phase, PromotionReason};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{Election, RolloutSpec, Scenario, Version, scenario, scenario_alone};
use siskin_e2e::testbed::{Part as Server, Testbed};

/// The first attempt is the only one, and it was not given up.
fn still_the_first_attempt(s: &Scenario) -> Result<()> {
    let (phases, attempts) = s.log.look(|view| {
        let gave_up = view.history.iter().any(|it| it.change.enters(Phase::RollingBack));
        let id = view.state.rollout().and_then(|it| it.status.rollout_id.clone());
        (gave_up, id)
    });
    ensure!(!phases, "a healthy version was rolled back");
    ensure!(attempts.is_none_or(|it| it.ends_with("-1")), "it was tried again");
    Ok(())
}

/// Every pod restarts twice while it starts, as one does that races its proxy or its database.
#[test]
fn restarts_that_every_version_has_at_its_start_reject_none() {
    scenario(async |s| {
        let race = "n=$(cat /state/n 2>/dev/null || echo 0); echo $((n+1)) > /state/n; \
                    [ \"$n\" -ge 2 ] || { sleep 2; exit 1; }; exec sleep 1000000";
        s.given().a_sidecar(json!({
            "name": "agent",
            "image": "localhost/busybox:1",
            "imagePullPolicy": "Never",
            "command": ["sh", "-c", race],
            "volumeMounts": [{"name": "state", "mountPath": "/state"}],
        }));
        // All at once: each start takes half a minute of back-off.
        let rolling = json!({"maxSurge": "100%", "maxUnavailable": 0});
        s.given().a_shape(&json!({"spec": {
            "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
            "template": {"spec": {"volumes": [{"name": "state", "emptyDir": {}}]}},
        }}));
        let spec = RolloutSpec::steps(&json!([{"weight": 34, "hold": "5s"}]))
            .strategy("progressDeadline", "3m")
            .strategy("maxHold", "5m");
        s.given().an_adopted_fleet_under(Election::None, 3, &spec).await?;
        s.given().a_record().await?;
        s.when().ships(&Version::good("2")).await?;
        let minutes = Duration::from_secs(240);
        s.then().promotes_within(minutes, "2", PromotionReason::Passed).await?;
        still_the_first_attempt(s)
    });
}

/// Each scale-down lets two primary pods drain for most of a deadline.
#[test]
fn scale_downs_in_a_long_hold_are_not_the_canarys_delay() {
    scenario(async |s| {
        s.given().a_stop_delay(8);
        let spec = RolloutSpec::endless().strategy("progressDeadline", "15s").field("replicas", 6);
        s.given().an_adopted_fleet_under(Election::None, 6, &spec).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        for total in [4, 6, 4, 6, 4] {
            s.when().edits_rollout(&json!({"spec": {"replicas": total}})).await?;
            s.then()
                .sees(&format!("{total} pods, and none on its way out"), |view| {
                    let all = view.state.pods.values();
                    let settled = all.clone().all(|it| it.ready && !it.terminating);
                    (settled && all.count() == total).then_some(())
                })
                .await?;
        }
        ensure!(s.phase() == Some(Phase::Progressing), "the trial goes on");
        s.then().says_in_words("-primary has not left yet").await?;
        still_the_first_attempt(s)
    });
}

/// The range assignor sorts by member, and gives the canary the partition that stands still in every version.
#[test]
fn a_partition_that_stood_still_before_the_trial_is_told_and_rejects_nothing() {
    scenario(async |s| {
        s.given().a_setting("ASSIGNMENT_STRATEGY", "range");
        s.given().a_setting("STALL_PARTITION", "0");
        s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
        s.given().a_record_of(Duration::from_secs(20)).await?;
        s.when().ships(&Version::good("2")).await?;
        let partition = format!("{}/0", s.namespace);
        s.then()
            .sees("the partition is named", |view| {
                let status = &view.state.rollout()?.status;
                let told = |text: &str| text.contains(&partition) || text.contains("partition 0");
                let message = status.message.as_deref().is_some_and(told);
                let event = view.history.iter().any(|it| it.change.tells(|it| told(&it.note)));
                (message || event).then_some(())
            })
            .await?;
        if s.phase() == Some(Phase::Preparing) {
            s.when().commands("start", "").await?;
        }
        s.then().runs(Part::Canary, "2").await?;
        // As long as a partition that the canary itself brings to a stand takes to be found.
        s.then().gives_nobody_up_for(Duration::from_secs(75)).await?;
        still_the_first_attempt(s)?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await
    });
}

#[test]
fn two_rollouts_of_one_group_are_judged_side_by_side() {
    scenario(async |s| {
        s.given().partitions(8);
        let spec = RolloutSpec::steps(&json!([{"weight": 50, "hold": "5s"}]));
        s.given().an_adopted_fleet_under(Election::None, 2, &spec).await?;
        s.given().another_adopted_fleet("orders-b", 2, &spec).await?;
        s.given().a_record().await?;
        s.when().ships(&Version::good("2")).await?;
        s.then().promotes("2", PromotionReason::Passed).await
    });
}

#[test]
fn a_full_quota_holds_the_canary_until_there_is_room() {
    scenario(async |s| {
        let steps = json!([{"weight": 34, "hold": "3s"}]);
        let spec = RolloutSpec::steps(&steps).strategy("progressDeadline", "15s");
        s.given().an_adopted_fleet_under(Election::None, 3, &spec).await?;
        s.given().a_record().await?;
        let quota = |pods: &str| {
            json!({
                "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"},
                "spec": {"hard": {"pods": pods}},
            })
        };
        s.objects.apply(ObjectKind::ResourceQuota, &quota("3")).await?;
        let enforced = "--for=jsonpath={.status.hard.pods}=3";
        s.kubectl(&["wait", enforced, "resourcequota/full", "--timeout=60s"], "").await?;
        s.when().ships(&Version::good("2")).await?;
        s.then()
            .sees("held, in the server's words", |view| {
                let status = &view.state.rollout()?.status;
                let blocked = status.conditions.iter().any(|it| it.reason == "CanaryBlocked");
                let words = status.message.as_ref()?.contains("exceeded quota");
                (blocked && words).then_some(())
            })
            .await?;
        s.then().tells("PodsNotMade", "exceeded quota").await?;
        // Longer than the deadline.
        s.then().gives_nobody_up_for(Duration::from_secs(20)).await?;
        still_the_first_attempt(s)?;
        s.objects.apply(ObjectKind::ResourceQuota, &quota("9")).await?;
        s.then().runs(Part::Canary, "2").await?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        still_the_first_attempt(s)
    });
}

#[test]
fn primary_pods_that_never_leave_hold_nothing_against_the_canary() {
    scenario(async |s| {
        let steps = json!([{"weight": 34, "hold": "20s"}]);
        let spec = RolloutSpec::steps(&steps).strategy("progressDeadline", "15s");
        s.given().an_adopted_fleet_under(Election::None, 3, &spec).await?;
        s.given().a_record().await?;
        let pods: Vec<_> = s
            .log
            .look(|view| view.state.pods_of(Part::Primary).map(|(name, _)| name.clone()).collect());
        let kept = json!({"metadata": {"finalizers": ["example.com/kept"]}});
        for pod in &pods {
            s.objects.merge(ObjectKind::Pod, pod, &kept).await?;
        }
        s.when().ships(&Version::good("2")).await?;
        s.then().promotes("2", PromotionReason::Passed).await?;
        still_the_first_attempt(s)?;
        let left = s.log.look(|view| pods.iter().all(|it| view.state.pods.contains_key(it)));
        ensure!(left, "the pods of version 1 are there still");
        Ok(())
    });
}

/// The node hangs, as in an outage of its kubelet: no pod is Ready any more, and all of them consume.
#[test]
fn a_dead_node_is_waited_for() {
    scenario_alone(async |s| {
        let steps = json!([{"weight": 34, "hold": "10s"}]);
        let spec = RolloutSpec::steps(&steps)
            // Longer than a rebalance takes on a busy machine.
            .strategy("progressDeadline", "25s")
            .strategy("maxHold", "10m");
        s.given().an_adopted_fleet_under(Election::None, 3, &spec).await?;
        s.given().a_record().await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.log.note("the kubelet is stopped");
        server(s, Testbed::stop).await?;
        let outage = outage(s).await;
        // Whatever was seen: other scenarios need it.
        s.log.note("the kubelet is started");
        server(s, Testbed::start).await?;
        outage?;
        s.then().promotes("2", PromotionReason::Passed).await?;
        still_the_first_attempt(s)
    });
}

/// An outage longer than the deadline, in which nobody is given up.
async fn outage(s: &mut Scenario) -> Result<()> {
    s.then()
        .sees("no pod is Ready", |view| view.state.pods.values().all(|it| !it.ready).then_some(()))
        .await?;
    s.then().gives_nobody_up_for(Duration::from_secs(30)).await?;
    still_the_first_attempt(s)
}

/// Starting and stopping a server blocks; the scenario's watches go on meanwhile.
async fn server(s: &Scenario, action: fn(&Testbed, Server) -> Result<()>) -> Result<()> {
    let bed = s.run.bed.clone();
    tokio::task::spawn_blocking(move || action(&bed, Server::Kubelet)).await?
}
