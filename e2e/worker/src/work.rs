//! Consume, process, acknowledge, commit: the loop of the worker, on a thread of its own.
//! Misbehaves where a fate says so; decides nothing about fates or commits itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};

use crate::acknowledge::{Acknowledger, SharedLedger};
use crate::clock::now_millis;
use crate::fate::Fate;
use crate::ledger::Partition;
use crate::membership::{self, Member};
use crate::metrics::{Batch, Metrics};
use crate::pace::Debt;
use crate::settings::{Settings, StallScope, WorkKind};

/// How long a wish to stop may go unseen.
const LOOK_UP: Duration = Duration::from_millis(50);

/// Records whose acknowledgements are under way at most: some seconds of a fast worker.
const MOST_OPEN: usize = 10_000;

/// A broker that answers does so at once; the rest of the two seconds is for the last commit.
const LAST_FLUSH: Duration = Duration::from_millis(700);

/// Time that a member which leaves stays away: others see it gone.
const AWAY: Duration = Duration::from_secs(3);

/// Pause after which a repeated error is worth a line again.
const SAME_ERROR_AFTER: Duration = Duration::from_secs(10);

/// Works until `stop` is set.
///
/// # Errors
/// Kafka refuses the settings, an acknowledgement was given up, the group has fenced this member,
/// or it was told to crash. It then ends as a crash does: no last commit, no leaving of the group.
pub fn run(
    settings: &Settings,
    metrics: Metrics,
    ready: Arc<AtomicBool>,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let ledger = SharedLedger::default();
    let acknowledger = Arc::new(Acknowledger::new(&settings.place, ledger.clone())?);
    let member = Member { ledger: ledger.clone(), acknowledger: Arc::clone(&acknowledger), ready };
    let consumer = membership::join(settings, member)?;
    let mut worker = Worker {
        settings,
        metrics,
        ledger,
        acknowledger,
        stop,
        debt: Debt::default(),
        started: Instant::now(),
        batch: Batch::default(),
        told: Instant::now(),
        taken: 0,
        leaked: Vec::new(),
        hanging: false,
        left: None,
        complaint: None,
    };
    if let Err(error) = worker.until_stopped(&consumer) {
        // Dropping it would commit and leave.
        std::mem::forget(consumer);
        return Err(error);
    }
    worker.leave(consumer);
    Ok(())
}

struct Worker<'a> {
    settings: &'a Settings,
    metrics: Metrics,
    ledger: SharedLedger,
    acknowledger: Arc<Acknowledger>,
    stop: &'a AtomicBool,
    debt: Debt,
    started: Instant,
    /// What was counted and is not told yet, and when anything was told last.
    batch: Batch,
    told: Instant,
    taken: u64,
    leaked: Vec<Vec<u8>>,
    /// The whole consumer hangs, for the rest of its life.
    hanging: bool,
    /// When it left the group, to come back.
    left: Option<Instant>,
    complaint: Option<(Instant, String)>,
}

impl Worker<'_> {
    fn until_stopped(&mut self, consumer: &BaseConsumer<Member>) -> anyhow::Result<()> {
        let mut last_commit = Instant::now();
        while !self.stopping() {
            self.acknowledger.poll(Duration::ZERO)?;
            if self.settings.membership.commit_interval <= last_commit.elapsed() {
                membership::commit(consumer, CommitMode::Async);
                last_commit = Instant::now();
            }
            if self.settings.work.count_every <= self.told.elapsed() {
                self.tell();
            }
            if self.left.is_some_and(|it| AWAY <= it.elapsed()) {
                self.left = None;
                membership::subscribe(consumer, self.settings)?;
            }
            if MOST_OPEN <= self.ledger.lock().open() {
                self.acknowledger.poll(LOOK_UP)?;
                continue;
            }
            match consumer.poll(LOOK_UP) {
                None => {}
                Some(Ok(message)) => self.receive(consumer, &message)?,
                Some(Err(error)) => self.complain(error)?,
            }
        }
        Ok(())
    }

    fn leave(&mut self, consumer: BaseConsumer<Member>) {
        tracing::info!("stopping");
        self.tell();
        self.acknowledger.flush(LAST_FLUSH);
        membership::commit(&consumer, CommitMode::Sync);
        // Leaves the group.
        drop(consumer);
        tracing::info!("stopped");
    }

    fn receive(
        &mut self,
        consumer: &BaseConsumer<Member>,
        message: &BorrowedMessage<'_>,
    ) -> anyhow::Result<()> {
        let (topic, offset) = (message.topic(), message.offset());
        let partition = Partition { topic: topic.to_owned(), number: message.partition() };
        if self.hanging {
            return self.hang(consumer, &[partition]);
        }
        let taken = self.ledger.lock().take(&partition, offset);
        let Some(ticket) = taken else { return self.hang(consumer, &[partition]) };
        let key = message.key().unwrap_or_default();
        let fate = self.settings.misbehavior.faults.fate(topic, partition.number, offset, key);
        if fate != Fate::Skipped {
            self.batch.consumed += 1;
        }
        match fate {
            Fate::Skipped => {}
            Fate::Stalled => return self.stall(consumer, &partition, offset),
            Fate::Processed | Fate::Failed | Fate::Dropped => {
                if !self.work() {
                    // Stopped in the middle of it: not done.
                    return Ok(());
                }
                self.count(fate, &partition, offset);
            }
        }
        self.acknowledger.acknowledge(ticket, fate)?;
        self.taken += 1;
        if self.settings.misbehavior.crash_after == self.taken {
            tracing::error!("crashing after {} records, as told", self.taken);
            bail!("crashed as told");
        }
        let every = self.settings.misbehavior.leave_every;
        if 0 < every && self.taken.is_multiple_of(every) {
            tracing::warn!("leaving the group after {} records, as told", self.taken);
            // What is given up is committed on the way.
            consumer.unsubscribe();
            self.left = Some(Instant::now());
        }
        Ok(())
    }

    fn count(&mut self, fate: Fate, partition: &Partition, offset: i64) {
        match fate {
            Fate::Processed => self.batch.processed += 1,
            Fate::Failed => {
                self.batch.errors += 1;
                tracing::warn!("failed at {partition}/{offset}");
            }
            Fate::Dropped | Fate::Skipped | Fate::Stalled => {}
        }
        if 0 < self.settings.work.leak {
            // Written to, or the kernel would not hand out the memory.
            self.leaked.push(vec![1; self.settings.work.leak]);
        }
    }

    /// Tells what was counted since the last time.
    fn tell(&mut self) {
        self.metrics.tell(std::mem::take(&mut self.batch));
        self.told = Instant::now();
    }

    /// What a record costs now.
    fn cost(&self) -> Duration {
        let work = &self.settings.work;
        let times = if self.started.elapsed() < work.warm_up { work.warm_up_cost } else { 1 };
        work.work_per_message.saturating_mul(times)
    }

    /// Hangs on this record: heartbeats go on, nothing from it on is committed.
    fn stall(
        &mut self,
        consumer: &BaseConsumer<Member>,
        partition: &Partition,
        offset: i64,
    ) -> anyhow::Result<()> {
        let at_ms = now_millis();
        tracing::warn!(at_ms, "stalled at {partition}/{offset}");
        match self.settings.misbehavior.stall_scope {
            StallScope::Partition => self.hang(consumer, std::slice::from_ref(partition)),
            StallScope::Consumer => {
                self.hanging = true;
                let all = consumer.assignment().context("asking what is assigned")?;
                self.hang(consumer, &membership::listed(&all))
            }
        }
    }

    /// No more records of these, until they are taken away.
    fn hang(&self, consumer: &BaseConsumer<Member>, these: &[Partition]) -> anyhow::Result<()> {
        for partition in these {
            self.ledger.lock().stall(partition);
        }
        consumer.pause(&membership::list(these)).context("pausing")
    }

    /// Spends the time that a record costs; false when it was told to stop meanwhile.
    fn work(&mut self) -> bool {
        let cost = self.cost();
        let due = self.debt.add(cost);
        let started = Instant::now();
        while !self.stopping() {
            let left = due.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            match self.settings.work.work_kind {
                WorkKind::Sleep => std::thread::sleep(left.min(LOOK_UP)),
                WorkKind::Busy => std::hint::spin_loop(),
            }
        }
        let spent = started.elapsed();
        let finished = due <= spent;
        if !due.is_zero() {
            self.debt.pay(spent);
        }
        // What sleeping saved up or made up for belongs to other records.
        self.metrics.seconds.observe((cost + spent.saturating_sub(due)).as_secs_f64());
        finished
    }

    /// # Errors
    /// One after which librdkafka does nothing any more, such as a fenced static member.
    fn complain(&mut self, error: KafkaError) -> anyhow::Result<()> {
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            return Err(error).context("Kafka ended this member");
        }
        let text = error.to_string();
        let repeated = self
            .complaint
            .as_ref()
            .is_some_and(|(said, last)| *last == text && said.elapsed() < SAME_ERROR_AFTER);
        if !repeated {
            tracing::warn!("receiving: {text}");
            self.complaint = Some((Instant::now(), text));
        }
        Ok(())
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
