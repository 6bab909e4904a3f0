//! The start of a bed, from an empty run folder to a ready node.
//! It takes for granted that every part is built and that nothing of an earlier bed is left.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use siskin_launch::progress::Activity;

use super::part::Part;
use super::places::Places;
use super::templates::Values;
use super::{brokers, certificates, cgroups, daemon, health, image, network, shell, sysctls};

/// Starts these parts, the cluster among them, and waits until each works.
pub(super) fn run(places: &Places, parts: &[Part]) -> Result<()> {
    let begun = Instant::now();
    for folder in ["config", "cri", "daemons", "faults", "log", "tmp"] {
        fs::create_dir_all(places.run.join(folder))?;
    }
    let values = Values::of_new_bed(places)?;
    values.write_files(places)?;
    sysctls::keep(places)?;
    cgroups::create()?;
    network::create(places)?;
    certificates::create(places)?;
    let _activity = starting(parts);
    // Kafka's start is that of two Java machines; nothing else waits for it.
    thread::scope(|scope| {
        let kafka = scope.spawn(|| {
            if parts.contains(&Part::Kafka) { start_kafka(places, &values) } else { Ok(()) }
        });
        let cluster = start_cluster(places, &values, parts);
        let kafka = kafka.join().unwrap_or_else(|_| Err(anyhow!("starting Kafka panicked")));
        cluster.and(kafka)
    })?;
    for broker in Part::BROKERS.into_iter().filter(|it| parts.contains(it)) {
        launch(places, &values, broker)?;
        health::wait_for(places, broker)?;
    }
    fs::write(places.ready_mark(), "")?;
    shell::say(&format!("up in {:.1} s", begun.elapsed().as_secs_f64()));
    Ok(())
}

/// Starts parts that a running bed was started without.
pub(super) fn more(places: &Places, parts: &[Part]) -> Result<()> {
    let _activity = starting(parts);
    for part in parts {
        again(places, *part)?;
        health::wait_for(places, *part)?;
    }
    Ok(())
}

fn starting(parts: &[Part]) -> Activity {
    let names: Vec<&str> = parts.iter().map(|it| it.name()).collect();
    shell::say(&format!("starting {}", names.join(", ")));
    shell::doing("waiting for all of them to answer")
}

/// Starts one part over what it left.
pub(super) fn again(places: &Places, part: Part) -> Result<()> {
    launch(places, &Values::of_running_bed(places)?, part)
}

fn start_cluster(places: &Places, values: &Values, parts: &[Part]) -> Result<()> {
    launch(places, values, Part::Etcd)?;
    launch(places, values, Part::Containerd)?;
    health::wait_for(places, Part::Etcd)?;
    launch(places, values, Part::ApiServer)?;
    health::wait_for(places, Part::Containerd)?;
    image::load_busybox(places)?;
    health::wait_for(places, Part::ApiServer)?;
    let later = [Part::ControllerManager, Part::Scheduler, Part::Kubelet, Part::Prometheus];
    let later = || later.iter().copied().filter(|it| parts.contains(it));
    later().try_for_each(|it| launch(places, values, it))?;
    later().try_for_each(|it| health::wait_for(places, it))?;
    let all_run = || later().try_for_each(|it| health::runs(places, it));
    // The deadlines are for a machine that builds something at the same time.
    let deadline = Duration::from_secs(120);
    shell::wait_until("the node is ready", deadline, || health::node_ready(places), all_run)?;
    // Without it no pod is admitted in the default namespace.
    let account = || {
        let mut kubectl = health::kubectl(places);
        shell::output(kubectl.args(["get", "serviceaccount", "default"])).map(drop)
    };
    shell::wait_until("the default service account is there", deadline, account, all_run)
}

fn start_kafka(places: &Places, values: &Values) -> Result<()> {
    launch(places, values, Part::Kafka)?;
    health::wait_for(places, Part::Kafka)
}

fn launch(places: &Places, values: &Values, part: Part) -> Result<()> {
    let values = values.and(part.values());
    brokers::prepare(places, &values, part)?;
    let mut program = Command::new(part.program(places));
    program.args(values.arguments(part.arguments())?);
    daemon::launch(places, part.name(), &mut program).map(drop)
}
