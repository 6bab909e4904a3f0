//! The load: a steady rate with skew and bursts; and the check that nothing of it was lost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Parser, Subcommand};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use siskin_worker::fate::uniform;
use siskin_worker::settings::{duration, share};
use siskin_worker::verify;

/// Produces records at a steady rate, or verifies that all of them were processed.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    load: Load,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compares a topic with its acknowledgements; prints JSON; fails if any record is missing.
    Verify {
        /// Kafka brokers.
        #[arg(long, env = "KAFKA_BOOTSTRAP", default_value = "127.0.0.1:9092")]
        bootstrap: String,
        /// What was produced.
        #[arg(long)]
        topic: String,
        /// Where the workers acknowledged.
        #[arg(long)]
        output: String,
        /// How long reading may take.
        #[arg(long, value_parser = duration, default_value = "1m")]
        patience: Duration,
    },
}

#[derive(Debug, clap::Args)]
struct Load {
    /// Kafka brokers.
    #[arg(long, env = "KAFKA_BOOTSTRAP", default_value = "127.0.0.1:9092")]
    bootstrap: String,
    /// Topic; made if missing.
    #[arg(long, env = "TOPIC", default_value = "orders")]
    topic: String,
    /// Partitions of the topic if it is made.
    #[arg(long, env = "PARTITIONS", default_value_t = 12)]
    partitions: i32,
    /// Records per second, all partitions together.
    #[arg(long, env = "RATE", default_value_t = 100)]
    rate: u32,
    /// Share of the records that go to partition 0, beyond its even share.
    #[arg(long, env = "SKEW", value_parser = share, default_value_t = 0.0)]
    skew: f64,
    /// The rate during a burst, as a multiple.
    #[arg(long, env = "BURST_FACTOR", default_value_t = 1)]
    burst_factor: u32,
    /// Time from the start of a burst to that of the next.
    #[arg(long, env = "BURST_EVERY", value_parser = duration, default_value = "60s")]
    burst_every: Duration,
    /// Length of a burst.
    #[arg(long, env = "BURST_LENGTH", value_parser = duration, default_value = "10s")]
    burst_length: Duration,
    /// Share of records whose key starts with "poison".
    #[arg(long, env = "POISON_SHARE", value_parser = share, default_value_t = 0.0)]
    poison_share: f64,
    /// Stop after this many records; 0: never.
    #[arg(long, env = "COUNT", default_value_t = 0)]
    count: u64,
    /// Stop after this time; 0s: never.
    #[arg(long, env = "DURATION", value_parser = duration, default_value = "0s")]
    duration: Duration,
    /// Only make the topic.
    #[arg(long)]
    create_only: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Verify { bootstrap, topic, output, patience }) => {
            let account = verify::account(&bootstrap, &topic, &output, patience)?;
            println!("{}", serde_json::to_string(&account)?);
            anyhow::ensure!(account.missing == 0, "{} records are missing", account.missing);
            Ok(())
        }
        None => produce(&arguments.load).await,
    }
}

async fn produce(load: &Load) -> anyhow::Result<()> {
    create_topic(load).await?;
    if load.create_only {
        return Ok(());
    }
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", &load.bootstrap)
        .set("enable.idempotence", "true")
        .set("linger.ms", "5")
        .create()?;
    let metadata = producer.client().fetch_metadata(Some(&load.topic), Duration::from_secs(10))?;
    let partitions = metadata.topics().first().map_or(0, |it| it.partitions().len());
    let partitions = i32::try_from(partitions).unwrap_or(i32::MAX).max(1);
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let (started, mut sent) = (Instant::now(), 0_u64);
    let mut per_partition: BTreeMap<i32, u64> = BTreeMap::new();
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let mut owed = 0.0;
    let mut last = started;
    'load: loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = terminate.recv() => break,
            _ = tokio::signal::ctrl_c() => break,
        }
        let now = Instant::now();
        owed += rate_at(load, now - started) * (now - last).as_secs_f64();
        last = now;
        while 1.0 <= owed {
            if (0 < load.count && load.count <= sent)
                || (!load.duration.is_zero() && load.duration <= started.elapsed())
            {
                break 'load;
            }
            let partition = partition_of(load, sent, partitions);
            send(&producer, load, sent, partition).await?;
            *per_partition.entry(partition).or_default() += 1;
            sent += 1;
            owed -= 1.0;
        }
    }
    producer.flush(Duration::from_secs(30)).context("flushing")?;
    println!("{}", serde_json::json!({"produced": sent, "per_partition": per_partition}));
    Ok(())
}

fn rate_at(load: &Load, since_start: Duration) -> f64 {
    let within = since_start.as_secs_f64() % load.burst_every.as_secs_f64().max(0.001);
    let burst = within < load.burst_length.as_secs_f64();
    f64::from(load.rate) * if burst { f64::from(load.burst_factor) } else { 1.0 }
}

fn partition_of(load: &Load, sequence: u64, partitions: i32) -> i32 {
    let place = i64::try_from(sequence).unwrap_or(i64::MAX);
    if uniform("skew", 0, place) < load.skew {
        return 0;
    }
    i32::try_from(sequence % u64::from(partitions.unsigned_abs())).unwrap_or(0)
}

async fn send(
    producer: &ThreadedProducer<DefaultProducerContext>,
    load: &Load,
    sequence: u64,
    partition: i32,
) -> anyhow::Result<()> {
    let place = i64::try_from(sequence).unwrap_or(i64::MAX);
    let poison = uniform("poison", 0, place) < load.poison_share;
    let key = format!("{}-{sequence}", if poison { "poison" } else { "order" });
    let value = format!("{{\"sequence\":{sequence}}}");
    let mut record = BaseRecord::to(&load.topic).partition(partition).key(&key).payload(&value);
    // The local queue is full while the broker is away: wait for it, lose nothing.
    while let Err((error, back)) = producer.send(record) {
        if !matches!(error.rdkafka_error_code(), Some(rdkafka::types::RDKafkaErrorCode::QueueFull))
        {
            return Err(error).context("producing");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        record = back;
    }
    Ok(())
}

async fn create_topic(load: &Load) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &load.bootstrap).create()?;
    let topic = NewTopic::new(&load.topic, load.partitions, TopicReplication::Fixed(1));
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(10)));
    for outcome in admin.create_topics([&topic], &options).await? {
        match outcome {
            Ok(_) | Err((_, rdkafka::types::RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => anyhow::bail!("could not make topic {name}: {code}"),
        }
    }
    Ok(())
}
