//! The manifest for krew: a template that a release fills in as docs/release.md says.
//! Filled in here with what no release has, and read as krew reads it.

use std::path::Path;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Plugin {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    version: String,
    homepage: String,
    short_description: String,
    description: String,
    caveats: String,
    platforms: Vec<Platform>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Platform {
    selector: serde_json::Value,
    uri: String,
    sha256: String,
    bin: String,
}

/// The commands of docs/release.md, on one line each.
fn documented() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/release.md");
    std::fs::read_to_string(page).expect("a page").replace("\\\n", " ")
}

#[test]
fn the_manifest_names_this_program_once_the_release_has_filled_it_in() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/krew/siskin.yaml");
    let template = std::fs::read_to_string(file).expect("a file");
    let mut filled = template;
    for (mark, value) in [
        ("VERSION", env!("CARGO_PKG_VERSION")),
        ("URL", "https://git.example.com/siskin/siskin"),
        ("SHA256_AMD64", "0000000000000000000000000000000000000000000000000000000000000000"),
        ("SHA256_ARM64", "1111111111111111111111111111111111111111111111111111111111111111"),
    ] {
        assert!(filled.contains(mark), "{mark} is filled in");
        assert!(
            documented().contains(&format!("s|{mark}|")),
            "docs/release.md says with what: {mark}"
        );
        filled = filled.replace(mark, value);
    }
    let plugin: Plugin = serde_yaml_ng::from_str(&filled).expect("a manifest");
    assert_eq!(plugin.api_version, "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!((plugin.kind.as_str(), plugin.metadata.name.as_str()), ("Plugin", "siskin"));
    let Spec { version, homepage, short_description, description, caveats, platforms } =
        plugin.spec;
    assert_eq!(version, format!("v{}", env!("CARGO_PKG_VERSION")));
    assert!(!description.is_empty() && !caveats.is_empty());
    assert!(short_description.len() <= 80 && !short_description.ends_with('.'), "krew's own rule");
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-siskin")).file_name().expect("a name");
    let mut systems: Vec<String> = Vec::new();
    for Platform { selector, uri, sha256, bin } in platforms {
        assert_eq!(Some(bin.as_str()), program.to_str());
        assert!(uri.starts_with(&homepage) && uri.ends_with(".tar.gz"), "{uri}");
        assert_eq!(sha256.len(), 64);
        let label = |key: &str| selector["matchLabels"][key].as_str().expect("a label").to_owned();
        let system = format!("{}-{}", label("os"), label("arch"));
        assert!(uri.contains(&format!("{bin}-{version}-{system}")), "{uri}");
        systems.push(system);
    }
    assert_eq!(systems, ["linux-amd64", "linux-arm64"]);
}
