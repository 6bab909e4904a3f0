//! What the operator's process takes, as the kernel counts it.
//! Reads /proc of this machine, on which the test bed's pods run.

use std::collections::HashSet;
use std::fs;

use anyhow::{Context as _, Result};

use super::figures::tenths;
use crate::testbed::Testbed;

/// The operator in its pod.
pub(super) struct Process {
    pid: u32,
}

impl Process {
    /// The one that runs in the operator's pod and started the others.
    pub(super) fn of_operator(bed: &Testbed) -> Result<Self> {
        let first = Self::all_of_operator(bed)?.into_iter().next();
        first.context("no process of the operator's pod runs on this machine")
    }

    /// Those that run in the operator's pod, the first one first: the clients of Kafka clusters are its children.
    pub(super) fn all_of_operator(bed: &Testbed) -> Result<Vec<Self>> {
        let path = "jsonpath={.items[0].metadata.uid}";
        let args = ["get", "pods", "-n", "siskin-system", "-l", "app.kubernetes.io/name=siskin"];
        let uid = bed.kubectl(&[&args[..], &["-o", path]].concat())?;
        let mut pids: Vec<u32> = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Ok(pid) = entry?.file_name().to_string_lossy().parse() else { continue };
            // Processes end while we look: one that can't be read is not the one.
            let cgroups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            if cgroups.contains(uid.trim()) && name.starts_with("siskin") {
                pids.push(pid);
            }
        }
        pids.sort_unstable();
        Ok(pids.into_iter().map(|pid| Self { pid }).collect())
    }

    /// The one of this number.
    pub(super) fn of(pid: u32) -> Self {
        Self { pid }
    }

    /// Connections to this port that are established.
    pub(super) fn connections_to(&self, port: u16) -> Result<u32> {
        let folder = format!("/proc/{}", self.pid);
        let mut sockets = HashSet::new();
        for entry in fs::read_dir(format!("{folder}/fd"))? {
            // One that was closed meanwhile is none.
            let Ok(link) = fs::read_link(entry?.path()) else { continue };
            let link = link.to_string_lossy().into_owned();
            sockets.extend(
                link.strip_prefix("socket:[").map(|it| it.trim_end_matches(']').to_owned()),
            );
        }
        let table = fs::read_to_string(format!("{folder}/net/tcp"))?;
        let established = table.lines().skip(1).filter(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, _, remote, "01", _, _, _, _, _, inode, ..] = fields.as_slice() else {
                return false;
            };
            remote.ends_with(&format!(":{port:04X}")) && sockets.contains(*inode)
        });
        Ok(u32::try_from(established.count())?)
    }

    /// Most resident memory so far, in MB of a million bytes.
    pub(super) fn peak_rss_mb(&self) -> Result<f64> {
        self.memory_mb("VmHWM:")
    }

    /// Resident memory, in MB of a million bytes: all of it, the mapped program included.
    pub(super) fn rss_mb(&self) -> Result<f64> {
        self.memory_mb("VmRSS:")
    }

    /// Resident memory in MB of a million bytes, of which each page that several processes share counts in parts.
    pub(super) fn shared_rss_mb(&self) -> Result<f64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid))?;
        in_mb(&rollup, "Pss:")
    }

    fn memory_mb(&self, field: &'static str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        in_mb(&status, field)
    }

    /// Processor time so far, in seconds, of all threads.
    pub(super) fn cpu_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name, in parentheses, may hold anything; utime and stime are the 12th and 13th after it.
        let (_, rest) = stat.rsplit_once(')').context("a name")?;
        let ticks: Vec<f64> =
            rest.split_whitespace().skip(11).take(2).filter_map(|it| it.parse().ok()).collect();
        let per_second = u32::try_from(rustix::param::clock_ticks_per_second())?;
        Ok(ticks.iter().sum::<f64>() / f64::from(per_second))
    }
}

/// A field of a table of the kernel's, which counts in KiB.
fn in_mb(table: &str, field: &'static str) -> Result<f64> {
    let line = table.lines().find_map(|it| it.strip_prefix(field)).context(field)?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(tenths(kib * 1024.0 / 1e6))
}
