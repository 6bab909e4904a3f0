//! The operator's own inventory, and what stops a release. Nothing is built here.

use serde_json::json;

use super::*;
use crate::{notice, release, sbom};

#[test]
fn sums_are_those_of_the_lock_file() {
    let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"x\"\nchecksum = \"00ff\"\n\
                dependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\n";
    let sums = checksums(lock);
    assert_eq!(sums[&("a".to_owned(), "1.0.0".to_owned())], "00ff");
    assert_eq!(sums.len(), 1, "b is of the workspace");
}

#[test]
fn code_of_other_languages_that_nobody_has_named_stops_a_release() {
    let build = |name: &str| json!([{ "name": name, "kind": "build", "optional": false }]);
    let unknown = json!({ "name": "new-sys", "links": null, "dependencies": build("cc") });
    assert!(brought(&unknown).unwrap_err().to_string().contains("native.rs"));
    let linking = json!({ "name": "new-sys", "links": "new", "dependencies": [] });
    assert!(brought(&linking).is_err());
    let plain = json!({ "name": "plain", "links": null, "dependencies": build("autocfg") });
    assert_eq!(brought(&plain).unwrap(), Native::Nothing);
}

#[test]
fn of_every_crate_of_the_operator_is_known_what_it_brings() {
    let target = release::target();
    let (_, needs) = tree(release::PACKAGE, &target).unwrap();
    for described in described(&target).unwrap() {
        let word = |key: &str| described[key].as_str().unwrap_or_default().to_owned();
        if needs.contains_key(&(word("name"), word("version"))) {
            brought(&described).unwrap();
        }
    }
}

#[test]
fn a_library_that_is_not_shared_after_all_stops_a_release() {
    let shared = BTreeSet::from([PathBuf::from("/lib/x86_64-linux-gnu/libssl.so.3")]);
    assert!(ensure_shared("openssl-sys", &["libssl.so"], &shared).is_ok());
    assert!(ensure_shared("libz-sys", &["libz.so"], &shared).is_err());
}

/// Crates are the operator's; shared libraries and packages are for a real build to show.
#[test]
fn the_operators_bill_and_notice_name_crates_and_c_libraries() {
    let (root, needs) = tree(release::PACKAGE, &release::target()).unwrap();
    assert_eq!(root.0, release::PACKAGE);
    let names: BTreeSet<_> = needs.keys().map(|it| it.0.as_str()).collect();
    assert!(names.contains("kube-client") && names.contains("rdkafka-sys"), "{names:?}");
    assert!(!names.contains("serde_derive"), "a procedural macro is not in the program");
    assert!(!names.contains("proptest") && !names.contains("cc"), "{names:?}");

    let crates = needs.iter().map(|(id, needs)| {
        let checksum = (id.0 != root.0).then(|| "00ff".to_owned());
        let (license, folder) = ("MIT".to_owned(), release::repository());
        (id.clone(), Linked { license, checksum, folder, needs: needs.clone() })
    });
    let by = needs.keys().find(|it| it.0 == "rdkafka-sys").unwrap().clone();
    let Some(Native::Compiled(parts)) = native::of_crate("rdkafka-sys") else {
        panic!("it compiles")
    };
    let built_in = BuiltIn { text: None, ..parts[0] };
    let inventory = Inventory {
        program: root.clone(),
        crates: crates.collect(),
        libraries: vec![Library { built_in, by }],
        packages: BTreeMap::new(),
        distribution: ("debian".to_owned(), "12".to_owned()),
    };
    let text = sbom::cyclonedx(&inventory, b"program", "00ff");
    assert_eq!(sbom::cyclonedx(&inventory, b"program", "00ff"), text);
    let bill: Value = serde_json::from_str(&text).unwrap();
    let components = bill["components"].as_array().unwrap();
    assert_eq!(components.len(), needs.len(), "one for the library, none for the program");
    let known: BTreeSet<_> = components.iter().map(|it| it["bom-ref"].as_str().unwrap()).collect();
    assert_eq!(known.len(), components.len(), "references are unique");
    for needed in bill["dependencies"].as_array().unwrap() {
        for on in needed["dependsOn"].as_array().unwrap() {
            assert!(known.contains(on.as_str().unwrap()), "{on} is no component");
        }
    }
    let notice = notice::of(&inventory).unwrap();
    assert!(notice.contains("librdkafka (in rdkafka-sys"), "{notice}");
}
