//! A test bed that is up: where its servers are, and how they are reached.
//! It starts and ends nothing, and knows no image.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::artifact::Artifact;
use super::places::{self, Places};
use super::{health, shell, templates};

/// The clients' way into the listeners of Kafka that ask who they are.
#[derive(Debug, Clone)]
pub struct SecuredKafka {
    /// `SASL_SSL`, with SCRAM-SHA-512 or PLAIN.
    pub sasl_bootstrap: String,
    /// `SSL`, with a client certificate.
    pub ssl_bootstrap: String,
    /// The user of both SASL mechanisms.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The CA that signed the broker's certificate, as PEM.
    pub ca: PathBuf,
    /// The client's certificate, as PEM.
    pub client_certificate: PathBuf,
    /// The key of the client's certificate, as PEM.
    pub client_key: PathBuf,
}

/// A test bed that is up.
///
/// Every method blocks; in async code that runs other tasks, call them from `spawn_blocking`.
#[derive(Debug, Clone)]
pub struct Testbed {
    pub(super) places: Places,
}

impl Testbed {
    /// Attaches to the running test bed without starting anything.
    pub fn attach() -> Result<Self> {
        let places = Places::of_this_user()?;
        if !places.ready_mark().exists() {
            bail!("no test bed is up: run `cargo testbed up`");
        }
        Ok(Self { places })
    }

    /// The folder of the running test bed: logs, certificates, configuration. `down` removes it.
    #[must_use]
    pub fn run_dir(&self) -> &Path {
        &self.places.run
    }

    /// The kubeconfig of the administrator (`system:masters`: it may impersonate).
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.places.kubeconfig()
    }

    /// `host:port` of Kafka's PLAINTEXT listener, the same for pods and for this machine.
    #[must_use]
    pub fn kafka_bootstrap(&self) -> String {
        format!("{}:9092", places::HOST)
    }

    /// The listeners of Kafka that need credentials, and the credentials.
    pub fn secured_kafka(&self) -> Result<SecuredKafka> {
        let certs = self.places.certs();
        let values = templates::Values::of_running_bed(&self.places)?;
        Ok(SecuredKafka {
            sasl_bootstrap: format!("{}:9094", places::HOST),
            ssl_bootstrap: format!("{}:9095", places::HOST),
            user: values.get("kafka_user")?.to_owned(),
            password: values.get("kafka_password")?.to_owned(),
            ca: certs.join("ca.crt"),
            client_certificate: certs.join("client.crt"),
            client_key: certs.join("client.key"),
        })
    }

    /// Doors to Kafka: where a client knocks, and where that leads to. Nobody listens at the first
    /// until somebody opens the proxy there, and who shuts it cuts off those clients only.
    #[must_use]
    pub fn kafka_proxies(&self) -> Vec<(String, String)> {
        // As many as `kafka.properties` has.
        let ports = 9101..=9112;
        ports
            .map(|it| (format!("{}:{it}", places::GATEWAY), format!("{}:{it}", places::HOST)))
            .collect()
    }

    /// Where a proxy to Prometheus may be opened, at a port of the machine's choice, and where it leads to.
    #[must_use]
    pub fn prometheus_proxy(&self) -> (String, String) {
        (format!("{}:0", places::GATEWAY), format!("{}:9090", places::HOST))
    }

    /// The base URL of Prometheus.
    #[must_use]
    pub fn prometheus_url(&self) -> String {
        format!("http://{}:9090", places::HOST)
    }

    /// The audit log of the API server: one JSON object a line for each write of a workload, pod or rollout.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        self.places.log("audit")
    }

    /// A client of the API server, as the administrator. Installs the rustls provider of the process.
    pub async fn client(&self) -> Result<kube::Client> {
        let file = kube::config::Kubeconfig::read_from(self.kubeconfig())?;
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(file, &options).await?;
        // An error means that the process has a provider already, which is all that is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        kube::Client::try_from(config).context("making a Kubernetes client")
    }

    /// The root of the work tree.
    #[must_use]
    pub fn repository(&self) -> &'static Path {
        places::work_tree()
    }

    /// Runs kubectl as the administrator and returns what it printed; an error carries its complaint.
    pub fn kubectl<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<String> {
        shell::output(self.kubectl_command().args(args))
    }

    /// `kubectl apply --server-side -f -` with the manifest as its input.
    pub fn apply(&self, manifest: &str) -> Result<String> {
        let mut kubectl = self.kubectl_command();
        kubectl.args(["apply", "--server-side", "--force-conflicts", "-f", "-"]);
        shell::output_with_input(&mut kubectl, manifest)
    }

    /// A kubectl command for callers that stream or run it themselves.
    #[must_use]
    pub fn kubectl_command(&self) -> Command {
        health::kubectl(&self.places)
    }

    /// The folder of Kafka's jars.
    #[must_use]
    pub fn kafka_jars(&self) -> PathBuf {
        self.places.of(Artifact::Kafka)
    }

    /// A class of `kafka-tools` as a command, for example `org.apache.kafka.tools.consumer.ConsoleConsumer`.
    #[must_use]
    pub fn kafka_tool(&self, class: &str) -> Command {
        let mut java = Command::new("java");
        java.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-cp"]);
        java.arg(format!("{}/*", self.places.of(Artifact::Kafka).display())).arg(class);
        java
    }

    /// Waits until the API server serves these definitions. A fresh one has no conditions, for which `kubectl wait`
    /// does not wait.
    pub fn serves(&self, definitions: &[&str]) -> Result<()> {
        let wait = [&["wait", "--for=condition=Established", "--timeout=5s"], definitions].concat();
        let established = || self.kubectl(&wait).map(drop);
        let deadline = Duration::from_secs(60);
        shell::wait_until("the definitions are established", deadline, established, || Ok(()))
    }

    /// Runs one of Kafka's own tools, a class of `org.apache.kafka.tools`, against the broker, and returns what it
    /// printed.
    pub async fn ask_kafka(&self, tool: &str, arguments: &[&str]) -> Result<String> {
        let command = self.kafka_tool(&format!("org.apache.kafka.tools.{tool}"));
        let mut command = tokio::process::Command::from(command);
        command.args(["--bootstrap-server", &self.kafka_bootstrap()]).args(arguments);
        let run = command.kill_on_drop(true).output().await?;
        let said = String::from_utf8_lossy(&run.stdout);
        ensure!(run.status.success(), "{tool} {arguments:?}: {}", said.trim());
        Ok(said.into_owned())
    }
}
