//! What brokers do in the middle of a trial: one is killed and comes back, leaders move, partitions are added, a topic is
//! made anew. A healthy version is promoted all the same, and offsets are unknown for a short while only.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use siskin_api::{Phase, PromotionReason};
use siskin_e2e::scenario::cases::Case;
use siskin_e2e::scenario::{Gaps, Placement, ROLLOUT, Scenario, Version, scenario_alone};
use siskin_e2e::testbed::Part;

use crate::figures;
use crate::knobs::{adopted, patient};

/// Two replicas; the third broker leads half of them.
const OF_TWO: Placement = &[&[3, 1], &[1, 2], &[3, 2], &[2, 1], &[3, 1], &[1, 3]];
/// As [`OF_TWO`], with the leaders on other brokers.
const MOVED: Placement = &[&[1, 2], &[2, 3], &[1, 3], &[3, 2], &[2, 1], &[3, 2]];
/// Three replicas; the second broker leads half of them.
const OF_THREE: Placement =
    &[&[2, 1, 3], &[1, 3, 2], &[2, 3, 1], &[3, 1, 2], &[2, 1, 3], &[1, 2, 3]];
/// Partitions on the first broker, which nothing happens to.
const AT_HOME: Placement = &[&[1], &[1]];

/// A broker is away for longer than offsets may be unknown: it is not its return that ends that.
const AWAY: Duration = Duration::from_secs(60);
/// What follows an event is seen by then.
const AFTER: Duration = Duration::from_secs(55);
/// Longest time in which offsets may be unknown.
const UNKNOWN: Duration = Duration::from_secs(45);
/// Longest time that 95 of 100 samples of another group may come after the one before.
const ELSEWHERE: Duration = Duration::from_secs(4);
/// What is left to prove after an event, on a busy machine.
const WITHIN: Duration = Duration::from_secs(420);

/// Another workload under the same operator, in a group of its own.
const OTHER: &str = "invoices";

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A broker is killed while it leads half of the partitions, and comes back.
    Killed(Part),
    /// Each partition goes to other brokers, and has another leader.
    Moved,
    /// The topic gets twice as many partitions.
    PartitionsAdded,
    /// The topic is deleted and made anew.
    TopicAnew,
}

/// An event, and the topic and the clients that it happens to.
struct Row {
    name: &'static str,
    event: Event,
    placement: Placement,
    transaction: &'static str,
    protocol: &'static str,
}

const fn row(name: &'static str, event: Event) -> Row {
    Row { name, event, placement: OF_TWO, transaction: "0s", protocol: "classic" }
}

const ROWS: [Row; 6] = [
    row("killed/two-replicas", Event::Killed(Part::ThirdBroker)),
    Row {
        placement: OF_THREE,
        protocol: "consumer",
        ..row("killed/three-replicas", Event::Killed(Part::SecondBroker))
    },
    Row { transaction: "2s", ..row("killed/transactions", Event::Killed(Part::ThirdBroker)) },
    row("moved", Event::Moved),
    Row { protocol: "consumer", ..row("partitions-added", Event::PartitionsAdded) },
    row("topic-anew", Event::TopicAnew),
];

/// A row per event.
pub fn cases() -> Vec<Case> {
    let case = |row: &'static Row| Case::new(format!("brokers/{}", row.name), move || play(row));
    ROWS.iter().map(case).collect()
}

fn play(row: &'static Row) -> String {
    let mut measured = String::new();
    scenario_alone(async |s| {
        on_trial(s, row).await?;
        let known = happens(s, row).await?;
        let over = std::time::Instant::now();
        s.then().promotes_within(WITHIN, "2", PromotionReason::Passed).await?;
        let promoted = over.elapsed();
        let rolled_back = figures::times(s, Phase::RollingBack);
        ensure!(rolled_back == 0, "rolled back {rolled_back} times for what brokers did");
        let (ours, others) = (s.gaps(ROLLOUT).await?, s.gaps(OTHER).await?);
        let operator = s.operator()?;
        let crashes = operator.metric("siskin_sampler_crashes_total").await?;
        ensure!(crashes == 0.0, "the Kafka client ended {crashes} times");
        let unread = operator.labeled("siskin_partitions_unread_total", "reason").await?;
        let unread = unread.iter().filter(|it| 0.0 < *it.1);
        let unread: Vec<String> = unread.map(|(why, count)| format!("{count} {why}")).collect();
        measured = format!(
            "{}; all partitions known {:.1} s after it; unread {}; promoted {:.0} s later",
            told(ours, others),
            known.as_secs_f64(),
            if unread.is_empty() { "none".to_owned() } else { unread.join(", ") },
            promoted.as_secs_f64()
        );
        ensure!(ours.longest <= UNKNOWN, "{measured}");
        ensure!(others.p95 <= ELSEWHERE, "{measured}");
        Ok(())
    });
    measured
}

/// A version on trial that is no worse, and another group whose trial does not end.
async fn on_trial(s: &mut Scenario, row: &Row) -> Result<()> {
    s.given().three_brokers().await?;
    s.given().a_placed_topic(row.placement).await?;
    s.given().a_placed_topic_beside(OTHER, AT_HOME).await?;
    s.given().transactions(row.transaction);
    s.given().a_setting("GROUP_PROTOCOL", row.protocol);
    let topic = s.namespace.clone();
    let hold = match row.event {
        Event::Killed(_) => AWAY + AFTER,
        Event::Moved | Event::PartitionsAdded | Event::TopicAnew => AFTER,
    };
    let spec = patient(&json!([{"weight": 34, "hold": format!("{}s", hold.as_secs())}]))
        .strategy("maxHold", "15m")
        .kafka("topics", json!([topic]));
    adopted(s, &spec).await?;
    let endless = patient(&json!([{"weight": 50, "hold": "1h"}])).strategy("maxHold", "2h");
    s.given().another_adopted_group(OTHER, 1, &endless).await?;
    s.given().a_record_of(Duration::from_secs(15)).await?;
    s.when().ships_beside(OTHER).await?;
    s.then()
        .sees("the other group's trial", |view| {
            let rollout = view.state.rollouts.get(OTHER)?;
            let progress = rollout.status.progress.as_ref()?;
            progress.clocks.hold.since.is_some().then_some(())
        })
        .await?;
    s.given().a_canary_of(&Version::good("2")).await
}

/// The event, and the time from its end until the offsets of all partitions are known.
async fn happens(s: &mut Scenario, row: &Row) -> Result<Duration> {
    // Some samples of the trial come before it.
    tokio::time::sleep(Duration::from_secs(5)).await;
    match row.event {
        Event::Killed(broker) => {
            s.when().kills_broker(broker).await?;
            tokio::time::sleep(AWAY).await;
            s.when().broker_returns(broker).await?;
        }
        Event::Moved => s.when().moves_partitions(MOVED).await?,
        Event::PartitionsAdded => {
            let partitions = u32::try_from(2 * row.placement.len())?;
            s.when().adds_partitions(partitions).await?;
        }
        Event::TopicAnew => s.when().makes_topic_anew(row.placement).await?,
    }
    let partitions = match row.event {
        Event::PartitionsAdded => 2 * row.placement.len(),
        Event::Killed(_) | Event::Moved | Event::TopicAnew => row.placement.len(),
    };
    let known = s.knows(ROLLOUT, partitions, UNKNOWN).await?;
    tokio::time::sleep(AFTER.saturating_sub(known)).await;
    Ok(known)
}

fn told(ours: Gaps, others: Gaps) -> String {
    format!(
        "offsets unknown for {:.1} s at most; samples of another group p95 {:.1} s, {:.1} s at most, of {}",
        ours.longest.as_secs_f64(),
        others.p95.as_secs_f64(),
        others.longest.as_secs_f64(),
        others.samples
    )
}
