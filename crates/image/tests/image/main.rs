//! An image read by programs of others: `tar`, `gzip` and `sha256sum`, and where they are installed skopeo and a real registry.
//! What is not installed it says; it uses nothing of the network but loopback.

mod programs;
mod registry;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, ensure};
use serde_json::Value;
use siskin_image::entries::Entry;
use siskin_image::image::{Built, Image, REFERENCE};

use crate::programs::{installed, printed};
use crate::registry::Registry;

/// Reference of the image in its layout.
const NAME: &str = "1.2.3-test";

/// An image on disk, in both forms.
struct Written {
    built: Built,
    folder: PathBuf,
}

impl Written {
    fn new() -> Result<Self> {
        let title = ("org.opencontainers.image.title".to_owned(), "test".to_owned());
        let image = Image {
            program: std::env::current_exe()?,
            arguments: vec!["--help".to_owned()],
            files: BTreeMap::from([("/usr/share/doc/x/NOTICE".to_owned(), Entry::text("of x"))]),
            annotations: BTreeMap::from([title]),
            compressed: true,
        };
        let folder = std::env::temp_dir().join(format!("siskin-image-read-{}", std::process::id()));
        let written = Self { built: image.build()?, folder };
        written.built.push_layout(&written.layout(), NAME)?;
        let named = BTreeMap::from([(REFERENCE.to_owned(), NAME.to_owned())]);
        fs::write(written.archive(), written.built.archive(&[named])?)?;
        Ok(written)
    }

    fn layout(&self) -> PathBuf {
        self.folder.join("layout")
    }

    fn archive(&self) -> PathBuf {
        self.folder.join("image.tar")
    }

    fn digest(&self) -> String {
        format!("sha256:{}", self.built.digest())
    }

    /// The blob that a descriptor names.
    fn blob(&self, descriptor: &Value) -> PathBuf {
        let digest = descriptor["digest"].as_str().unwrap_or_default();
        self.layout().join("blobs/sha256").join(digest.trim_start_matches("sha256:"))
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

type Check = fn(&Written) -> Result<()>;

fn main() -> ExitCode {
    let mut checks: Vec<(&str, Check)> = vec![("common_programs", common_programs)];
    for (name, check, needs) in [
        ("skopeo", skopeo as Check, &["skopeo"][..]),
        ("registry", registry, &["skopeo", "docker-registry"]),
    ] {
        match needs.iter().find(|it| !installed(it)) {
            Some(missing) => println!("image: NOT RUN: {name}: {missing} is not installed"),
            None => checks.push((name, check)),
        }
    }
    if std::env::args().any(|it| it == "--list") {
        for (name, _) in &checks {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let outcome = Written::new().map(|written| {
        let failures = checks.iter().filter_map(|(name, run)| Some((name, run(&written).err()?)));
        failures.map(|(name, error)| println!("FAILED {name}\n{error:#}\n")).count()
    });
    match outcome {
        Ok(0) => {
            println!("image: {} readers agree", checks.len());
            ExitCode::SUCCESS
        }
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            println!("FAILED to make an image\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Sums, sizes and the layer, by what every system has.
fn common_programs(written: &Written) -> Result<()> {
    let json = |path: &Path| -> Result<Value> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    let index = json(&written.layout().join("index.json"))?;
    let named = &index["manifests"][0];
    ensure!(named["digest"] == written.digest(), "the index names {named}");
    let manifest = json(&written.blob(named))?;
    let configuration = json(&written.blob(&manifest["config"]))?;
    let layer = &manifest["layers"][0];
    for descriptor in [named, &manifest["config"], layer] {
        let path = written.blob(descriptor);
        let sum = printed("sha256sum", &[path.as_os_str()])?;
        let sum = sum.split_whitespace().next().unwrap_or_default();
        ensure!(descriptor["digest"] == format!("sha256:{sum}"), "{descriptor} has the sum {sum}");
        ensure!(descriptor["size"] == fs::metadata(&path)?.len(), "{descriptor} has another size");
    }
    let path = written.blob(layer);
    let script = "gzip -dc \"$0\" | sha256sum | cut -d' ' -f1";
    let sum = printed("sh", &["-c".as_ref(), script.as_ref(), path.as_os_str()])?;
    let diff_id = &configuration["rootfs"]["diff_ids"][0];
    ensure!(*diff_id == format!("sha256:{}", sum.trim()), "{diff_id} is {sum}");
    let listed = printed("tar", &["--utc".as_ref(), "-tvzf".as_ref(), path.as_os_str()])?;
    for line in listed.lines() {
        ensure!(line.contains(" 0/0 ") && line.contains(" 1970-01-01 00:00 "), "{line}");
        ensure!(!line[..10].contains(['s', 'S']), "setuid or setgid: {line}");
    }
    for wanted in [" usr/local/bin/image-", " etc/passwd", " usr/share/doc/x/NOTICE", "/libc.so"] {
        ensure!(listed.contains(wanted), "{wanted} is not in the layer:\n{listed}");
    }
    ensure!(!listed.contains(" bin/") && !listed.contains("/sh\n"), "a shell?\n{listed}");
    Ok(())
}

/// Layout and archive are one image to skopeo, with labels and user.
fn skopeo(written: &Written) -> Result<()> {
    let places = [
        format!("oci:{}:{NAME}", written.layout().display()),
        format!("oci-archive:{}:{NAME}", written.archive().display()),
    ];
    for place in places {
        let seen: Value = serde_json::from_str(&printed("skopeo", &["inspect", &place])?)?;
        ensure!(seen["Digest"] == written.digest(), "{place} is {}", seen["Digest"]);
        ensure!(seen["Labels"]["org.opencontainers.image.title"] == "test", "{seen}");
        let configuration = printed("skopeo", &["inspect", "--config", &place])?;
        let configuration: Value = serde_json::from_str(&configuration)?;
        ensure!(configuration["config"]["User"] == "65532:65532", "{configuration}");
        ensure!(configuration["config"]["Cmd"][0] == "--help", "{configuration}");
    }
    Ok(())
}

/// The archive goes into a registry and comes back by its digest, byte for byte.
fn registry(written: &Written) -> Result<()> {
    let registry = Registry::start(&written.folder)?;
    let source = format!("oci-archive:{}:{NAME}", written.archive().display());
    let repository = format!("docker://{}/siskin-operator", registry.address);
    let tagged = format!("{repository}:{NAME}");
    printed(
        "skopeo",
        &["copy", "--preserve-digests", "--dest-tls-verify=false", &source, &tagged],
    )?;
    let by_digest = format!("{repository}@{}", written.digest());
    let pulled = written.folder.join("pulled");
    let target = format!("dir:{}", pulled.display());
    printed(
        "skopeo",
        &["copy", "--preserve-digests", "--src-tls-verify=false", &by_digest, &target],
    )?;
    let blobs = written.layout().join("blobs/sha256");
    for entry in fs::read_dir(&blobs)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        let name = if name == written.built.digest() { "manifest.json".as_ref() } else { name };
        let came = fs::read(pulled.join(name))?;
        ensure!(came == fs::read(&path)?, "{} came back changed", name.display());
    }
    Ok(())
}
