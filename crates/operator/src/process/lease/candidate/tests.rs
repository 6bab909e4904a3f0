//! The rules one by one, without a server: a role, an answer, what follows.
//! Whole elections are in the tests of the lease.

use super::*;
use crate::process::lease::timings::Timings;

const SECOND: Duration = Duration::from_secs(1);

fn candidate(now: Instant) -> Candidate {
    Candidate::new(&Arc::from("me"), Timings::default(), now)
}

fn record(holder: Option<&str>) -> LeaseRecord {
    let lease = serde_json::json!({"spec": {"holderIdentity": holder, "leaseDurationSeconds": 15}});
    let lease: k8s_openapi::api::coordination::v1::Lease = serde_json::from_value(lease).unwrap();
    LeaseRecord::from(lease)
}

fn leader(now: Instant) -> Candidate {
    let mut candidate = candidate(now);
    candidate.update(LeaseAnswer::Holding { record: record(Some("me")), sent: now }, now).unwrap();
    candidate
}

#[tokio::test(start_paused = true)]
async fn looks_first_and_makes_what_is_absent() {
    let now = Instant::now();
    let mut candidate = candidate(now);
    assert_eq!(candidate.next(now), Ok(Action::Look));
    candidate.update(LeaseAnswer::Absent, now).unwrap();
    assert_eq!(candidate.next(now), Ok(Action::Create));
    candidate.update(LeaseAnswer::Conflict, now).unwrap();
    assert_eq!(candidate.next(now + 3 * SECOND), Ok(Action::Look), "somebody else made it");
}

#[tokio::test(start_paused = true)]
async fn every_failure_is_followed_by_a_pause() {
    let now = Instant::now();
    let answers = [LeaseAnswer::Conflict, LeaseAnswer::Failed("away".into())];
    let roles: [fn(Instant) -> Candidate; 2] = [candidate, |now| {
        let mut candidate = candidate(now);
        candidate.update(LeaseAnswer::Seen(record(None)), now).unwrap();
        candidate
    }];
    for (answer, role) in answers.iter().flat_map(|it| roles.map(|to| (it, to))) {
        let mut candidate = role(now);
        candidate.update(answer.clone(), now).unwrap();
        let Ok(Action::Wait(until)) = candidate.next(now) else {
            panic!("{answer:?}: {:?}", candidate.next(now));
        };
        assert!(until >= now + 2 * SECOND && until < now + 3 * SECOND, "{:?}", until - now);
        assert_eq!(candidate.next(until), Ok(Action::Look), "what was known may be outdated");
    }
}

#[tokio::test(start_paused = true)]
async fn waits_for_a_holder_from_when_its_renewal_was_first_seen() {
    let now = Instant::now();
    let mut candidate = candidate(now);
    candidate.update(LeaseAnswer::Seen(record(Some("other"))), now).unwrap();
    let later = now + 14 * SECOND;
    candidate.update(LeaseAnswer::Seen(record(Some("other"))), later).unwrap();
    assert_eq!(candidate.next(later), Ok(Action::Wait(now + 15 * SECOND)));
    let seen = record(Some("other"));
    assert_eq!(candidate.next(now + 15 * SECOND), Ok(Action::Hold(&seen)));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_names_no_duration_is_given_ours() {
    let now = Instant::now();
    let mut candidate = candidate(now);
    let lease =
        serde_json::json!({"spec": {"holderIdentity": "other", "leaseDurationSeconds": -1}});
    let lease: k8s_openapi::api::coordination::v1::Lease = serde_json::from_value(lease).unwrap();
    candidate.update(LeaseAnswer::Seen(LeaseRecord::from(lease)), now).unwrap();
    let late = now + 14 * SECOND;
    assert_eq!(candidate.next(late), Ok(Action::Look));
    assert!(matches!(candidate.next(now + 15 * SECOND), Ok(Action::Hold(_))));
}

#[tokio::test(start_paused = true)]
async fn a_leader_counts_from_when_it_sent_the_renewal() {
    let sent = Instant::now();
    let answered = sent + 3 * SECOND;
    let mut candidate = leader(sent);
    candidate.update(LeaseAnswer::Holding { record: record(Some("me")), sent }, answered).unwrap();
    assert_eq!(candidate.led(), Some((Epoch::new(0, "me"), sent + 10 * SECOND)));
    assert!(matches!(candidate.next(answered), Ok(Action::Hold(_))), "the period is over already");
}

#[tokio::test(start_paused = true)]
async fn a_leaders_requests_end_before_its_tenure() {
    let now = Instant::now();
    let candidate = leader(now);
    assert_eq!(candidate.patience(now), Duration::from_millis(2500));
    assert_eq!(candidate.patience(now + 9 * SECOND), SECOND);
    assert_eq!(candidate.patience(now + 11 * SECOND), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_leader_wakes_to_stop_in_time() {
    let now = Instant::now();
    let mut candidate = leader(now);
    let late = now + 9 * SECOND + SECOND * 3 / 4;
    candidate.update(LeaseAnswer::Failed("away".into()), late).unwrap();
    let end = now + 10 * SECOND;
    assert_eq!(candidate.next(late), Ok(Action::Wait(end)), "not a quarter of a second too late");
    let lost = LeaseLost::NotRenewed { since: 10 * SECOND, trouble: "away".into() };
    assert_eq!(candidate.next(end), Err(lost));
}

#[tokio::test(start_paused = true)]
async fn reading_its_own_name_prolongs_nothing() {
    let now = Instant::now();
    let mut candidate = leader(now);
    let later = now + 5 * SECOND;
    candidate.update(LeaseAnswer::Conflict, later).unwrap();
    candidate.update(LeaseAnswer::Seen(record(Some("me"))), later).unwrap();
    assert_eq!(candidate.led().unwrap().1, now + 10 * SECOND);
    assert!(matches!(candidate.next(later), Ok(Action::Hold(_))), "so it renews at once");
}

#[tokio::test(start_paused = true)]
async fn pauses_differ_between_processes() {
    let now = Instant::now();
    let pauses = ["a", "b", "c", "d"].map(|identity| {
        let mut candidate = Candidate::new(&Arc::from(identity), Timings::default(), now);
        [candidate.pause(), candidate.pause()]
    });
    let mut all = pauses.concat();
    all.sort_unstable();
    all.dedup();
    assert!(all.len() >= 7, "{all:?}");
    assert!(all.iter().all(|it| (2 * SECOND..3 * SECOND).contains(it)), "{all:?}");
}
