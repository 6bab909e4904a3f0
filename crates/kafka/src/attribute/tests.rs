//! Attribution as a table: what a member says of itself, and whose it is then.
//! No broker; every case is one member among the same pods.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use siskin_analysis::observation::{GroupState, MemberCount, Owner, Role};

use siskin_simulation::random::Random;

use super::{PodIdentity, PodNames, attribute, unready_canaries};
use crate::snapshot::{GroupSnapshot, Member, Partition, TopicPartition};

const PRIMARY: &str = "orders-primary-7d9f-abcde";
const CANARY: &str = "orders-canary-5c4b-xyzwk";

fn pod(name: &str, ip: &str, role: Option<Role>) -> PodIdentity {
    PodIdentity {
        name: Arc::from(name),
        ips: ip.split(',').filter_map(|it| it.parse().ok()).collect(),
        host_network: false,
        node_ips: ["192.168.0.1", "fd01::1"].iter().filter_map(|it| it.parse().ok()).collect(),
        terminating: false,
        gone: false,
        ready: true,
        role,
    }
}

fn pods() -> Vec<PodIdentity> {
    vec![
        pod(PRIMARY, "10.0.0.1", Some(Role::Primary)),
        pod(CANARY, "fd00::5", Some(Role::Canary)),
        // Its name is the beginning of the others' names.
        pod("orders", "10.0.0.9", None),
        pod("billing-66f7-qqqqq", "10.0.0.7", None),
        // In a dual-stack cluster, where brokers are reached by the second family.
        pod("orders-primary-7d9f-duals", "10.244.1.8,fd00:10:244:1::8", Some(Role::Primary)),
        // Two that show one address: a pod that has just gone, and its heir.
        pod("orders-primary-7d9f-twin1", "10.0.0.4", Some(Role::Primary)),
        pod("orders-canary-5c4b-twin2", "10.0.0.4", Some(Role::Canary)),
        PodIdentity {
            host_network: true,
            ..pod("orders-primary-7d9f-hostn", "192.168.0.2", Some(Role::Primary))
        },
    ]
}

fn member(instance_id: Option<&str>, client_id: &str, host: Option<&str>) -> Member {
    Member {
        member_id: Arc::from("m"),
        client_id: client_id.to_owned(),
        instance_id: instance_id.map(str::to_owned),
        host: host.map(|host| host.parse::<IpAddr>().expect("an address")),
        assignment: vec![],
    }
}

/// A group with these members, each owning the partition of its own number, and one that nobody
/// owns.
fn snapshot(members: Vec<Member>) -> GroupSnapshot {
    let count = i32::try_from(members.len()).expect("a small group");
    let partitions = (0..=count).map(|partition| Partition {
        id: TopicPartition { topic: Arc::from("orders"), partition },
        owner: usize::try_from(partition).ok().filter(|index| *index < members.len()),
        committed: Some(7),
        log_start: Some(1),
        log_end: Some(9),
        high_watermark: None,
    });
    let partitions = partitions.collect();
    let (state, assignor) = (GroupState::Stable, "range".to_owned());
    GroupSnapshot { at: 0, state, assignor, epoch: 5, members, partitions }
}

fn owner(member: Member) -> Owner {
    attribute(&snapshot(vec![member]), &pods()).partitions[0].owner.clone()
}

fn on(name: &str, role: Role) -> Owner {
    Owner::Pod { name: Arc::from(name), role }
}

#[test]
fn names_in_ids() {
    let primary = || on(PRIMARY, Role::Primary);
    let canary = || on(CANARY, Role::Canary);
    let cases = [
        (Some(PRIMARY), "c", primary()),
        (None, PRIMARY, primary()),
        (None, "orders-canary-5c4b-xyzwk-3", canary()),
        (None, "app:orders-canary-5c4b-xyzwk/consumer", canary()),
        (None, "consumer-orders-primary-7d9f-abcde-StreamThread-1", primary()),
        // The instance id is the stronger one.
        (Some(CANARY), PRIMARY, canary()),
        // Not a whole token.
        (None, "xorders-primary-7d9f-abcde", Owner::Unattributed),
        (None, "orders-primary-7d9f-abcdef", Owner::Unattributed),
        (None, "orders-primary-7d9f-abcdé", Owner::Unattributed),
        // A pod that is gone is not the pod whose name it begins with.
        (None, "orders-primary-7d9f-goner", Owner::Unattributed),
        (None, "orders", Owner::External),
        (None, "billing-66f7-qqqqq", Owner::External),
        // Two pods are named: neither.
        (None, "orders-primary-7d9f-abcde_orders-canary-5c4b-xyzwk", Owner::Unattributed),
        (None, "", Owner::Unattributed),
        (Some(""), "rdkafka", Owner::Unattributed),
    ];
    for (instance_id, client_id, expected) in cases {
        let got = owner(member(instance_id, client_id, None));
        assert_eq!(got, expected, "{instance_id:?} {client_id:?}");
    }
}

#[test]
fn ids_as_client_libraries_make_them() {
    let primary = || on(PRIMARY, Role::Primary);
    let named = |id: &str| id.replace("POD", PRIMARY);
    // With client.id set to the pod's name, or by the library from the host's name.
    for id in [
        // Spring Kafka, one for each thread of a listener.
        "POD-0",
        "POD-11",
        // Kafka Streams, and its static members.
        "POD-StreamThread-1-consumer",
        "POD-StreamThread-12-consumer",
        // kafka-go of Segment, without any setting.
        "worker@POD (github.com/segmentio/kafka-go)",
        // Java, from group.instance.id.
        "consumer-orders-POD",
        "consumer-orders-POD-1",
    ] {
        assert_eq!(owner(member(None, &named(id), None)), primary(), "{id}");
        assert_eq!(owner(member(Some(&named(id)), "c", None)), primary(), "{id}");
    }
    // As libraries make them without a setting: the address tells.
    for id in [
        "consumer-orders-1",
        "orders-0f6a2c1e-7b1d-4c55-9f39-5c1f1a0f9f1c-StreamThread-1-consumer",
        "connector-consumer-orders-sink-0",
        "sarama",
        "kgo",
        "rdkafka",
        "aiokafka-0.12.0",
        "kafka-python-2.2.15",
    ] {
        assert_eq!(owner(member(None, id, None)), Owner::Unattributed, "{id}");
        assert_eq!(owner(member(None, id, Some("10.0.0.1"))), primary(), "{id}");
    }
}

#[test]
fn addresses() {
    let cases = [
        (Some("10.0.0.1"), on(PRIMARY, Role::Primary)),
        (Some("fd00:0:0:0:0:0:0:5"), on(CANARY, Role::Canary)),
        (Some("10.0.0.7"), Owner::External),
        (Some("10.244.1.8"), on("orders-primary-7d9f-duals", Role::Primary)),
        (Some("fd00:10:244:1::8"), on("orders-primary-7d9f-duals", Role::Primary)),
        (Some("fd01::1"), Owner::Unattributed),
        // Shared by two pods, a node's, a pod's on its node's network, nobody's, not known.
        (Some("10.0.0.4"), Owner::Unattributed),
        (Some("192.168.0.1"), Owner::Unattributed),
        (Some("192.168.0.2"), Owner::Unattributed),
        (Some("10.9.9.9"), Owner::Unattributed),
        (None, Owner::Unattributed),
    ];
    for (host, expected) in cases {
        assert_eq!(owner(member(None, "rdkafka", host)), expected, "{host:?}");
    }
}

#[test]
fn an_id_is_believed_before_an_address() {
    let got = owner(member(None, CANARY, Some("10.0.0.1")));
    assert_eq!(got, on(CANARY, Role::Canary));
}

#[test]
fn the_longer_of_two_nested_names_is_meant() {
    let nested = [
        pod("orders-primary-1", "10.0.0.1", Some(Role::Primary)),
        pod("orders-primary-1-abcde", "10.0.0.2", Some(Role::Canary)),
    ];
    for pods in [nested.clone(), [nested[1].clone(), nested[0].clone()]] {
        let observed =
            attribute(&snapshot(vec![member(None, "orders-primary-1-abcde", None)]), &pods);
        assert_eq!(observed.partitions[0].owner, on("orders-primary-1-abcde", Role::Canary));
    }
}

#[test]
fn members_are_counted_and_offsets_are_kept() {
    let members = vec![
        member(None, PRIMARY, None),
        member(None, CANARY, None),
        member(None, CANARY, None),
        member(None, "orders", None),
        member(None, "who", None),
    ];
    let mut snapshot = snapshot(members);
    snapshot.partitions[0].committed = Some(12);
    snapshot.partitions[0].high_watermark = Some(20);
    let observed = attribute(&snapshot, &pods());
    let expected =
        MemberCount { primary: 1, canary: 2, external: 1, unattributed: 1, canary_pods: 1 };
    assert_eq!(observed.members, expected);
    assert_eq!((observed.epoch, observed.state), (5, GroupState::Stable));
    assert_eq!(observed.partitions[5].owner, Owner::Nobody);
    let offsets: Vec<_> = observed.partitions.iter().map(|p| (p.committed, p.log_end)).collect();
    assert_eq!(offsets[..2], [(Some(12), Some(12)), (Some(7), Some(9))]);
}

#[test]
fn a_pod_with_several_members_has_joined_once_and_one_that_leaves_has_not() {
    let second = "orders-canary-5c4b-secnd";
    let mut pods = pods();
    pods.push(pod(second, "10.0.0.6", Some(Role::Canary)));
    let threads = [1, 2, 3].map(|it| member(None, &format!("{CANARY}-{it}"), None));
    let joined = |members: &[Member], pods: &[PodIdentity]| {
        attribute(&snapshot(members.to_vec()), pods).members.canary_pods
    };
    assert_eq!(joined(&threads, &pods), 1, "three threads of one pod");
    let both = [&threads[..], &[member(None, second, None)]].concat();
    assert_eq!(joined(&both, &pods), 2);
    pods.iter_mut().filter(|it| &*it.name == second).for_each(|it| it.terminating = true);
    assert_eq!(joined(&both, &pods), 1, "it is still a member, and about to leave");
}

#[test]
fn a_pod_that_went_lately_keeps_its_role_and_gives_its_address_up() {
    let gone = |name: &str, ip: &str, role| PodIdentity {
        terminating: true,
        gone: true,
        ready: false,
        ..pod(name, ip, Some(role))
    };
    let was = "orders-canary-5c4b-wasit";
    let mut pods = pods();
    pods.push(gone(was, "10.0.0.20", Role::Canary));
    pods.push(gone("orders-canary-5c4b-older", "10.0.0.1", Role::Canary));
    let owned = |member: Member, pods: &[PodIdentity]| {
        attribute(&snapshot(vec![member]), pods).partitions[0].owner.clone()
    };
    assert_eq!(owned(member(None, was, None), &pods), on(was, Role::Canary));
    assert_eq!(owned(member(None, "c-1", Some("10.0.0.20")), &pods), on(was, Role::Canary));
    let heir = owned(member(None, "c-1", Some("10.0.0.1")), &pods);
    assert_eq!(heir, on(PRIMARY, Role::Primary), "who is there has the address");
    let joined = attribute(&snapshot(vec![member(None, was, None)]), &pods).members;
    assert_eq!((joined.canary, joined.canary_pods), (1, 0), "it lingers, and has not joined");
}

#[test]
fn a_member_that_names_nobody_is_a_stranger_once_every_ready_pod_is_named() {
    let mut pods = vec![
        pod(PRIMARY, "10.0.0.1", Some(Role::Primary)),
        pod(CANARY, "10.0.0.2", Some(Role::Canary)),
    ];
    let members = |second: &str| {
        let stranger = member(None, "orders-eu-1", Some("172.16.0.9"));
        snapshot(vec![member(None, PRIMARY, None), member(None, second, None), stranger])
    };
    let counted = |second: &str, pods: &[PodIdentity]| {
        let members = attribute(&members(second), pods).members;
        (members.external, members.unattributed)
    };
    assert_eq!(counted(CANARY, &pods), (1, 0));
    assert_eq!(counted("who", &pods), (0, 2), "the canary may be either");
    pods[1].ready = false;
    assert_eq!(counted("who", &pods), (2, 0), "it has not begun yet");
    assert_eq!(attribute(&members("x"), &[]).members.external, 0, "no pod is known at all");
}

#[test]
fn a_pod_that_is_not_ready_does_not_stand_for_one_that_is() {
    let other = "orders-canary-5c4b-other";
    let mut pods = vec![
        pod(CANARY, "10.0.0.2", Some(Role::Canary)),
        pod(other, "10.0.0.3", Some(Role::Canary)),
    ];
    pods[1].ready = false;
    let seen = attribute(&snapshot(vec![member(None, other, None)]), &pods).members;
    assert_eq!((seen.canary, seen.canary_pods), (1, 0));
    let begin = |members: Vec<Member>| unready_canaries(&snapshot(members), &pods);
    assert_eq!(begin(vec![member(None, other, None), member(None, CANARY, None)]), 1);
    assert_eq!(begin(vec![member(None, CANARY, None)]), 0);
}

/// What the usual attribution of the largest group may take, in a release build.
const LIMIT: Duration = Duration::from_millis(5);

/// `cargo test -p siskin-kafka --release -- --ignored --nocapture thousand`
#[test]
#[ignore = "prints a time"]
fn a_thousand_members_among_three_thousand_pods() {
    let name = |it: u32| format!("orders-primary-7d9f{:03x}-{:05x}", it / 100, it * 7919);
    let pods: Vec<_> = (0..3_000_u32)
        .map(|it| {
            let ip = format!("10.{}.{}.{}", 1 + it / 60_000, it / 250, it % 250);
            let role = (it < 1_000).then_some(Role::Primary);
            pod(&name(it), &ip, role)
        })
        .collect();
    let members =
        (0..1_000).map(|it| member(None, &format!("consumer-orders-{}-1", name(it)), None));
    let snapshot = snapshot(members.collect());
    let mut times: Vec<_> = (0..51)
        .map(|_| {
            let begun = std::time::Instant::now();
            let seen = attribute(&snapshot, &pods);
            assert_eq!(seen.members.primary, 1_000);
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    let of_limit = times[25].as_secs_f64() / LIMIT.as_secs_f64();
    println!(
        "1,000 members among 3,000 pods: p50 {:?}, longest {:?}; {of_limit:.2} of {LIMIT:?}",
        times[25], times[50]
    );
}

/// What `PodNames` answers, by its definition: every pod is looked for at every place of the text.
fn named_plainly<'a>(text: &str, pods: &'a [PodIdentity]) -> Option<&'a PodIdentity> {
    let stands = |pod: &PodIdentity| {
        let part_of_name =
            |c: char| c.is_ascii_alphanumeric() || (pod.role.is_none() && matches!(c, '-' | '.'));
        text.char_indices().filter(|(at, _)| text[*at..].starts_with(&*pod.name)).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + pod.name.len()..].chars().next();
            !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
        })
    };
    let named: Vec<_> = pods.iter().filter(|it| !it.name.is_empty() && stands(it)).collect();
    let longest = named.iter().map(|it| it.name.len()).max()?;
    let best = *named.iter().find(|it| it.name.len() == longest)?;
    named.iter().all(|it| best.name.contains(&*it.name)).then_some(best)
}

#[test]
fn a_pod_is_found_in_a_text_as_if_each_were_looked_for_at_each_place() {
    const PIECES: [&str; 12] = ["a", "b", "ab", "-", "-", ".", "_", "/", "é", "1", "a-b", "b-1"];
    let mut found = [0_u32; 2];
    for seed in 0..5_000 {
        let mut random = Random::spread(seed);
        let mut text = |most: u32| -> String {
            (0..=random.below(most)).map(|_| random.pick(&PIECES)).collect()
        };
        let (names, text) = ([(); 6].map(|()| text(4)), text(9));
        let roles = [Some(Role::Primary), Some(Role::Canary), None];
        let pods: Vec<_> =
            names.iter().map(|name| pod(name, "10.0.0.1", random.pick(&roles))).collect();
        let expected = named_plainly(&text, &pods);
        assert_eq!(PodNames::of(&pods).named_in(&text), expected, "seed {seed}: {text:?} {pods:?}");
        found[usize::from(expected.is_some())] += 1;
    }
    assert!(found.iter().all(|it| 500 < *it), "both outcomes are common: {found:?}");
}
