//! The guard of `config/guard`, and what it closes: a tool that applies a new version and its count
//! in one write.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use siskin_api::Phase;
use siskin_e2e::scenario::event_log::View;
use siskin_e2e::scenario::history::Change;
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::{Part, Seen};
use siskin_e2e::scenario::{ROLLOUT, RolloutSpec, Scenario, Version, scenario};

/// What the tool wants: six pods of a version that can't start.
const WANTED: u32 = 6;

/// The guard holds the target at 0 and N becomes 6; the new version runs as a canary and nowhere else; the
/// tool sees by its `diff` no difference to what it applied.
async fn guarded(s: &mut Scenario, version: &Version, diff: &[&str]) -> Result<()> {
    let (manifest, version) = (s.manifest(version, WANTED), version.name.as_str());
    s.then()
        .sees("N is 6, and the new version is on trial", |view| {
            let trial = view.state.rollout()?.status.phase == Some(Phase::Progressing);
            let canary = view.state.parts.get(&Part::Canary)?.version.as_deref() == Some(version);
            (view.state.total() == Some(WANTED) && trial && canary).then_some(())
        })
        .await?;
    let pods = s.log.look(|view| started(&view, version));
    ensure!(pods.iter().all(|it| it.contains("canary")), "un-analysed pods: {pods:?}");
    // kubectl diff ends with 1 where it finds a difference.
    let arguments = [diff, &["-f", "-"]].concat();
    s.kubectl(&arguments, &manifest).await.context("a difference is seen")?;
    Ok(())
}

#[test]
fn with_the_guard_no_pod_of_a_new_version_starts_outside_the_canary() {
    scenario(async |s| {
        s.given().a_manager("helm");
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        let guard = in_force(s).await?;

        let helm = Version::without_image("helm");
        s.when().applies(&helm, WANTED).await?;
        guarded(s, &helm, &["diff", "--server-side", "--field-manager=helm"]).await?;

        let client = Version::without_image("client");
        s.log.note("kubectl applies, client-side");
        s.kubectl(&["apply", "-f", "-"], &s.manifest(&client, WANTED)).await?;
        guarded(s, &client, &["diff"]).await?;

        s.log.note("a whole Deployment is put");
        let put = Version::without_image("put");
        s.kubectl(&["replace", "-f", "-"], &s.manifest(&put, WANTED)).await?;
        guarded(s, &put, &["diff"]).await?;
        s.kubectl(&["delete", "-f", "-"], &guard).await.map(drop)
    });
}

#[test]
fn a_target_that_is_made_anew_or_has_lost_its_labels_is_guarded() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        let guard = in_force(s).await?;
        s.when().deletes(ObjectKind::Deployment, ROLLOUT).await?;
        s.then().loses(Part::Target).await?;
        let anew = Version::without_image("anew");
        s.when().applies(&anew, WANTED).await?;
        guarded(s, &anew, &["diff", "--server-side", "--field-manager=kubectl"]).await?;

        s.log.note("the target is put without labels and annotations");
        let bare = Version::without_image("bare");
        let mut manifest: Value = serde_json::from_str(&s.manifest(&bare, WANTED + 1))?;
        for field in ["labels", "annotations"] {
            manifest["metadata"].as_object_mut().context("metadata")?.remove(field);
        }
        s.kubectl(&["replace", "-f", "-"], &manifest.to_string()).await?;
        s.then()
            .sees("the count is N, and no pod of it is the target's", |view| {
                let target = view.state.count(Part::Target) == 0;
                (view.state.total() == Some(WANTED + 1) && target).then_some(())
            })
            .await?;
        let pods = s.log.look(|view| started(&view, "bare"));
        ensure!(pods.iter().all(|it| it.contains("canary")), "un-analysed pods: {pods:?}");
        s.kubectl(&["delete", "-f", "-"], &guard).await.map(drop)
    });
}

/// The finalizer is taken off by hand while no operator runs: nobody but the API server is left to
/// turn the guard off.
#[test]
fn the_guard_is_off_once_its_rollout_was_removed_by_force() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        let guard = in_force(s).await?;
        s.log.note("end the operator, and remove the rollout by force");
        s.operator()?.terminate().await?;
        let asked = json!({"spec": {"replicas": WANTED}});
        s.then().mutates(&asked, "{.spec.replicas}", "0").await?;
        let bare = json!({"metadata": {"finalizers": null}});
        s.objects.merge(ObjectKind::CanaryRollout, ROLLOUT, &bare).await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then().mutates(&asked, "{.spec.replicas}", &WANTED.to_string()).await?;
        s.kubectl(&["delete", "-f", "-"], &guard).await.map(drop)
    });
}

#[test]
fn without_the_guard_the_same_write_is_drained() {
    scenario(async |s| {
        s.given().a_manager("helm");
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        let from = s.log.length();
        let version = Version::good("2");
        s.when().applies(&version, WANTED).await?;
        s.then()
            .sees("the target is drained, N is 6, and the new version is on trial", |view| {
                let trial = view.state.rollout()?.status.phase == Some(Phase::Progressing);
                let drained = view.state.count(Part::Target) == 0;
                (view.state.total() == Some(WANTED) && trial && drained).then_some(())
            })
            .await?;
        s.then()
            .sees("the target's pods are gone", |view| {
                let mut pods = view.state.pods.values();
                pods.all(|it| it.part != Some(Part::Target)).then_some(())
            })
            .await?;
        let (asked, drained) = s.log.look(|view| exposure(&view, from)).context("drained")?;
        let pods = s.log.look(|view| started(&view, "2"));
        let exposed = pods.iter().filter(|it| !it.contains("canary")).count();
        let ready = s.log.look(|view| ever_ready(&view, from));
        eprintln!(
            "e2e: without the guard the target had {WANTED} pods for {:.0} ms: {exposed} were made, {ready} became Ready",
            drained.saturating_sub(asked).as_secs_f64() * 1000.0
        );
        s.then().tells("TargetDrained", "6 replicas").await
    });
}

/// When the target was scaled up, and when it was back at 0.
fn exposure(view: &View<'_>, from: usize) -> Option<(Duration, Duration)> {
    let counts = || {
        view.history.iter().skip(from).filter_map(|entry| match &entry.change {
            Change::Put(name, Seen::Deployment(it)) if name == ROLLOUT => {
                Some((entry.at, it.replicas))
            }
            Change::Put(..) | Change::Gone(..) | Change::Action { .. } | Change::Stalled(_) => None,
        })
    };
    let (asked, _) = counts().find(|(_, count)| 0 < *count)?;
    let (drained, _) = counts().find(|(at, count)| asked < *at && *count == 0)?;
    Some((asked, drained))
}

/// Names of all pods that ever ran this version.
fn started(view: &View<'_>, version: &str) -> Vec<String> {
    let pods = view.history.iter().filter_map(|entry| match &entry.change {
        Change::Put(name, Seen::Pod(it)) if it.version.as_deref() == Some(version) => {
            Some(name.clone())
        }
        Change::Put(..) | Change::Gone(..) | Change::Action { .. } | Change::Stalled(_) => None,
    });
    let mut pods: Vec<_> = pods.collect();
    pods.sort();
    pods.dedup();
    pods
}

/// How many pods of the target were Ready since then.
fn ever_ready(view: &View<'_>, from: usize) -> usize {
    let ready = view.history.iter().skip(from).filter_map(|entry| match &entry.change {
        Change::Put(name, Seen::Pod(it)) if it.part == Some(Part::Target) && it.ready => Some(name),
        Change::Put(..) | Change::Gone(..) | Change::Action { .. } | Change::Stalled(_) => None,
    });
    ready.collect::<std::collections::BTreeSet<_>>().len()
}

/// The guard as it is shipped, for this scenario alone, and in force.
async fn in_force(s: &mut Scenario) -> Result<String> {
    let guard = s.given().shipped_policies("config/guard").await?;
    let asked = json!({"spec": {"replicas": WANTED}});
    s.then().mutates(&asked, "{.spec.replicas}", "0").await?;
    Ok(guard)
}
