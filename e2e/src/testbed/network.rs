//! The network namespace of the bed, and the one link that joins this machine to it.
//! No port, bridge, rule or setting of this machine's own network is touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::places::{API_SERVICE, GATEWAY, HOST, NAMESPACE, PODS, Places};
use super::{mounts, shell};

const NAMESPACES: &str = "/run/netns";
/// This machine's end of the link.
const LINK: &str = "sk-host";
/// The other end.
const INNER_LINK: &str = "sk-ns";

pub(super) fn namespace_file() -> PathBuf {
    Path::new(NAMESPACES).join(NAMESPACE)
}

/// A program to be run inside the network namespace.
///
/// Not by `ip netns exec`: that remounts /sys, and hides the cgroups from containerd.
pub(super) fn inside(program: &str, args: &[&str]) -> Command {
    let mut inside = Command::new("nsenter");
    inside.arg(format!("--net={NAMESPACES}/{NAMESPACE}")).arg(program).args(args);
    inside
}

/// Makes namespace, link and routes; there must be none.
pub(super) fn create(places: &Places) -> Result<()> {
    let gateway = format!("{GATEWAY}/30");
    let host = format!("{HOST}/30");
    if mounts::below(Path::new(NAMESPACES))?.is_empty() {
        // `ip` will make a mount of this folder, and leave it; the mark tells the tear-down that it was us.
        fs::write(mount_mark(places), "")?;
    }
    ip(&["netns", "add", NAMESPACE])?;
    ip(&["link", "add", LINK, "type", "veth", "peer", "name", INNER_LINK, "netns", NAMESPACE])?;
    ip(&["addr", "add", &gateway, "dev", LINK])?;
    ip(&["link", "set", LINK, "up"])?;
    run_inside("ip", &["addr", "add", &host, "dev", INNER_LINK])?;
    run_inside("ip", &["link", "set", INNER_LINK, "up"])?;
    run_inside("ip", &["link", "set", "lo", "up"])?;
    // Nothing in the bed may reach beyond this machine; refused at once, where a lost packet would be waited for
    // (a name looked up in a DNS that is not there, a Service that nobody serves).
    run_inside("ip", &["route", "add", "unreachable", "default"])?;
    ip(&["route", "add", PODS, "via", HOST])?;
    run_inside("sh", &["-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"])?;
    // In place of kube-proxy: the one Service that a pod needs is that of the API server.
    let service = ["-d", API_SERVICE, "-p", "tcp", "--dport", "443"];
    let target = format!("{HOST}:6443");
    let rule = [&["-t", "nat", "-A", "PREROUTING"][..], &service, &["-j", "DNAT", "--to", &target]];
    run_inside("iptables", &rule.concat())
}

/// Takes them away, as far as they are there.
pub(super) fn remove(places: &Places) -> Result<()> {
    if Path::new("/sys/class/net").join(LINK).exists() {
        ip(&["link", "del", LINK])?;
    }
    if namespace_file().exists() {
        ip(&["netns", "del", NAMESPACE])?;
    }
    let folder = Path::new(NAMESPACES);
    if mount_mark(places).exists() && fs::read_dir(folder).is_ok_and(|mut all| all.next().is_none())
    {
        mounts::unmount_below(folder)?;
        fs::remove_dir(folder)?;
    }
    Ok(())
}

/// Fails if a bed of another cache uses the namespace: its processes are not ours to end.
pub(super) fn refuse_other_beds(others: &[String]) -> Result<()> {
    let Some(run) = others.first() else { return Ok(()) };
    let cache = Path::new(run).parent().unwrap_or(Path::new(run)).display();
    bail!(
        "a test bed of another cache is up: end it with `SISKIN_CACHE={cache} cargo testbed down`"
    )
}

fn mount_mark(places: &Places) -> PathBuf {
    places.run.join("made-netns-mount")
}

fn ip(args: &[&str]) -> Result<()> {
    shell::output(Command::new("ip").args(args)).map(drop)
}

fn run_inside(program: &str, args: &[&str]) -> Result<()> {
    shell::output(&mut inside(program, args)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_bed_is_named_by_its_cache() {
        assert!(refuse_other_beds(&[]).is_ok());
        let error = refuse_other_beds(&["/x/cache/run".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("SISKIN_CACHE=/x/cache "), "{error}");
    }
}
