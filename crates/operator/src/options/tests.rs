//! The command line: defaults, what is refused and how, and the help.
//! Variables of the environment are not set here: tests share them.

use super::*;

fn parsed(arguments: &[&str]) -> Result<Options, clap::Error> {
    Options::try_parse_from([&["siskin-operator"], arguments].concat())
}

fn refusal(arguments: &[&str]) -> String {
    parsed(arguments).unwrap_err().to_string()
}

#[test]
fn the_command_is_consistent() {
    Options::command().debug_assert();
}

#[test]
fn without_arguments_it_leads_all_namespaces_by_election() {
    let options = parsed(&[]).unwrap();
    assert_eq!(options.namespace, None);
    assert_eq!(options.admin_address, "0.0.0.0:8080".parse().unwrap());
    assert_eq!(options.log_format, LogFormat::Text);
    assert_eq!(options.trace_directory, None);
    assert_eq!(options.trace_directory_size, 512 << 20);
    assert!(!options.election.no_leader_election);
    assert_eq!(options.election.lease_name, "siskin-operator");
    assert_eq!(options.election.timings(), Ok(Timings::default()));
}

#[test]
fn every_option_is_taken_over() {
    let options = parsed(&[
        "--namespace=shop",
        "--admin-address=[::1]:9000",
        "--trace-directory=/traces",
        "--trace-directory-size=2Gi",
        "--no-leader-election",
        "--lease-namespace=ops",
        "--lease-name=siskin-shop",
        "--identity=pod-7",
        "--lease-duration=1m",
        "--lease-renew-deadline=40s",
        "--lease-retry-period=5s",
        "--log-format=json",
        "--log-level=warn,siskin_operator=debug",
    ])
    .unwrap();
    assert_eq!(options.namespace.as_deref(), Some("shop"));
    assert_eq!(options.admin_address, "[::1]:9000".parse().unwrap());
    assert_eq!(options.trace_directory.as_deref(), Some("/traces".as_ref()));
    assert_eq!(options.trace_directory_size, 2 << 30);
    assert!(options.election.no_leader_election);
    assert_eq!(options.election.lease_namespace, "ops");
    assert_eq!(options.election.lease_name, "siskin-shop");
    assert_eq!(options.election.identity.as_deref(), Some("pod-7"));
    assert_eq!(options.log_format, LogFormat::Json);
    assert_eq!(options.log_level, "warn,siskin_operator=debug");
    let timings = options.election.timings().unwrap();
    let seconds = [timings.duration(), timings.renew_deadline(), timings.retry_period()];
    assert_eq!(seconds.map(|it| it.as_secs()), [60, 40, 5]);
}

#[test]
fn what_can_not_be_read_is_named_with_its_option() {
    for (argument, wanted) in [
        ("--namespace=", "must not be empty"),
        ("--admin-address=8080", "invalid socket address"),
        ("--lease-duration=15", "want hours, minutes, seconds"),
        ("--trace-directory-size=1000000", "want a whole number of Mi or Gi, such as 512Mi"),
        ("--trace-directory-size=7Mi", "want 8Mi or more"),
        ("--log-format=xml", "possible values: text, json"),
        ("--log-level=siskin=loud", "invalid"),
    ] {
        let refusal = refusal(&[argument]);
        let option = argument.split('=').next().unwrap();
        assert!(refusal.contains(option) && refusal.contains(wanted), "{refusal}");
    }
}

#[test]
fn times_that_do_not_fit_are_refused() {
    let options = parsed(&["--lease-duration=10s"]).unwrap();
    assert_eq!(options.election.timings(), Err(TimingsError::RenewDeadline));
}

#[test]
fn two_processes_never_have_the_same_identity() {
    let options = parsed(&["--identity=pod-7"]).unwrap();
    let [one, other] = [(), ()].map(|()| options.election.unique_identity());
    assert_ne!(one, other);
    let suffix = one.strip_prefix("pod-7_").unwrap();
    assert!(suffix.len() == 8 && suffix.bytes().all(|it| it.is_ascii_hexdigit()), "{one}");
}

#[test]
fn without_an_identity_the_host_gives_its_name() {
    let mut options = parsed(&[]).unwrap();
    options.election.identity = None;
    let identity = options.election.unique_identity();
    let (host, _) = identity.rsplit_once('_').unwrap();
    assert!(!host.is_empty() && !host.contains(char::is_whitespace), "{identity:?}");
}

#[test]
fn the_help_names_defaults_and_variables() {
    let help = Options::command().render_long_help().to_string();
    for part in [
        "[env: POD_NAME",
        "[env: POD_NAMESPACE",
        "[env: SISKIN_NAMESPACE",
        "[default: 0.0.0.0:8080]",
        "[default: 15s]",
        "[env: SISKIN_TRACE_DIRECTORY",
        "[default: 512Mi]",
        "Leader election:",
    ] {
        assert!(help.contains(part), "no {part:?} in\n{help}");
    }
    let (general, election) = help.split_once("Leader election:").unwrap();
    assert!(general.contains("--log-level") && election.contains("--lease-name"), "{help}");
    assert!(!election.contains("--log-"), "{help}");
}

#[test]
fn logging_starts_once() {
    let options = parsed(&["--log-level=error"]).unwrap();
    init_tracing(&options).unwrap();
    assert!(matches!(init_tracing(&options), Err(TracingError::Init(_))));
}
