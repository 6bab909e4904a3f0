//! The promises of a running bed: pods, logs, images, faults on purpose. They need root and a bed.
//! `cargo test -p siskin-e2e --lib testbed -- --ignored --test-threads=1`; no other test may use the bed meanwhile.

use std::fs::{self, File};
use std::path::Path;

use super::image::{Image, Loaded};
use super::status::Health;
use super::{Part, Testbed, health, network, shell};

/// The bed, and the lock under which the scenarios use it, too.
fn alone() -> (Testbed, File) {
    let bed = Testbed::up(&Part::USUAL).unwrap();
    let lock = File::create(bed.run_dir().join("e2e.lock")).unwrap();
    lock.lock().unwrap();
    (bed, lock)
}

fn health_of(part: Part) -> Health {
    let all = Testbed::status().unwrap();
    all.into_iter().find(|status| status.part == part).unwrap().health
}

#[test]
#[ignore = "needs a running test bed"]
fn a_pod_runs_and_its_log_and_shell_are_reached() {
    let (bed, _lock) = alone();
    let name = format!("bed-{}", std::process::id());
    let script = "echo from-the-log; exec sleep 1000";
    let image = "--image=localhost/busybox:1";
    bed.kubectl(&["run", &name, image, "--command", "--", "sh", "-c", script]).unwrap();
    let pod = format!("pod/{name}");
    bed.kubectl(&["wait", &pod, "--for=condition=Ready", "--timeout=60s"]).unwrap();
    assert_eq!(bed.kubectl(&["logs", &name]).unwrap(), "from-the-log\n");
    assert_eq!(bed.kubectl(&["exec", &name, "--", "id", "-u"]).unwrap(), "65532\n");
    // The API server under the address of its Service, as every in-cluster client finds it.
    let api = ["exec", &name, "--", "sh", "-c", "nc -w 5 10.0.0.1 443 </dev/null"];
    bed.kubectl(&api).unwrap();
    bed.kubectl(&["delete", &pod, "--now"]).unwrap();
}

#[test]
#[ignore = "needs a running test bed"]
fn an_image_is_imported_once_for_each_content() {
    let (bed, _lock) = alone();
    let image = |argument: &str| Image {
        names: vec![format!("localhost/bed-{}:1", std::process::id())],
        binary: "/bin/busybox".into(),
        arguments: vec![argument.to_owned()],
    };
    assert_eq!(bed.load(&image("true")).unwrap(), Loaded::Imported);
    assert_eq!(bed.load(&image("true")).unwrap(), Loaded::AlreadyThere);
    assert_eq!(bed.load(&image("false")).unwrap(), Loaded::Imported);
    assert!(bed.load_image("somewhere.else/x:1", Path::new("/bin/busybox")).is_err());
}

#[test]
#[ignore = "needs a running test bed"]
fn a_part_that_a_test_faults_is_not_repaired_behind_its_back() {
    let (bed, _lock) = alone();
    let started = fs::metadata(bed.places.ready_mark()).unwrap().modified().unwrap();
    bed.pause(Part::Kafka).unwrap();
    assert_eq!(health_of(Part::Kafka), Health::Faulted);
    assert!(health::kafka_answers(9092).is_err());
    Testbed::up(&Part::USUAL).unwrap();
    bed.resume(Part::Kafka).unwrap();
    bed.stop(Part::Kafka).unwrap();
    bed.start(Part::Kafka).unwrap();
    bed.stop(Part::Prometheus).unwrap();
    assert!(health::http_ok(9090, "/-/ready").is_err());
    bed.start(Part::Prometheus).unwrap();
    bed.kill(Part::ControllerManager).unwrap();
    bed.start(Part::ControllerManager).unwrap();
    bed.stop(Part::ApiServer).unwrap();
    bed.start(Part::ApiServer).unwrap();
    for part in Part::USUAL {
        assert_eq!(health_of(part), Health::Healthy, "{}", part.name());
    }
    Testbed::up(&Part::USUAL).unwrap();
    let now = fs::metadata(bed.places.ready_mark()).unwrap().modified().unwrap();
    assert_eq!(started, now, "the bed was started anew");
}

#[test]
#[ignore = "needs a running test bed"]
fn a_command_inside_the_namespace_reaches_what_listens_only_there() {
    let (_bed, _lock) = alone();
    let wget = ["-q", "-O-", "http://127.0.0.1:2379/health"];
    let ask = [&["wget"][..], &wget].concat();
    shell::output(&mut network::inside("busybox", &ask)).unwrap();
    assert!(shell::output(std::process::Command::new("busybox").args(&ask)).is_err());
}
