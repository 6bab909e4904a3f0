//! The operator as a process of its own: the real binary, under its real permissions, for one
//! namespace. Starts, ends, kills and stops it, and starts it again as its Deployment would; knows nothing of what it does.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// The user as whom the operator acts: its service account, with no more than its role allows.
pub const USER: &str = "system:serviceaccount:siskin-system:siskin";

/// Namespace of the operator's service account and of its Lease.
pub const NAMESPACE: &str = "siskin-system";

/// Longest time for a clean end: open writes, the Lease given back, Events told.
const ENDS_WITHIN: Duration = Duration::from_secs(15);

/// Pause between two looks at whether it has ended.
const LOOKS_EVERY: Duration = Duration::from_millis(50);

/// The last words of one that ends since it could not renew its Lease: an API server that is late by seconds, as on a busy
/// machine, is nobody's fault, and the container is started again.
const LEASE_LOST: &str = "Error: lost the lease:";

/// How the operator takes part in the election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Election {
    /// Takes part with the Lease of its scenario and the default times.
    Usual,
    /// Takes part with short times, for scenarios that wait for a Lease to expire.
    Short,
    /// Takes no part: acts at once.
    None,
}

/// What is run as the operator.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The binary.
    pub binary: &'a Path,
    /// As whom it acts, and where.
    pub kubeconfig: &'a Path,
    /// What it logs; the default of users is `info`.
    pub log_level: &'a str,
}

/// A running operator.
#[derive(Debug)]
pub struct Operator {
    process: Arc<Mutex<Process>>,
    log: PathBuf,
    admin: SocketAddr,
}

#[derive(Debug)]
struct Process {
    child: Child,
    /// The scenario ended it, or waits for its end.
    dismissed: bool,
}

impl Operator {
    /// Starts an operator for `namespace`.
    pub fn start(
        program: Program<'_>,
        namespace: &str,
        election: Election,
        log: PathBuf,
    ) -> Result<Self> {
        // Free now, and nobody else on this machine asks for a port of its own choice.
        let admin = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        File::create(&log).with_context(|| format!("creating {}", log.display()))?;
        // Should the test be killed, the kernel ends the operator with it.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program.binary);
        command.args(["--namespace", namespace, "--admin-address", &admin.to_string()]);
        command.args(["--lease-namespace", NAMESPACE, "--lease-name", namespace]);
        command.args(["--log-level", program.log_level]);
        match election {
            Election::Usual => {}
            Election::Short => {
                command.args(["--lease-duration", "6s", "--lease-renew-deadline", "4s"]);
                command.args(["--lease-retry-period", "1s"]);
            }
            Election::None => drop(command.arg("--no-leader-election")),
        }
        command.env("KUBECONFIG", program.kubeconfig).env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let child = started(&mut command, &log)?;
        let process = Arc::new(Mutex::new(Process { child, dismissed: false }));
        tokio::spawn(keep(Arc::downgrade(&process), command, log.clone()));
        Ok(Self { process, log, admin })
    }

    /// Its end is the scenario's from now on: it is not started again.
    pub fn dismiss(&self) {
        self.process().dismissed = true;
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it as Kubernetes does, and waits until it has ended.
    ///
    /// # Errors
    /// The operator went on, or ended with an error.
    pub async fn terminate(&mut self) -> Result<()> {
        self.dismiss();
        self.signal(Signal::TERM)?;
        let ended = self.waits(ENDS_WITHIN).await;
        let status = ended.context("after SIGTERM")?;
        if !status.success() {
            bail!("the operator ended with {status} after SIGTERM");
        }
        Ok(())
    }

    /// Kills it, as a crash of the node would.
    pub async fn kill(&mut self) -> Result<()> {
        self.dismiss();
        self.process().child.start_kill().context("killing the operator")?;
        self.waits(ENDS_WITHIN).await.map(drop)
    }

    /// Stops it where it is: what a hung node looks like.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Its process.
    pub fn id(&self) -> Option<u32> {
        self.process().child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.process().child.try_wait()?)
    }

    /// How it ended, if it has and nobody asked it to.
    pub fn died(&mut self) -> Result<Option<ExitStatus>> {
        if self.process().dismissed { Ok(None) } else { self.ended() }
    }

    /// Waits until it ends by itself.
    pub async fn ends(&mut self, within: Duration) -> Result<ExitStatus> {
        self.dismiss();
        self.waits(within).await.context("by itself")
    }

    async fn waits(&mut self, within: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            ensure!(Instant::now() < deadline, "the operator did not end");
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    }

    /// File in which the operator logs.
    pub fn log_file(&self) -> &Path {
        &self.log
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The sum of a metric over all its labels; 0 if it is not there.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let text = String::from_utf8(self.fetched("/metrics").await?)?;
        let values = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        Ok(values.filter_map(|it| it.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// A metric by one of its labels.
    pub async fn labeled(&self, name: &str, label: &str) -> Result<BTreeMap<String, f64>> {
        let text = String::from_utf8(self.fetched("/metrics").await?)?;
        Ok(labeled(&text, name, label))
    }

    /// Where it serves metrics, for this machine alone.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Whether the operator has listed everything; a follower is ready, too.
    pub async fn is_ready(&self) -> bool {
        self.fetched("/readyz").await.is_ok()
    }

    /// What it answers at this path of its admin port.
    pub async fn fetched(&self, path: &str) -> Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.admin).await.context("asking the operator")?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n");
        let (head, body) = answer.split_at(end.context("no answer of HTTP")? + 4);
        let status = String::from_utf8_lossy(head);
        ensure!(status.split(' ').nth(1) == Some("200"), "{path}: {status}");
        Ok(body.to_owned())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let id = self.id().context("the operator has ended")?;
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw).context("not a process id")?;
        Ok(kill_process(pid, signal)?)
    }
}

fn started(command: &mut Command, log: &Path) -> Result<Child> {
    let file = File::options().append(true).open(log);
    let file = file.with_context(|| format!("opening {}", log.display()))?;
    command.stderr(file).spawn().context("starting the operator")
}

/// Starts an operator again that has lost its Lease, until the scenario has done with it. Any other end is for the scenario
/// to find.
async fn keep(process: Weak<Mutex<Process>>, mut command: Command, log: PathBuf) {
    // Where its words begin.
    let mut begins = 0;
    loop {
        tokio::time::sleep(LOOKS_EVERY).await;
        let Some(process) = process.upgrade() else { return };
        let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
        if process.dismissed {
            return;
        }
        if !matches!(process.child.try_wait(), Ok(Some(_))) {
            continue;
        }
        let said = fs::read(&log).unwrap_or_default();
        let last = String::from_utf8_lossy(said.get(begins..).unwrap_or_default());
        if !last.contains(LEASE_LOST) {
            return;
        }
        begins = said.len();
        eprintln!("e2e: {} has lost its Lease, and is started again", log.display());
        match started(&mut command, &log) {
            Ok(child) => process.child = child,
            Err(error) => {
                eprintln!("e2e: {error:#}");
                return;
            }
        }
    }
}

/// The values of a metric by one of its labels, summed over the others, from the text of all metrics.
pub fn labeled(text: &str, name: &str, label: &str) -> BTreeMap<String, f64> {
    let of_line = |line: &str| {
        let (labels, value) = line.strip_prefix(name)?.strip_prefix('{')?.split_once("} ")?;
        let (_, rest) = labels.split_once(&format!("{label}=\""))?;
        let (named, _) = rest.split_once('"')?;
        Some((named.to_owned(), value.trim().parse::<f64>().ok()?))
    };
    let mut sums = BTreeMap::new();
    for (value, number) in text.lines().filter_map(of_line) {
        *sums.entry(value).or_insert(0.0) += number;
    }
    sums
}
