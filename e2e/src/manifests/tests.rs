//! The generator and the Deployments that were written by hand, without a cluster: by the types that Kubernetes 1.36
//! publishes. What else its validation asks is told by `faults`, which shares nothing with the generator's rules.

mod faults;

use std::collections::BTreeSet;

use serde_json::Value;

use super::left_out::FIELDS;
use super::*;
use faults::faults;

/// Deployments in which each field is the sure one.
const TURNS: u64 = 3;

/// Bytes of a Deployment that is huge.
const HUGE: usize = 100_000;
/// Bytes of a request that etcd takes.
const MOST: usize = 1_500_000;

fn made(schemas: &Schemas) -> impl Iterator<Item = (u64, Value)> {
    let fields: Vec<_> = schemas.fields().into_iter().collect();
    let count = TURNS * u64::try_from(fields.len()).unwrap_or(0);
    (0..count).map(move |seed| {
        let turn = usize::try_from(seed).unwrap_or(0) % fields.len();
        (seed, Shape::of(schemas, seed, &fields[turn]).deployment("orders", "fake-1"))
    })
}

/// Every text of a value, keys among them.
fn texts_of<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|it| texts_of(it, found)),
        Value::Object(fields) => fields.iter().for_each(|(name, it)| {
            found.push(name);
            texts_of(it, found);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn every_field_is_made_that_is_not_left_out_for_a_reason() {
    let schemas = Schemas::recorded();
    let reached: BTreeSet<_> =
        made(&schemas).flat_map(|it| schemas.fields_of("Deployment", &it.1)).collect();
    let missing: Vec<_> = schemas.fields().difference(&reached).map(ToString::to_string).collect();
    assert!(missing.is_empty(), "never made: {missing:?}");
    let beyond: Vec<_> = reached.difference(&schemas.fields()).map(ToString::to_string).collect();
    assert!(beyond.is_empty(), "left out, and made: {beyond:?}");
}

#[test]
fn what_is_left_out_is_published() {
    let schemas = Schemas::recorded();
    for (owner, field, reason) in FIELDS {
        let typed = schemas.named(owner).unwrap_or_else(|| panic!("no type {owner}"));
        let is_there = typed.schema["properties"][field].is_object();
        assert!(is_there, "{owner}.{field} ({reason:?}) is no field");
    }
}

#[test]
fn generated_deployments_have_no_fault() {
    let schemas = Schemas::recorded();
    for (seed, it) in made(&schemas) {
        let found = faults(&schemas, &it);
        assert!(found.is_empty(), "seed {seed}: {found:?}");
    }
}

#[test]
fn every_significant_character_and_the_empty_text_are_in_some_template() {
    let schemas = Schemas::recorded();
    let mut missing: BTreeSet<char> = texts::significant().collect();
    assert!(90 < missing.len(), "{} characters", missing.len());
    let mut has_empty = false;
    for (_, it) in made(&schemas) {
        let mut found = Vec::new();
        texts_of(&it["spec"]["template"], &mut found);
        has_empty |= found.contains(&"");
        missing.retain(|it| !found.iter().any(|text| text.contains(*it)));
    }
    assert!(missing.is_empty(), "in no template: {missing:?}");
    assert!(has_empty, "no text is empty");
}

#[test]
fn some_deployments_are_all_but_empty_and_some_are_huge() {
    let schemas = Schemas::recorded();
    // As the API server writes a frozen template.
    let escaped = |it: char| if "<>&\u{2028}\u{2029}".contains(it) { 6 } else { it.len_utf8() };
    let size = |it: &Value| it.to_string().chars().map(escaped).sum::<usize>();
    let sizes: Vec<_> = made(&schemas).map(|it| size(&it.1)).collect();
    let huge = sizes.iter().filter(|it| HUGE < **it).count();
    let (least, most) = (sizes.iter().min().copied(), sizes.iter().max().copied());
    assert!(sizes.len() / 100 < huge, "{huge} of {} are huge", sizes.len());
    assert!(least.is_some_and(|it| it < 400), "the smallest has {least:?} bytes");
    assert!(most.is_some_and(|it| it < MOST), "the largest has {most:?} bytes");
}

#[test]
fn the_seed_and_the_sure_field_say_all() {
    let schemas = Schemas::recorded();
    let twice: Vec<_> = made(&schemas).step_by(97).zip(made(&schemas).step_by(97)).collect();
    assert!(twice.iter().all(|(one, other)| one == other));
    let different: BTreeSet<_> = twice.iter().map(|it| it.0.1.to_string()).collect();
    assert_eq!(different.len(), twice.len());
}

#[test]
fn deployments_written_by_hand_have_no_fault_and_names_of_their_own() {
    let schemas = Schemas::recorded();
    let all = written().expect("they can be read");
    assert!(20 <= all.len(), "{} are too few to be of every kind", all.len());
    let names: BTreeSet<_> = all.iter().map(|it| it["metadata"]["name"].to_string()).collect();
    assert_eq!(names.len(), all.len(), "{names:?}");
    for it in &all {
        let found = faults(&schemas, it);
        assert!(found.is_empty(), "{}: {found:?}", it["metadata"]["name"]);
    }
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
