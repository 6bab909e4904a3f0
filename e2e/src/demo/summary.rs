//! The end of the demo in words: what happened, how long it took, and where to look on.
//! Pure: from results to text.

use std::time::Duration;

use super::act::{Act, Ended};
use crate::scenario::Account;

/// What happened, and how long it took.
pub fn summary(results: &[(Act, Ended)], account: &Account) -> String {
    let mut lines = vec![
        String::new(),
        format!(
            "{:<46} {:<12} {:>11} {:>15} {:>17} {:>7}",
            "", "outcome", "canary asked", "fault to verdict", "verdict to normal", "in all"
        ),
    ];
    for (act, ended) in results {
        lines.push(format!(
            "{:<46} {:<12} {:>12} {:>16} {:>17} {:>7}",
            act.title,
            ended.past.as_ref().map_or("nothing new".to_owned(), |it| format!("{:?}", it.outcome)),
            shown(ended.started),
            shown(ended.found),
            shown(ended.rolled_back),
            shown(Some(ended.total)),
        ));
    }
    lines.push(String::new());
    for (act, ended) in results {
        let message = ended.past.as_ref().and_then(|it| it.message.as_ref());
        lines.extend(message.map(|it| format!("{}: {it}", act.title)));
    }
    lines.push(format!(
        "{} records produced, {} processed, {} lost, {} processed more than once (the promise is at least once)",
        account.produced, account.processed_distinct, account.missing, account.duplicates
    ));
    lines.join("\n")
}

/// How to look at what is left running.
pub fn look_around(namespace: &str, was_up: bool) -> String {
    let end = if was_up {
        format!("kubectl delete namespace {namespace}")
    } else {
        "cargo testbed down".to_owned()
    };
    format!(
        "
The fleet goes on, the load has ended. To look around:
  eval \"$(cargo testbed env)\"
  kubectl config set-context --current --namespace={namespace}
  kubectl get canaryrollouts,deployments,pods
  kubectl describe canaryrollout orders
  kubectl scale deployment/orders-producer --replicas=1            # the load again: no verdict without
  kubectl set env deployment/orders VERSION=5 CRASH_AT_START-      # ship the next version
  kubectl get canaryrollouts --watch
In the end: {end}"
    )
}

fn shown(time: Option<Duration>) -> String {
    match time {
        None => "-".to_owned(),
        Some(time) if time < Duration::from_secs(1) => format!("{} ms", time.as_millis()),
        Some(time) => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_times_are_in_milliseconds() {
        assert_eq!(shown(Some(Duration::from_millis(87))), "87 ms");
        assert_eq!(shown(Some(Duration::from_millis(12_340))), "12.3 s");
        assert_eq!(shown(None), "-");
    }
}
