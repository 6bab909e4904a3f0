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

/// The command, to be run inside the network namespace.
///
/// Not by `ip netns exec`: that remounts /sys, and hides the cgroups from containerd.
pub(super) fn enter(command: &Command) -> Command {
    let mut inside = Command::new("nsenter");
    let mut net = std::ffi::OsString::from("--net=");
    net.push(namespace_file());
    inside.arg(net).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => inside.env(name, value),
            None => inside.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        inside.current_dir(folder);
    }
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
    inside("ip", &["addr", "add", &host, "dev", INNER_LINK])?;
    inside("ip", &["link", "set", INNER_LINK, "up"])?;
    inside("ip", &["link", "set", "lo", "up"])?;
    // Nothing in the bed may reach beyond this machine; refused at once, where a lost packet would be waited for
    // (a name looked up in a DNS that is not there, a Service that nobody serves).
    inside("ip", &["route", "add", "unreachable", "default"])?;
    ip(&["route", "add", PODS, "via", HOST])?;
    inside("sh", &["-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"])?;
    // In place of kube-proxy: the one Service that a pod needs is that of the API server.
    let service = ["-d", API_SERVICE, "-p", "tcp", "--dport", "443"];
    let target = format!("{HOST}:6443");
    let rule = [&["-t", "nat", "-A", "PREROUTING"][..], &service, &["-j", "DNAT", "--to", &target]];
    inside("iptables", &rule.concat())
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

fn inside(program: &str, args: &[&str]) -> Result<()> {
    shell::output(&mut enter(Command::new(program).args(args))).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entered_command_keeps_its_arguments_environment_and_folder() {
        let mut command = Command::new("a");
        command.args(["b", "c"]).env("D", "e").env_remove("F").current_dir("/g");
        let inside = enter(&command);
        let args: Vec<_> = inside.get_args().map(|arg| arg.to_string_lossy()).collect();
        assert_eq!(inside.get_program(), "nsenter");
        assert_eq!(args, ["--net=/run/netns/siskin", "a", "b", "c"]);
        assert_eq!(inside.get_envs().count(), 2);
        assert_eq!(inside.get_current_dir(), Some(Path::new("/g")));
    }

    #[test]
    fn another_bed_is_named_by_its_cache() {
        assert!(refuse_other_beds(&[]).is_ok());
        let error = refuse_other_beds(&["/x/cache/run".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("SISKIN_CACHE=/x/cache "), "{error}");
    }
}
