//! Siskin itself is removed, in every order, and installed again: somebody always serves, and nothing is left half done.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use siskin_e2e::scenario::history::{State, extremes};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{
    Election, ROLLOUT, RolloutSpec, Scenario, Version, scenario, scenario_alone,
};
use siskin_e2e::testbed::Testbed;

/// Pods that serve: Ready, and not on their way out.
fn serving(state: &State) -> usize {
    state.pods.values().filter(|it| it.part.is_some() && it.ready && !it.terminating).count()
}

/// On the test bed, which blocks; the scenario's watches go on meanwhile.
async fn on_the_bed(s: &Scenario, what: fn(&Testbed) -> Result<()>) -> Result<()> {
    let bed = s.run.bed.clone();
    tokio::task::spawn_blocking(move || what(&bed)).await?
}

/// What users remove with `kubectl delete -k`, but for the namespace, which holds nothing of a scenario.
fn uninstalls(bed: &Testbed) -> Result<()> {
    for folder in ["config/rbac", "config/crd"] {
        let path = bed.repository().join(folder).display().to_string();
        bed.kubectl(&["delete", "-k", &path, "--ignore-not-found", "--wait=false"])?;
    }
    Ok(())
}

fn installs(bed: &Testbed) -> Result<()> {
    bed.apply_folder("config/rbac")?;
    bed.apply_folder("config/crd")
}

/// The definition that was being deleted is gone, and installed anew.
fn installs_anew(bed: &Testbed) -> Result<()> {
    let crd = "crd/canaryrollouts.siskin.dev";
    bed.kubectl(&["wait", "--for=delete", crd, "--timeout=60s"]).context("its removal")?;
    installs(bed)?;
    bed.serves(&[crd])
}

/// The order of somebody who did not read: everything at once, the operator first, the rollouts with their definition.
#[test]
fn everything_removed_at_once_and_installed_again_ends_whole() {
    scenario_alone(async |s| {
        let played = remove_and_install(s).await;
        // Whatever happened: the scenarios that follow need it.
        if played.is_err() {
            on_the_bed(s, installs).await?;
        }
        played
    });
}

async fn remove_and_install(s: &mut Scenario) -> Result<()> {
    s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
    let adopted = s.log.elapsed();
    s.log.note("the operator is removed, and then all of its objects");
    s.operator()?.terminate().await?;
    on_the_bed(s, uninstalls).await?;
    s.then()
        .sees("the rollout waits for an operator", |view| {
            view.state.rollouts.get(ROLLOUT)?.deleting.then_some(())
        })
        .await?;
    s.log.note("all of it is installed again");
    on_the_bed(s, installs).await?;
    s.start_operator(Election::None)?;
    s.then().hands_back("1").await?;
    let (least, _) = extremes(&s.log.history(), adopted, serving);
    ensure!(3 <= least, "only {least} of 3 served");
    on_the_bed(s, installs_anew).await?;
    s.restart_operator(Election::None).await?;
    s.given().a_rollout(&RolloutSpec::endless()).await?;
    s.given().rest().await?;
    s.given().a_canary_of(&Version::good("2")).await
}

/// The commands of the page, read from it, in the middle of a trial.
#[test]
fn the_command_line_of_the_page_leaves_the_primary_in_charge_and_nothing_else() {
    scenario_alone(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
        let adopted = s.log.elapsed();
        s.given().a_canary_of(&Version::good("2")).await?;
        s.log.note("the commands of docs/uninstall.md");
        let line = on_the_bed(s, removes_by_the_page).await;
        let ended = s.operator()?.terminate().await;
        // Whatever happened: the scenarios that follow need it.
        let kept = on_the_bed(s, installs_anew).await;
        line.and(ended).and(kept)?;
        s.then().leaves_primary_in_charge("1").await?;
        let (least, _) = extremes(&s.log.history(), adopted, serving);
        ensure!(2 <= least, "only {least} of 3 served");
        Ok(())
    });
}

/// The lines of a block of the page, the first that contains these words.
fn block(bed: &Testbed, words: &str) -> Result<Vec<String>> {
    let page = std::fs::read_to_string(bed.repository().join("docs/uninstall.md"))?;
    let blocks = page.split("```").skip(1).step_by(2);
    let block = blocks.filter_map(|it| it.strip_prefix("sh\n")).find(|it| it.contains(words));
    let block = block.with_context(|| format!("no block of the page says {words}"))?;
    Ok(block.lines().map(str::to_owned).collect())
}

/// A line of the page without the words behind it.
fn command(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim_end()
}

/// Runs a command of the page in the folder of the repository.
fn runs(bed: &Testbed, command: &str) -> Result<()> {
    let (tool, arguments) = command.split_once(' ').context("a command")?;
    ensure!(tool == "kubectl", "not a command of kubectl: {command}");
    let folder = bed.repository().display().to_string();
    let placed = |it: &str| it.strip_prefix("config/").map(|it| format!("{folder}/config/{it}"));
    let arguments = arguments.split_whitespace();
    let arguments: Vec<_> =
        arguments.map(|it| placed(it).unwrap_or_else(|| it.to_owned())).collect();
    bed.kubectl(&arguments).with_context(|| command.to_owned()).map(drop)
}

/// All but the operator's own namespace goes with `config/default`: other scenarios live on it.
fn removes_by_the_page(bed: &Testbed) -> Result<()> {
    let lines = block(bed, "delete canaryrollouts --all")?;
    let (last, before) = lines.split_last().context("the page has commands")?;
    ensure!(command(last) == "kubectl delete -k config/default", "the page ends by {last}");
    let parts = ["kubectl delete -k config/rbac", "kubectl delete -k config/crd"];
    before.iter().map(|it| command(it)).chain(parts).try_for_each(|it| runs(bed, it))
}

/// The finalizer is taken off by hand where no operator runs; the page's recipe makes the target whole.
#[test]
fn by_force_the_recipe_of_the_page_makes_the_target_whole() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
        let adopted = s.log.elapsed();
        s.operator()?.kill().await?;
        s.when().edits_rollout(&json!({"metadata": {"finalizers": null}})).await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        let on = s.run.bed.clone();
        let recipe = tokio::task::spawn_blocking(move || block(&on, "--replicas=N")).await??;
        for command in recipe.iter().flat_map(|it| it.split(" && ")) {
            let here = command.replace("deployment/X", &format!("deployment/{ROLLOUT}"));
            let here = here.replace("target=X", &format!("target={ROLLOUT}"));
            let here = here.replace("replicas=N", "replicas=3");
            let arguments: Vec<_> = here.split_whitespace().skip(1).collect();
            s.kubectl(&arguments, "").await.with_context(|| here.clone())?;
        }
        s.then().hands_back("1").await?;
        let (least, _) = extremes(&s.log.history(), adopted, serving);
        ensure!(3 <= least, "only {least} of 3 served");
        Ok(())
    });
}

/// As `helm uninstall` does after the operator went: target and rollout go together.
#[test]
fn an_app_that_is_removed_while_nobody_looks_leaves_no_consumers() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
        s.operator()?.kill().await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.when().deletes(ObjectKind::Deployment, ROLLOUT).await?;
        s.then().loses(Part::Target).await?;
        s.start_operator(Election::None)?;
        s.then()
            .sees_within("nothing is left", Duration::from_secs(180), |view| {
                let empty = view.state.parts.is_empty() && view.state.frozen.is_empty();
                let gone = view.state.rollouts.is_empty() && view.state.pods.is_empty();
                (empty && gone).then_some(())
            })
            .await
    });
}
