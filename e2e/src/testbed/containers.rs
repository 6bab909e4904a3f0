//! Talking to containerd, and clearing what it and the kubelet leave outside the run folder.
//! Only what names this bed is removed: other users of containerd keep theirs.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::daemon;
use super::places::Places;

/// containerd's client, in the namespace that the kubelet uses.
pub(super) fn ctr(places: &Places) -> Command {
    let mut command = Command::new("ctr");
    command.arg("--address").arg(places.containerd_socket()).args(["--namespace", "k8s.io"]);
    daemon::mark(places, &mut command);
    command
}

/// Removes the sockets of shims, the links to logs and the records of addresses. Nothing of the bed may run any more.
pub(super) fn remove_traces(places: &Places) -> Result<()> {
    let tasks = places.run.join("cri/state/io.containerd.runtime.v2.task/k8s.io");
    for task in entries(&tasks) {
        // containerd's shims keep their sockets in a folder that no option moves.
        let address = fs::read_to_string(task.join("address")).unwrap_or_default();
        if let Some(socket) = address.trim().strip_prefix("unix://")
            && Path::new(socket).starts_with("/run/containerd/s")
        {
            let _ = fs::remove_file(socket);
        }
    }
    for link in entries(Path::new("/var/log/containers")) {
        if fs::read_link(&link).is_ok_and(|target| target.starts_with(&places.run)) {
            fs::remove_file(&link)?;
        }
    }
    for result in entries(Path::new("/var/lib/cni/results")) {
        let name = result.file_name().unwrap_or_default().to_string_lossy();
        // The network's name in cni.conflist.
        if name.starts_with("siskin-pods-") {
            fs::remove_file(&result)?;
        }
    }
    // No option moves this one either; another kubelet on this machine would be listening there.
    let plugins = Path::new("/var/lib/kubelet/device-plugins/kubelet.sock");
    if plugins.exists() && UnixStream::connect(plugins).is_err() {
        fs::remove_file(plugins)?;
    }
    let folders = [
        "/var/lib/kubelet/device-plugins",
        "/var/lib/kubelet",
        "/var/log/containers",
        "/var/lib/cni/results",
        "/var/lib/cni",
        "/run/containerd/s",
        "/run/containerd/fifo",
        "/run/containerd",
    ];
    for folder in folders {
        // Fails, as it should, where anyone else still has something.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
