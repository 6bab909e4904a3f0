//! The command line of the worker: defaults, names, and what does not fit together.
//! Flags only: the environment of a test process belongs to all its tests.

use clap::CommandFactory;

use super::*;

fn settings(arguments: &[&str]) -> Settings {
    parse(arguments).unwrap()
}

fn parse(arguments: &[&str]) -> Result<Settings, clap::Error> {
    Settings::try_parse_from([&["worker"], arguments].concat())
}

#[test]
fn the_command_line_is_well_formed() {
    Settings::command().debug_assert();
}

#[test]
fn every_setting_is_a_variable_too() {
    for argument in Settings::command().get_arguments() {
        assert!(argument.get_env().is_some(), "{}", argument.get_id());
    }
}

#[test]
fn by_default_nothing_goes_wrong() {
    let settings = settings(&[]);
    assert_eq!(settings.check(), Ok(()));
    assert_eq!(settings.misbehavior.faults, Faults::default());
    assert_eq!(settings.misbehavior.crash_after, 0);
    assert_eq!(settings.misbehavior.leave_every, 0);
    assert!(!settings.misbehavior.crash_at_start);
}

#[test]
fn each_share_goes_where_it_belongs() {
    let settings = settings(&[
        "--error-share=0.1",
        "--drop-share=0.2",
        "--commit-without-processing=0.3",
        "--stall-share=0.4",
        "--stall-partition=5",
        "--stall-on=poison",
    ]);
    let expected = Faults {
        error_share: 0.1,
        drop_share: 0.2,
        commit_without_processing: 0.3,
        stall_share: 0.4,
        stall_partition: Some(5),
        stall_on: "poison".to_owned(),
    };
    assert_eq!(settings.misbehavior.faults, expected);
    assert_eq!(settings.check(), Ok(()));
}

#[test]
fn a_record_meets_one_fault_at_most() {
    let refused = settings(&["--error-share=0.6", "--drop-share=0.5"]).check();
    let text =
        "the shares of errors, drops, skips and stalls add up to 1.1; together they are at most 1";
    assert_eq!(refused, Err(text.to_owned()));
}

#[test]
fn each_protocol_has_its_strategies() {
    let check = |protocol: &str, strategy: &str| {
        settings(&["--group-protocol", protocol, "--assignment-strategy", strategy]).check()
    };
    for strategy in ["range", "roundrobin", "cooperative-sticky"] {
        assert_eq!(check("classic", strategy), Ok(()));
    }
    for strategy in ["range", "uniform"] {
        assert_eq!(check("consumer", strategy), Ok(()));
    }
    for (protocol, strategy, named) in [
        ("classic", "uniform", "Uniform does not exist in group protocol Classic"),
        ("consumer", "roundrobin", "RoundRobin does not exist in group protocol Consumer"),
        (
            "consumer",
            "cooperative-sticky",
            "CooperativeSticky does not exist in group protocol Consumer",
        ),
    ] {
        assert_eq!(check(protocol, strategy), Err(format!("assignment strategy {named}")));
    }
}

#[test]
fn commits_leave_time_for_work() {
    let refused = settings(&["--commit-interval=1ms"]).check();
    assert_eq!(refused, Err("the commit interval is 1ms; it is at least 10ms".to_owned()));
}

#[test]
fn the_names_are_kafkas() {
    for name in ["read_committed", "read_uncommitted"] {
        assert_eq!(
            super::name(&settings(&["--isolation-level", name]).membership.isolation_level),
            name
        );
    }
    for name in ["range", "roundrobin", "cooperative-sticky", "uniform"] {
        let strategy = settings(&["--assignment-strategy", name]).membership.assignment_strategy;
        assert_eq!(strategy.map(|it| super::name(&it)).as_deref(), Some(name));
    }
}

#[test]
fn the_pod_name_is_the_client_id_unless_one_is_set() {
    let place = |arguments: &[&str]| settings(arguments).place;
    assert_eq!(place(&["--hostname=h"]).client_id(), None);
    assert_eq!(place(&["--hostname=h"]).pod(), "h");
    assert_eq!(place(&["--pod-name=p"]).client_id(), Some("p"));
    assert_eq!(place(&["--pod-name=p", "--hostname=h"]).pod(), "p");
    assert_eq!(place(&["--pod-name=p", "--client-id=c"]).client_id(), Some("c"));
    assert_eq!(place(&["--pod-name=p", "--client-id=c"]).pod(), "p");
}

#[test]
fn topics_are_a_list() {
    assert_eq!(settings(&["--topics=a,b"]).place.topics, ["a", "b"]);
}

#[test]
fn what_is_no_value_is_refused() {
    for argument in [
        "--error-share=2",
        "--work-per-message=2",
        "--stall-scope=pod",
        "--group-protocol=new",
        "--crash-after=-1",
        "--crash-at-start=maybe",
    ] {
        assert!(parse(&[argument]).is_err(), "{argument}");
    }
}
