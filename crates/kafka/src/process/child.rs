//! The process of a client: orders from one pipe, reports to another, until its input ends.
//! Reads no file, no environment and no token; decides nothing.

use std::env;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt as _;
use std::panic;
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::thread;

use siskin_analysis::observation::Millis;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::client::KafkaClient;
use crate::config::ClusterConfig;
use crate::error::{Attempt, SampleError};
use crate::ffi::raw::BAD_MESSAGE;
use crate::notice::Notices;
use crate::process::messages::{Cluster, Columns, Order, Report};
use crate::process::{confinement, frames, limits};
use crate::snapshot::Topics;
use crate::source::GroupSource;

/// Last argument of a process whose limits are set.
const LIMITED: &str = "limited";
/// Exit code of a process that does not understand its orders.
const NOT_UNDERSTOOD: i32 = 3;
/// Exit code of a process that has a bug.
const PANICKED: i32 = 101;
/// Stack of the thread that does the work, in bytes: that of the main thread is limited.
const WORK_STACK: usize = 1 << 20;

/// Serves the cluster of the first order that comes through `input`, and reports through `output`;
/// the process ends with `input`. `clock` dates the snapshots.
///
/// The program is started once more, with the same arguments and one that follows: its limits on
/// memory, stacks and files hold for a program from its beginning.
///
/// # Errors
/// If limits can't be set, or threads not be started.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    clock: fn() -> Millis,
) -> io::Error {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    if arguments.last().is_none_or(|it| it != LIMITED) {
        return match limits::set().and_then(|()| env::current_exe()) {
            Ok(program) => Command::new(program).args(arguments).arg(LIMITED).exec(),
            Err(error) => error,
        };
    }
    limits::be_ended_first();
    // A kernel that can't is told by nobody: the limits hold all the same.
    confinement::confine().ok();
    panic::set_hook(Box::new(|bug| {
        eprintln!("{bug}");
        limits::end(PANICKED)
    }));
    let work = move || obey(input, output, clock);
    match thread::Builder::new().stack_size(WORK_STACK).spawn(work) {
        // A panic ends the process before its thread ends.
        Ok(work) => work.join().unwrap_or_else(|_| io::ErrorKind::Other.into()),
        Err(error) => error,
    }
}

/// Obeys orders until there are none.
fn obey(
    mut input: impl Read + Send + 'static,
    mut output: impl Write + Send + 'static,
    clock: fn() -> Millis,
) -> io::Error {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (orders, received) = unbounded_channel();
    let (reports, written) = mpsc::channel::<Vec<u8>>();
    // A thread of its own: the process ends with its input, whatever the others wait for.
    let reads = thread::Builder::new().spawn(move || {
        loop {
            match frames::read(&mut input) {
                Ok(Some(order)) => drop(orders.send(order)),
                Ok(None) => limits::end(0),
                Err(error) => not_understood(&error.to_string()),
            }
        }
    });
    let writes = thread::Builder::new().spawn(move || {
        for frame in written {
            if output.write_all(&frame).and_then(|()| output.flush()).is_err() {
                limits::end(0);
            }
        }
    });
    match (reads, writes, runtime) {
        (Ok(_), Ok(_), Ok(runtime)) => runtime.block_on(work(received, Reports(reports), clock)),
        (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => error,
    }
}

async fn work(
    mut orders: UnboundedReceiver<Order>,
    reports: Reports,
    clock: fn() -> Millis,
) -> io::Error {
    let client = match orders.recv().await {
        Some(Order::Connect(cluster)) => connect(cluster, clock, reports.notices()).map(Arc::new),
        Some(Order::Sample { .. }) => not_understood("the first order names no cluster"),
        None => return io::ErrorKind::UnexpectedEof.into(),
    };
    while let Some(order) = orders.recv().await {
        let Order::Sample { id, group, topics } = order else {
            not_understood("a second cluster");
        };
        let (client, reports) = (client.clone(), reports.clone());
        tokio::spawn(async move {
            let outcome = match client {
                Ok(client) => sample(&client, &group, &topics).await,
                Err(error) => Err(error),
            };
            reports.sampled(id, outcome);
        });
    }
    io::ErrorKind::UnexpectedEof.into()
}

fn connect(
    cluster: Cluster,
    clock: fn() -> Millis,
    notices: Notices,
) -> Result<KafkaClient, SampleError> {
    let setup = |detail: String| SampleError::Setup { detail };
    let cluster = ClusterConfig::try_from(cluster).map_err(|it| setup(it.to_string()))?;
    KafkaClient::connect(&cluster, clock, notices)
}

async fn sample(
    client: &KafkaClient,
    group: &str,
    topics: &Topics,
) -> Result<Columns, SampleError> {
    client.sample(group, topics).await.map(Columns::from)
}

/// Where reports are written to.
#[derive(Clone)]
struct Reports(mpsc::Sender<Vec<u8>>);

impl Reports {
    fn notices(&self) -> Notices {
        let reports = self.clone();
        Arc::new(move |notice| {
            if let Ok(frame) = frames::frame(&Report::Told(notice)) {
                reports.send(frame);
            }
        })
    }

    fn sampled(&self, id: u64, outcome: Result<Columns, SampleError>) {
        let too_long = |detail: String| {
            let (attempted, code) = (Attempt::Sample, BAD_MESSAGE);
            let outcome = Err(SampleError::Protocol { attempted, code, detail });
            frames::frame(&Report::Sampled { id, outcome })
        };
        let frame = frames::frame(&Report::Sampled { id, outcome });
        match frame.or_else(|error| too_long(error.to_string())) {
            Ok(frame) => self.send(frame),
            Err(error) => not_understood(&error.to_string()),
        }
    }

    /// The thread that writes ends with the process.
    fn send(&self, frame: Vec<u8>) {
        self.0.send(frame).ok();
    }
}

fn not_understood(why: &str) -> ! {
    eprintln!("{why}");
    limits::end(NOT_UNDERSTOOD)
}
