//! The Deployments that were written by hand, without a cluster. Whether an API server takes them is not asked here.

use std::collections::BTreeSet;

use super::*;

#[test]
fn deployments_written_by_hand_have_names_of_their_own() {
    let all = written().expect("they can be read");
    assert!(20 <= all.len(), "{} are too few to be of every kind", all.len());
    let names: BTreeSet<_> = all.iter().map(|it| it["metadata"]["name"].to_string()).collect();
    assert_eq!(names.len(), all.len(), "{names:?}");
}

#[test]
fn deployments_written_by_hand_name_nobody() {
    const NOBODY: [&str; 4] = ["example.com", "helm.sh", "kubernetes.io", "prometheus.io"];
    const PUBLIC: [&str; 6] = [".com", ".dev", ".io", ".net", ".org", ".sh"];
    for it in written().expect("they can be read") {
        let text = it.to_string();
        let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '.' && it != '-');
        for word in words.filter(|word| PUBLIC.iter().any(|it| word.ends_with(it))) {
            let ours = NOBODY.iter().any(|it| word.ends_with(it));
            assert!(ours, "{} names {word}", it["metadata"]["name"]);
        }
    }
}
