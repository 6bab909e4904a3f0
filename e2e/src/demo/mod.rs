//! The demo: a consumer group of real pods, a good version, one that stalls and one that crashes.
//! Every outcome is checked, not assumed; what it began it ends, also when it is interrupted.

mod act;
pub mod fleet;
pub mod interrupt;
mod screen;
pub mod seen;
pub mod setting;
mod show;
mod summary;
mod view;
pub mod watch;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use siskin_launch::progress::Activity;

use crate::testbed::Profile;
use act::{Act, Ended, Outcome, play};
use fleet::{Account, Fleet, Version, Workload, remove_namespace};
use interrupt::Interrupt;
use screen::Screen;
use setting::Setting;
use show::Show;
use watch::Watch;

/// The namespace of the demo; what an earlier one left in it is removed first.
const NAMESPACE: &str = "siskin-demo";
/// As many consumers as there are partitions for each of them to have two.
const PODS: usize = 6;
/// Pods that can start have started by then, also on a busy machine.
const START: Duration = Duration::from_secs(120);
/// A rollout at rest hands a namespace that ends over within seconds; its pods end in five.
const END: Duration = Duration::from_secs(90);
/// Consumers that have caught up finish what is left within seconds.
const CATCH_UP: Duration = Duration::from_secs(60);

/// 25 records per second and partition, and on one in a hundred of them version 3 stalls.
const WORKLOAD: Workload = Workload {
    pods: PODS,
    partitions: 12,
    rate: 300,
    poison_share: "0.01",
    commit_interval: "1s",
    rollout: include_str!("rollout.yaml"),
};

/// What the audience sees, in order.
fn acts() -> [Act; 4] {
    let version = |name: &str, knobs| Version { name: name.to_owned(), knobs };
    [
        Act { title: "version 2 works", version: version("2", &[]), expected: Outcome::Promoted },
        Act {
            title: "version 3 stalls on some records",
            version: version("3", &[("STALL_ON", "poison")]),
            expected: Outcome::RolledBack,
        },
        Act {
            title: "version 4 crashes",
            version: version("4", &[("CRASH_AT_START", "true")]),
            expected: Outcome::RolledBack,
        },
        Act {
            title: "back to version 2, as a revert in Git does it",
            version: version("2", &[]),
            expected: Outcome::Kept,
        },
    ]
}

/// Runs the demo.
///
/// # Errors
/// An outcome was not the expected one, a record was lost, or something could not be done at all.
pub fn run(keep: bool) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("a runtime")?;
    runtime.block_on(stage(keep))
}

async fn stage(keep: bool) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let mut screen = Screen::of_stdout();
    let setting = {
        let interrupt = interrupt.clone();
        // On a thread of its own, for it blocks; what it says comes before anything is drawn.
        let prepare = move || {
            let say = |text: &str| Screen::of_stdout().say(text);
            Setting::prepare(Profile::Debug, &interrupt, &say)
        };
        tokio::task::spawn_blocking(prepare).await??
    };
    let outcome = interrupt.unless(perform(&setting, screen)).await;
    screen = Screen::of_stdout();
    if keep && interrupt.check().is_ok() {
        screen.tell(&summary::look_around(NAMESPACE, setting.was_up()));
        return outcome;
    }
    screen.say("clearing up (with --keep everything would go on)");
    let _activity = Activity::begin("clearing up");
    let cleared = clear(setting).await;
    outcome.and(cleared)
}

async fn perform(setting: &Setting, mut screen: Screen) -> Result<()> {
    let fleet = Fleet::planned(&setting.bed, NAMESPACE, WORKLOAD).await?;
    let earlier = Activity::begin("removing what an earlier demo left");
    remove_namespace(fleet.client(), NAMESPACE, END).await?;
    drop(earlier);
    screen.say(
        "an orders worker as anybody would write it: 6 pods, 12 partitions, 300 records per second",
    );
    let mut show = Show::of(Watch::begin(fleet.client(), NAMESPACE), screen);
    let first = Version { name: "1".to_owned(), knobs: &[] };
    fleet.start(&first).await?;
    let ready = |scene: &seen::Scene| scene.ready(seen::Role::Target) == PODS;
    show.until("six Ready pods", START, |scene, _| ready(scene).then_some(())).await?;

    show.title("a CanaryRollout adopts it: its pods move to orders-primary, one by one");
    fleet.add_rollout().await?;
    let adopted = show.until("the adoption", START, |scene, _| {
        let completed = scene.rollout.as_ref()?.has_completed(&first.name);
        (completed && scene.serves_alone(&first.name, PODS)).then_some(())
    });
    adopted.await?;

    let mut results: Vec<(Act, Ended)> = Vec::new();
    let mut serving = first.name;
    for act in acts() {
        let ended = play(&act, &serving, PODS, (&fleet, &mut show)).await?;
        if act.expected == Outcome::Promoted {
            serving.clone_from(&act.version.name);
        }
        results.push((act, ended));
    }

    show.title("the load ends: was every record processed by some version?");
    let counting = Activity::begin("counting records");
    let account = fleet.account(&setting.producer, CATCH_UP).await?;
    drop(counting);
    show.screen().leave();
    show.screen().tell(&summary::summary(&results, &account));
    verdict(&results, &account)
}

fn verdict(results: &[(Act, Ended)], account: &Account) -> Result<()> {
    let complaints = results
        .iter()
        .flat_map(|(act, ended)| ended.complaints.iter().map(|it| format!("{}: {it}", act.title)));
    let mut complaints: Vec<String> = complaints.collect();
    if account.missing != 0 {
        complaints.push(format!("{} records were processed by no version", account.missing));
    }
    if !complaints.is_empty() {
        bail!("not as expected:\n  {}", complaints.join("\n  "));
    }
    Ok(())
}

/// A test bed that ends takes the namespace with it.
async fn clear(setting: Setting) -> Result<()> {
    if setting.was_up() {
        let fleet = Fleet::planned(&setting.bed, NAMESPACE, WORKLOAD).await?;
        fleet.remove(END).await?;
    }
    tokio::task::spawn_blocking(|| setting.restore()).await?
}
