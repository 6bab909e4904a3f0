//! A registry of containers on loopback: Debian's `docker-registry`, for as long as the value lives.
//! What is pushed there goes with the folder.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

/// A busy machine takes seconds to start a program.
const START: Duration = Duration::from_secs(60);

/// A registry that runs.
pub struct Registry {
    pub address: String,
    process: Child,
}

impl Registry {
    /// Starts one that keeps what it gets in a folder.
    pub fn start(folder: &Path) -> Result<Self> {
        // Free now; whoever takes it in between makes this fail, and nothing else.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let storage = folder.join("registry");
        let settings = folder.join("registry.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: \"{address}\"}}\n",
            storage.display()
        );
        fs::write(&settings, text)?;
        let log = fs::File::create(folder.join("registry.log"))?;
        let mut command = Command::new("docker-registry");
        command
            .arg("serve")
            .arg(&settings)
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log);
        let process = command.spawn().context("running docker-registry")?;
        let mut registry = Self { address, process };
        let begun = Instant::now();
        while TcpStream::connect(&registry.address).is_err() {
            let said = || fs::read_to_string(folder.join("registry.log")).unwrap_or_default();
            ensure!(registry.process.try_wait()?.is_none(), "docker-registry ended:\n{}", said());
            ensure!(begun.elapsed() < START, "docker-registry does not listen:\n{}", said());
            thread::sleep(Duration::from_millis(50));
        }
        Ok(registry)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
