//! The demo: a scenario with a printer. A consumer group of real pods, a good version, one that stalls, one that crashes.
//! Every outcome is checked, not assumed; what it began it ends, also when it is interrupted.

mod act;
mod printer;
mod screen;
mod summary;
mod view;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use siskin_launch::progress::Activity;

use crate::scenario::fleet::set_environment;
use crate::scenario::installed::{Installed, remove_namespace};
use crate::scenario::interrupt::Interrupt;
use crate::scenario::{Account, RolloutSpec, Scenario, Version, Workload};
use crate::testbed::{Profile, Testbed};
use act::{Act, Ended, Expected, play};
use printer::Printer;
use screen::Screen;

/// The namespace of the demo; what an earlier one left in it is removed first.
const NAMESPACE: &str = "siskin-demo";
/// Consumers of the demo: each of them has two of the 12 partitions.
const PODS: u32 = 6;
/// A rollout at rest hands a namespace that ends over within seconds; its pods end in five.
const END: Duration = Duration::from_secs(90);
/// Consumers that have caught up finish what is left within seconds.
const CATCH_UP: Duration = Duration::from_secs(60);

/// 25 records per second and partition, and on one in a hundred of them version 3 stalls.
const WORKLOAD: Workload =
    Workload { poison_share: "0.01", commit_interval: "1s", ..Workload::SHOWN };

/// What the audience sees, in order.
fn acts() -> [Act; 4] {
    [
        Act { title: "version 2 works", version: Version::good("2"), expected: Expected::Promoted },
        Act {
            title: "version 3 stalls on some records",
            version: Version::stalling("3"),
            expected: Expected::RolledBack,
        },
        Act {
            title: "version 4 crashes",
            version: Version::crashing("4"),
            expected: Expected::RolledBack,
        },
        Act {
            title: "back to version 2, as a revert in Git does it",
            version: Version::good("2"),
            expected: Expected::Kept,
        },
    ]
}

/// Runs the demo.
///
/// # Errors
/// An outcome was not the expected one, a record was lost, or something could not be done at all.
pub fn run(keep: bool) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("a runtime")?;
    runtime.block_on(perform(keep))
}

async fn perform(keep: bool) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let mut screen = Screen::of_stdout();
    // What it says comes before anything is drawn.
    let say = |text: &str| Screen::of_stdout().say(text);
    let installed = Installed::prepare(Profile::Debug, &interrupt, say).await?;
    // Topic and consumer group are of this run alone, for Kafka remembers both.
    let topic = format!("orders-{}", std::process::id());
    let outcome = interrupt.unless(show(&installed, &topic, screen)).await;
    screen = Screen::of_stdout();
    if keep && interrupt.check().is_ok() {
        keep_producer(&installed.run.bed, &topic)?;
        screen.tell(&summary::look_around(NAMESPACE, installed.was_up()));
        return outcome;
    }
    screen.say("clearing up (with --keep everything would go on)");
    let _activity = Activity::begin("demo: clearing up");
    let cleared = clear(installed, &topic).await;
    outcome.and(cleared)
}

async fn show(installed: &Installed, topic: &str, screen: Screen) -> Result<()> {
    let client = installed.run.bed.client().await?;
    let earlier = Activity::begin("demo: removing what an earlier demo left");
    remove_namespace(&client, NAMESPACE, END).await?;
    drop(earlier);
    let mut s = Scenario::begin(Arc::clone(&installed.run), NAMESPACE, topic).await?;
    let printer = Printer::new(s.log.clone(), screen);
    let played = tokio::select! {
        played = scenes(&mut s, &printer, topic) => played,
        never = printer.follow() => match never {},
    };
    let mut screen = printer.into_screen();
    let (results, account) = played?;
    screen.tell(&summary::summary(&results, &account));
    ensure!(account.missing == 0, "{} records were processed by no version", account.missing);
    s.verdict()
}

/// The whole scenario: an adoption, the acts, and the account of the records.
async fn scenes(
    s: &mut Scenario,
    printer: &Printer,
    topic: &str,
) -> Result<(Vec<(Act, Ended)>, Account)> {
    printer.title(
        "an orders worker as anybody would write it: 6 pods, 12 partitions, 300 records per second",
    );
    s.given().a_workload(WORKLOAD);
    s.given().a_setting("OUTPUT_TOPIC", &format!("{topic}-done"));
    s.given().watched_logs();
    s.given().a_fleet(PODS).await?;
    printer.title("a CanaryRollout adopts it: its pods move to orders-primary, one by one");
    s.given().a_rollout(&RolloutSpec::read(include_str!("demo/rollout.yaml"))?).await?;
    s.given().rest().await?;
    s.then().serves("1").await?;
    let mut results: Vec<(Act, Ended)> = Vec::new();
    let mut serving = "1".to_owned();
    for act in acts() {
        printer.title(act.title);
        let ended = play(s, &act, &serving, PODS).await.context(act.title)?;
        if act.expected == Expected::Promoted {
            serving.clone_from(&act.version.name);
        }
        results.push((act, ended));
    }
    printer.title("the load ends: was every record processed by some version?");
    let account = s.then().accounts(CATCH_UP).await?;
    Ok((results, account))
}

/// The load as a Deployment that can be scaled up, for those who look around.
fn keep_producer(bed: &Testbed, topic: &str) -> Result<()> {
    let mut producer: Value =
        serde_yaml_ng::from_str(include_str!("../worker/manifests/producer.yaml"))?;
    producer["metadata"]["namespace"] = NAMESPACE.into();
    producer["spec"]["replicas"] = 0.into();
    let own = [("KAFKA_BOOTSTRAP", bed.kafka_bootstrap()), ("TOPIC", topic.to_owned())];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    set_environment(&mut producer["spec"]["template"]["spec"]["containers"][0], &own);
    bed.apply(&producer.to_string()).map(drop)
}

/// A test bed that ends takes namespace, topics and group with it.
async fn clear(installed: Installed, topic: &str) -> Result<()> {
    if installed.was_up() {
        let bed = &installed.run.bed;
        remove_namespace(&bed.client().await?, NAMESPACE, END).await?;
        let topics = format!("{topic}|{topic}-done");
        bed.ask_kafka("TopicCommand", &["--delete", "--if-exists", "--topic", &topics]).await?;
        let group = ["--delete", "--group", topic];
        bed.ask_kafka("consumer.group.ConsumerGroupCommand", &group).await?;
    }
    installed.restore().await
}
