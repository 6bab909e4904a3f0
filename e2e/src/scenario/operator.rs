//! The operator as a process of its own: the real binary, under its real permissions, for one
//! namespace. Starts, ends, kills and stops it; knows nothing of what it does.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

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
    child: Child,
    log: PathBuf,
    admin: SocketAddr,
    /// The scenario ended it, or waited for its end.
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
        let file = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
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
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).kill_on_drop(true);
        let child = command.spawn().context("starting the operator")?;
        Ok(Self { child, log, admin, dismissed: false })
    }

    /// Ends it as Kubernetes does, and waits until it has ended.
    ///
    /// # Errors
    /// The operator went on, or ended with an error.
    pub async fn terminate(&mut self) -> Result<()> {
        self.dismissed = true;
        self.signal(Signal::TERM)?;
        let ended = tokio::time::timeout(ENDS_WITHIN, self.child.wait()).await;
        let status = ended.context("the operator did not end after SIGTERM")??;
        if !status.success() {
            bail!("the operator ended with {status} after SIGTERM");
        }
        Ok(())
    }

    /// Kills it, as a crash of the node would.
    pub async fn kill(&mut self) -> Result<()> {
        self.dismissed = true;
        self.child.kill().await.context("killing the operator")
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
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// How it ended, if it has and nobody asked it to.
    pub fn died(&mut self) -> Result<Option<ExitStatus>> {
        if self.dismissed { Ok(None) } else { self.ended() }
    }

    /// Waits until it ends by itself.
    pub async fn ends(&mut self, within: Duration) -> Result<ExitStatus> {
        self.dismissed = true;
        let ended = tokio::time::timeout(within, self.child.wait()).await;
        Ok(ended.context("the operator did not end by itself")??)
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
        let id = self.child.id().context("the operator has ended")?;
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw).context("not a process id")?;
        Ok(kill_process(pid, signal)?)
    }
}

/// The values of a metric by one of its labels, from the text of all metrics.
pub fn labeled(text: &str, name: &str, label: &str) -> BTreeMap<String, f64> {
    let of_line = |line: &str| {
        let (labels, value) = line.strip_prefix(name)?.strip_prefix('{')?.split_once("} ")?;
        let (_, rest) = labels.split_once(&format!("{label}=\""))?;
        let (named, _) = rest.split_once('"')?;
        Some((named.to_owned(), value.trim().parse().ok()?))
    };
    text.lines().filter_map(of_line).collect()
}

/// A kubeconfig like the administrator's, but acting as the operator's service account.
pub fn acting_as(user: &str, administrator: &Path, to: &Path) -> Result<()> {
    let text = fs::read_to_string(administrator)
        .with_context(|| format!("reading {}", administrator.display()))?;
    let mut config: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text)?;
    let users = config.get_mut("users").and_then(|it| it.as_sequence_mut());
    for entry in users.context("a kubeconfig has users")? {
        let entry = entry.get_mut("user").and_then(|it| it.as_mapping_mut());
        entry.context("a user has credentials")?.insert("as".into(), user.into());
    }
    fs::write(to, serde_yaml_ng::to_string(&config)?)?;
    Ok(())
}
