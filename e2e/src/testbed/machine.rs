//! What this machine must have: a kernel that lets us, Debian's packages, Go, Java and Maven.
//! What can be installed is installed; what cannot is named once, with the command to run.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use siskin_launch::progress::Activity;

use super::artifact::Artifact;
use super::shell;

/// A program or file, and Debian's package that brings it.
struct Need {
    found_at: &'static str,
    package: &'static str,
}

const ALWAYS: [Need; 14] = [
    Need { found_at: "containerd", package: "containerd" },
    Need { found_at: "ctr", package: "containerd" },
    Need { found_at: "runc", package: "runc" },
    Need { found_at: "/usr/lib/cni/bridge", package: "containernetworking-plugins" },
    Need { found_at: "/usr/lib/cni/host-local", package: "containernetworking-plugins" },
    Need { found_at: "/bin/busybox", package: "busybox-static" },
    Need { found_at: "iptables", package: "iptables" },
    Need { found_at: "ip", package: "iproute2" },
    Need { found_at: "nsenter", package: "util-linux" },
    Need { found_at: "setsid", package: "util-linux" },
    Need { found_at: "openssl", package: "openssl" },
    Need { found_at: "ldd", package: "libc-bin" },
    Need { found_at: "java", package: "default-jre-headless" },
    // Nothing of the bed needs them, but they come with Debian's packages and would fail to build the operator later.
    Need { found_at: "/etc/ssl/certs/ca-certificates.crt", package: "ca-certificates" },
];

const TO_FETCH: Need = Need { found_at: "mvn", package: "maven" };
const TO_BUILD: Need = Need { found_at: "go", package: "golang-go" };
/// The first Go that fetches the release which a go.mod asks for by itself.
const GO_THAT_FETCHES_GO: u32 = 21;
/// Kafka 4 brokers start on no older Java.
const JAVA: u32 = 17;

/// Installs what is missing of what a bed needs, and of what it takes to make these, or fails with one message that
/// names all of it.
pub(super) fn prepare(to_make: &[Artifact]) -> Result<()> {
    if env::consts::OS != "linux" {
        bail!("the test bed needs Linux: it runs real containers and network namespaces");
    }
    if !rustix::process::geteuid().is_root() {
        bail!("the test bed makes namespaces, mounts and cgroups: run `sudo -E cargo testbed up`");
    }
    let tools = to_make.iter().map(|it| if it.is_built() { &TO_BUILD } else { &TO_FETCH });
    let needs: Vec<&Need> = ALWAYS.iter().chain(tools).collect();
    install(&needs)?;
    check_java()?;
    if to_make.iter().any(|it| it.is_built()) { check_go() } else { Ok(()) }
}

fn missing(needs: &[&Need]) -> Vec<&'static str> {
    let absent = needs.iter().filter(|need| !there(need.found_at));
    let mut packages: Vec<&str> = absent.map(|need| need.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn install(needs: &[&Need]) -> Result<()> {
    let packages = missing(needs);
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if !is_debian(&fs::read_to_string("/etc/os-release").unwrap_or_default()) {
        bail!(
            "this machine lacks what Debian calls: {list}\nOnly Debian and its like are known \
             to the test bed: install these with your own package manager, then try again \
             (CNI plug-ins go to /usr/lib/cni, a static busybox to /bin/busybox)"
        );
    }
    shell::say(&format!("installing Debian's {list}"));
    let activity = shell::doing("installing Debian's packages");
    let by_hand = format!("apt-get update && apt-get install --no-install-recommends {list}");
    let updated = apt(&["update", "-q"], &activity);
    let install = ["install", "-q", "-y", "--no-install-recommends"];
    let installed = updated.and_then(|()| apt(&[&install[..], &packages].concat(), &activity));
    installed.with_context(|| format!("this machine lacks {list}; by hand it is `{by_hand}`"))?;
    let still: Vec<&str> =
        needs.iter().filter(|need| !there(need.found_at)).map(|need| need.found_at).collect();
    ensure!(still.is_empty(), "Debian's {list} are installed, and did not bring {still:?}");
    Ok(())
}

fn apt(args: &[&str], activity: &Activity) -> Result<()> {
    let mut command = Command::new("apt-get");
    // A package's own daemon would be a second one beside the bed's.
    command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    shell::run_watched(command.args(args), activity)
}

fn is_debian(os_release: &str) -> bool {
    let of_family = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let known = matches!(name, "ID" | "ID_LIKE");
        Some(known && value.trim_matches('"').split(' ').any(|id| id == "debian"))
    };
    os_release.lines().filter_map(of_family).any(|is| is)
}

fn check_go() -> Result<()> {
    let text = shell::output(Command::new("go").arg("version"))?;
    let minor = text.split_once("go1.").and_then(|(_, rest)| leading_number(rest));
    if minor.is_none_or(|minor| minor < GO_THAT_FETCHES_GO) {
        bail!(
            "Kubernetes {} is built with Go 1.{GO_THAT_FETCHES_GO} or newer; this is {}. \
             Install one from https://go.dev/dl and put it first in PATH",
            Artifact::Kubernetes.version(),
            text.trim()
        );
    }
    Ok(())
}

fn check_java() -> Result<()> {
    // It answers on its standard error.
    let answer = Command::new("java").arg("-version").output()?;
    let text = String::from_utf8_lossy(&answer.stderr);
    let major = text.split_once("version \"").and_then(|(_, rest)| leading_number(rest));
    if major.is_none_or(|major| major < JAVA) {
        bail!(
            "Kafka {} needs Java {JAVA} or newer; this is {:?}. On Debian: `apt-get install \
             openjdk-{JAVA}-jre-headless`",
            Artifact::Kafka.version(),
            text.lines().next().unwrap_or_default()
        );
    }
    Ok(())
}

fn leading_number(text: &str) -> Option<u32> {
    text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn there(name: &str) -> bool {
    if name.starts_with('/') {
        return Path::new(name).exists();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_like_are_told_from_others() {
        assert!(is_debian("NAME=\"Debian\"\nID=debian\n"));
        assert!(is_debian("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian("ID=fedora\nID_LIKE=\"rhel\"\nHOME_URL=https://debian\n"));
        assert!(!is_debian(""));
    }

    #[test]
    fn versions_begin_with_a_number() {
        assert_eq!(leading_number("26.8 linux/amd64"), Some(26));
        assert_eq!(leading_number("17.0.15\" 2025"), Some(17));
        assert_eq!(leading_number("x"), None);
    }

    #[test]
    fn a_package_is_named_once() {
        let absent = Need { found_at: "/no/such/file", package: "p" };
        let also = Need { found_at: "no-such-program", package: "p" };
        let present = Need { found_at: "/", package: "q" };
        assert_eq!(missing(&[&absent, &also, &present]), ["p"]);
    }
}
