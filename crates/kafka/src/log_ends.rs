//! First and last offsets of partitions, asked for many groups at a time.
//! Knows no group's members or commits; who waits together decides nothing but the number of requests.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use siskin_analysis::observation::Millis;
use tokio::time::{Instant, sleep, timeout};

use crate::error::SampleError;
use crate::ffi::raw::{LogOffset, OffsetRow};
use crate::leaders::{LedBy, only};
use crate::log_starts::KnownStarts;
use crate::requests::{Requests, allowed};
use crate::snapshot::TopicPartition;
use crate::topics::KnownTopics;

/// A request waits this long for others to join it. Commits were read before it, so that lag looks
/// longer by as much, on all partitions alike.
const GATHERED_FOR: Duration = Duration::from_millis(50);
/// A shared answer is waited for no longer than this: a leader that does not answer keeps up those
/// who ask it, and nobody else.
const SHARED_WITHIN: Duration = Duration::from_secs(1);
/// After a shared request without an answer, each group asks for itself for this long.
const APART_FOR: Duration = Duration::from_secs(60);

/// Most partitions that one group shares: a large group asks for itself.
const MOST_SHARED: usize = 1_000;
/// Most partitions of one shared request; whoever comes then asks for itself.
const MOST_TOGETHER: usize = 20_000;

/// What leaders say of logs, and when the last of them said it.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogEnds {
    /// When the answers were there.
    pub(crate) at: Millis,
    /// Last stable offsets.
    pub(crate) ends: Vec<OffsetRow>,
    /// First offsets.
    pub(crate) starts: Vec<OffsetRow>,
}

/// Asks one cluster for the ends of logs, for all groups that ask at about the same time.
pub(crate) struct SharedLogEnds {
    leaders: Leaders,
    shared: Arc<Mutex<Gathering>>,
}

/// Reads the ends of logs from those who lead them.
#[derive(Clone)]
struct Leaders {
    requests: Arc<Requests>,
    topics: Arc<KnownTopics>,
    starts: Arc<KnownStarts>,
    clock: fn() -> Millis,
}

#[derive(Default)]
struct Gathering {
    open: Option<Open>,
    apart_until: Option<Instant>,
}

/// A request that is still joined.
struct Open {
    wanted: BTreeSet<TopicPartition>,
    answer: SharedAnswer,
}

type SharedAnswer = Shared<BoxFuture<'static, Option<Arc<Answer>>>>;

/// A shared answer, by partition.
struct Answer {
    at: Millis,
    ends: HashMap<TopicPartition, OffsetRow>,
    starts: HashMap<TopicPartition, OffsetRow>,
}

impl SharedLogEnds {
    pub(crate) fn new(
        requests: Arc<Requests>,
        topics: Arc<KnownTopics>,
        clock: fn() -> Millis,
    ) -> Self {
        let leaders = Leaders { requests, topics, starts: Arc::default(), clock };
        Self { leaders, shared: Arc::default() }
    }

    /// First and last offsets of these partitions, for this group.
    pub(crate) async fn of(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<LogEnds, SampleError> {
        let shared = self.join(group, partitions);
        if let Some(shared) = shared {
            let within = GATHERED_FOR + SHARED_WITHIN;
            if let Some(answer) = timeout(within, shared).await.ok().flatten() {
                return answer.about(partitions);
            }
            self.shared.lock().apart_until = Some(Instant::now() + APART_FOR);
        }
        let alone = if MOST_SHARED < partitions.len() {
            self.leaders.read_large(group, partitions).await?
        } else {
            self.leaders.read(group, partitions).await?
        };
        Ok(LogEnds { at: alone.at, ends: allowed(alone.ends)?, starts: allowed(alone.starts)? })
    }

    /// Joins the request that is about to be made, or begins one; `None` while each asks for itself.
    fn join(&self, group: &str, partitions: &[TopicPartition]) -> Option<SharedAnswer> {
        let mut gathering = self.shared.lock();
        if gathering.is_apart() || !(1..=MOST_SHARED).contains(&partitions.len()) {
            return None;
        }
        let open = gathering.open.get_or_insert_with(|| Open {
            wanted: BTreeSet::new(),
            answer: self.ask(group.to_owned()),
        });
        if MOST_TOGETHER < open.wanted.len() {
            return None;
        }
        open.wanted.extend(partitions.iter().cloned());
        Some(open.answer.clone())
    }

    /// The request that is gathered from now on. Made while anybody waits for it.
    fn ask(&self, group: String) -> SharedAnswer {
        let leaders = self.leaders.clone();
        let shared = Arc::clone(&self.shared);
        let answer = async move {
            sleep(GATHERED_FOR).await;
            let wanted = shared.lock().open.take().map(|it| it.wanted)?;
            let wanted: Vec<_> = wanted.into_iter().collect();
            let ends = leaders.read(&group, &wanted).await.ok()?;
            Some(Arc::new(Answer::of(ends)))
        };
        answer.boxed().shared()
    }
}

impl Gathering {
    /// Whether each asks for itself now. A request that nobody waits for any more is never made.
    fn is_apart(&mut self) -> bool {
        let apart = self.apart_until.is_some_and(|it| Instant::now() < it);
        if apart || self.open.as_ref().is_some_and(|it| it.answer.strong_count() == Some(1)) {
            self.open = None;
        }
        apart
    }
}

impl Answer {
    fn of(ends: LogEnds) -> Self {
        let by_partition = |rows: Vec<OffsetRow>| {
            rows.into_iter().map(|row| (row.id.clone(), row)).collect::<HashMap<_, _>>()
        };
        let LogEnds { at, ends, starts } = ends;
        Self { at, ends: by_partition(ends), starts: by_partition(starts) }
    }

    /// What it says of these partitions; an error if one of them may not be read.
    fn about(&self, partitions: &[TopicPartition]) -> Result<LogEnds, SampleError> {
        let of = |rows: &HashMap<TopicPartition, OffsetRow>| {
            allowed(partitions.iter().filter_map(|it| rows.get(it).cloned()).collect())
        };
        Ok(LogEnds { at: self.at, ends: of(&self.ends)?, starts: of(&self.starts)? })
    }
}

impl Leaders {
    /// Both ends, with the rows that an ACL hides.
    async fn read(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<LogEnds, SampleError> {
        let Self { requests, topics, starts: _, clock } = self;
        let led = topics.by_leader(requests, group, partitions).await;
        let (ends, starts) = futures::try_join!(
            requests.log_offsets(group, &led, LogOffset::StableEnd),
            requests.log_offsets(group, &led, LogOffset::Start),
        )?;
        requests.tell_unread(&led, &ends);
        Ok(LogEnds { at: clock(), ends, starts })
    }

    /// Both ends for a large group, whose first offsets are asked for where they are not known from
    /// lately.
    async fn read_large(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<LogEnds, SampleError> {
        let Self { requests, topics, starts, clock } = self;
        let led = topics.by_leader(requests, group, partitions).await;
        let due = starts.due(partitions, Instant::now());
        let (ends, mut unknown) = futures::try_join!(
            requests.log_offsets(group, &led, LogOffset::StableEnd),
            self.read_starts(group, &led, &due),
        )?;
        let at = clock();
        requests.tell_unread(&led, &ends);
        let anew = starts.made_anew(&ends);
        unknown.extend(self.read_starts(group, &led, &anew).await?);
        unknown.extend(starts.of(partitions));
        Ok(LogEnds { at, ends, starts: unknown })
    }

    /// Learns the first offsets of some of the partitions; rows that have none are returned.
    async fn read_starts(
        &self,
        group: &str,
        led: &[LedBy],
        wanted: &[TopicPartition],
    ) -> Result<Vec<OffsetRow>, SampleError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let asked = Instant::now();
        let led = only(led, wanted);
        let mut rows = self.requests.log_offsets(group, &led, LogOffset::Start).await?;
        self.starts.note(wanted, &rows, asked);
        rows.retain(|it| it.offset.is_none());
        Ok(rows)
    }
}
