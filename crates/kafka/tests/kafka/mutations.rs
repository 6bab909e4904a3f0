//! Answers with a mistake in them, by the hundred: cut, stretched, overwritten, with error codes anywhere.
//! `SISKIN_MUTATIONS` says how many; the seed makes the same ones again.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_protocol::messages::ApiKey;
use siskin_kafka::{ClusterConfig, Notice, Samplers, Subscription, Topics};
use tokio::time::{Instant, sleep};

use crate::broker::{self, Twist, Twisted};
use crate::child::program;
use crate::hostile::Neighbor;
use crate::snapshots::{LOG, script, two_members};

/// Mistakes of an ordinary run.
const FEW: usize = 300;
/// Hostile brokers at one time, by mistakes: clients wait most of their time.
const MISTAKES_A_LANE: usize = 100;
/// Most hostile brokers at one time: each has a process.
const MOST_LANES: usize = 24;
/// Groups of one hostile broker.
const GROUPS: usize = 20;
/// One broker makes so many mistakes, if its client lives: then another client is begun with.
const A_BROKER: usize = 60;
/// A client that a mistake has stopped is not waited for.
const A_CLIENT: Duration = Duration::from_secs(4);

/// Numbers that look random (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((it ^ (it >> 31)) % bound.max(1) as u64).expect("below the bound")
    }

    /// Makes a mistake in an answer, behind its correlation id.
    fn spoil(&mut self, answer: &mut Twisted) {
        let length = answer.bytes.len();
        let at = answer.header + self.below(length.saturating_sub(answer.header));
        match self.below(8) {
            0 => answer.bytes.truncate(at),
            1 => self.overwrite(answer, at, 1),
            2 => self.overwrite(answer, at, 4),
            // An error code of Kafka's, from −1 to 133.
            3 | 4 => {
                let code = i16::try_from(self.below(135)).expect("small") - 1;
                put(answer, at, &code.to_be_bytes());
            }
            // Nulls and lengths: of old arrays and texts, and of new ones.
            5 => {
                let lengths = [-1_i32, 0, 1, 0x7fff, i32::MAX, i32::MIN];
                put(answer, at, &lengths[self.below(lengths.len())].to_be_bytes());
            }
            6 => {
                let varints = [[0, 0, 0], [0xff, 0xff, 0x7f], [0x80, 0x80, 0x04], [1, 1, 1]];
                put(answer, at, &varints[self.below(varints.len())]);
            }
            _ => {
                let lengths = [0, 3, 4, i32::MAX, -1, 1_000_000];
                answer.length = Some(lengths[self.below(lengths.len())]);
            }
        }
    }

    fn overwrite(&mut self, answer: &mut Twisted, at: usize, count: usize) {
        let byte = |_| u8::try_from(self.below(256)).expect("a byte");
        let bytes: Vec<u8> = (0..count).map(byte).collect();
        put(answer, at, &bytes);
    }
}

fn put(answer: &mut Twisted, at: usize, bytes: &[u8]) {
    for (place, byte) in answer.bytes.iter_mut().skip(at).zip(bytes) {
        *place = *byte;
    }
}

/// Mistakes that were made, by all brokers.
struct Run {
    crashes: Arc<AtomicUsize>,
    wanted: usize,
    made: AtomicUsize,
    seed: AtomicU64,
}

impl Run {
    /// Plays one broker after another until enough mistakes were made.
    async fn lane(self: Arc<Self>) {
        // Of one operator's many samplers, each begins a little later than the last.
        let samplers = in_processes(&self.crashes);
        while self.made.load(Relaxed) < self.wanted {
            let numbers = Mutex::new(Numbers(self.seed.fetch_add(1, Relaxed)));
            let made = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&made);
            let twist = Twist::new(move |answer| {
                let mut numbers = numbers.lock().expect("not poisoned");
                // A client that does not learn which requests there are makes no other.
                let one_in = if answer.api == ApiKey::ApiVersions as i16 { 40 } else { 3 };
                if numbers.below(one_in) == 0 {
                    numbers.spoil(answer);
                    count.fetch_add(1, Relaxed);
                }
            });
            let script = broker::Script { twist, ..script(Some(two_members()), &[LOG; 3]) };
            play(&samplers, script, &made).await;
            self.made.fetch_add(made.load(Relaxed), Relaxed);
        }
    }
}

/// Samples groups of one broker, until it has made its mistakes or its client is stopped by one.
async fn play(samplers: &Samplers, script: broker::Script, made: &AtomicUsize) {
    let server = broker::start(script).await;
    let cluster = ClusterConfig::new([server], None).expect("a valid address");
    let interval = Duration::from_secs(1);
    let groups: Vec<_> = (0..GROUPS)
        .map(|it| format!("g{it}"))
        .map(|it| samplers.subscribe(cluster.clone(), &it, Topics::AllAssigned, interval))
        .collect();
    let begun = Instant::now();
    let is_over = || {
        let crashed = groups
            .iter()
            .filter_map(Subscription::latest)
            .any(|it| it.as_ref().as_ref().is_err_and(|it| it.name() == "KafkaClientCrashed"));
        crashed || A_BROKER <= made.load(Relaxed) || A_CLIENT < begun.elapsed()
    };
    while !is_over() {
        sleep(Duration::from_millis(50)).await;
    }
}

/// Samplers whose crashes are counted.
fn in_processes(crashes: &Arc<AtomicUsize>) -> Samplers {
    let crashes = Arc::clone(crashes);
    Samplers::in_processes(
        program(),
        Arc::new(move |notice| match notice {
            Notice::Crashed => {
                crashes.fetch_add(1, Relaxed);
            }
            Notice::Line(_) | Notice::Unread { .. } => {}
        }),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_in_answers_end_no_operator_and_keep_up_no_neighbor() {
    let wanted = std::env::var("SISKIN_MUTATIONS").map_or(FEW, |it| it.parse().expect("a number"));
    let crashes = Arc::new(AtomicUsize::new(0));
    let neighbor = tokio::spawn(Neighbor::new(&in_processes(&crashes)).await.goes_on());
    let (made, seed) = (AtomicUsize::new(0), AtomicU64::new(1));
    let run = Arc::new(Run { crashes: Arc::clone(&crashes), wanted, made, seed });
    let lanes = (wanted / MISTAKES_A_LANE).clamp(1, MOST_LANES);
    let lanes = (0..lanes).map(|_| tokio::spawn(Arc::clone(&run).lane()));
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.expect("mistakes");
    }
    let (made, clients) = (run.made.load(Relaxed), run.seed.load(Relaxed) - 1);
    println!("{made} mistakes, {clients} clients, {} crashes", crashes.load(Relaxed));
    assert!(!neighbor.is_finished(), "{:?}", neighbor.await);
    neighbor.abort();
}
