//! Images of one binary of this machine, made without Docker and without a registry.
//! The same content makes the same digest, so that nothing is imported twice; pods use it with `imagePullPolicy: Never`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::bed::Testbed;
use super::places::Places;
use super::provision::sha256;
use super::{containers, shell};

/// The user that programs run as: no one of this machine.
const NONROOT: u64 = 65532;
/// File of the CA certificates that programs trust by default.
const CA_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Whether an image had to be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// The image is new, or differs from the one of that name.
    Imported,
    /// An image of equal content was there.
    AlreadyThere,
}

/// An image to be built: a binary at `/usr/local/bin`, what it links to, and what it runs as.
#[derive(Debug, Clone)]
pub struct Image {
    /// Every name that it gets, as `localhost/NAME:TAG`.
    pub names: Vec<String>,
    /// The program, on this machine.
    pub binary: PathBuf,
    /// Its arguments when a pod gives none.
    pub arguments: Vec<String>,
}

/// One file, link or folder of the layer.
enum Entry {
    File { content: Vec<u8>, mode: u32 },
    Link { target: String },
    Folder { mode: u32 },
}

impl Testbed {
    /// Builds an image of one binary of this machine, run without arguments, and loads it; `name` as in `localhost/NAME:TAG`.
    pub fn load_image(&self, name: &str, binary: &Path) -> Result<Loaded> {
        let (names, binary) = (vec![name.to_owned()], binary.to_owned());
        self.load(&Image { names, binary, arguments: Vec::new() })
    }

    /// Builds an image and loads it.
    pub fn load(&self, image: &Image) -> Result<Loaded> {
        load(&self.places, image)
    }
}

/// The image of every pod's own container, and of whatever needs no more than a shell.
pub(super) fn load_busybox(places: &Places) -> Result<()> {
    let image = Image {
        names: vec!["localhost/pause:1".to_owned(), "localhost/busybox:1".to_owned()],
        binary: PathBuf::from("/bin/busybox"),
        // Longer than any bed: `sleep` of an endless time is not in every busybox.
        arguments: vec!["sleep".to_owned(), "1000000000".to_owned()],
    };
    load(places, &image).map(drop)
}

fn load(places: &Places, image: &Image) -> Result<Loaded> {
    let names = || image.names.join(" and ");
    for name in &image.names {
        let well_formed = name.starts_with("localhost/") && name[10..].contains(':');
        ensure!(well_formed, "{name} is not of the form localhost/NAME:TAG");
    }
    let _activity = shell::doing(&format!("making the image {}", names()));
    let layer = layer(&image.binary).with_context(|| format!("packing {}", names()))?;
    let (archive, digest) = archive(image, &layer)?;
    let mut listing = containers::ctr(places);
    let listing = shell::output(listing.args(["images", "ls"]))?;
    if image.names.iter().all(|name| is_listed(&listing, name, &digest)) {
        return Ok(Loaded::AlreadyThere);
    }
    // Commands may load at the same time; each has its own file.
    let file = places.run.join(format!("tmp/{digest}-{}.tar", std::process::id()));
    fs::write(&file, archive)?;
    let mut import = containers::ctr(places);
    // Unpacked by the first pod that needs it, else.
    let outcome = shell::output(import.args(["images", "import"]).arg(&file));
    fs::remove_file(&file)?;
    outcome.with_context(|| format!("importing {}", names()))?;
    Ok(Loaded::Imported)
}

fn is_listed(listing: &str, name: &str, digest: &str) -> bool {
    let mut lines = listing.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.any(|words| words.first() == Some(&name) && words.iter().any(|w| w.ends_with(digest)))
}

/// The program, what the loader finds for it, and the little that programs expect of a system.
fn layer(binary: &Path) -> Result<Vec<u8>> {
    let name = binary.file_name().context("a binary has a name")?.to_string_lossy();
    let mut entries = BTreeMap::from([
        ("/tmp".to_owned(), Entry::Folder { mode: 0o1777 }),
        ("/etc/passwd".to_owned(), text("root:x:0:0::/:\nnonroot:x:65532:65532::/:\n")),
        ("/etc/group".to_owned(), text("root:x:0:\nnonroot:x:65532:\n")),
        ("/etc/nsswitch.conf".to_owned(), text("hosts: files dns\n")),
    ]);
    entries.insert(format!("/usr/local/bin/{name}"), program(binary)?);
    if name == "busybox" {
        // Its programs by their own names: `sh`, `ls`, `wget` and some 250 more.
        for applet in shell::output(Command::new(binary).arg("--list"))?.lines() {
            let target = format!("/usr/local/bin/{name}");
            entries.insert(format!("/bin/{applet}"), Entry::Link { target });
        }
    }
    for library in libraries(binary)? {
        entries.insert(library.to_string_lossy().into_owned(), program(&library)?);
    }
    if let Ok(content) = fs::read(CA_CERTIFICATES) {
        entries.insert(CA_CERTIFICATES.to_owned(), Entry::File { content, mode: 0o644 });
    }
    packed(&entries)
}

fn text(content: &str) -> Entry {
    Entry::File { content: content.as_bytes().to_vec(), mode: 0o644 }
}

fn program(path: &Path) -> Result<Entry> {
    let content = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Entry::File { content, mode: 0o755 })
}

/// What `ldd` names, the loader among it; nothing for a static binary.
fn libraries(binary: &Path) -> Result<Vec<PathBuf>> {
    let answer = Command::new("ldd").arg(binary).output().context("running ldd")?;
    let text = String::from_utf8_lossy(&answer.stdout);
    ensure!(!text.contains("not found"), "ldd misses libraries of {}:\n{text}", binary.display());
    let words = text.lines().flat_map(str::split_whitespace);
    Ok(words.filter(|word| word.starts_with('/') && !word.ends_with(':')).map(Into::into).collect())
}

/// A tar with no time, no owner and one order: equal content, equal bytes.
fn packed(entries: &BTreeMap<String, Entry>) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, entry) in entries {
        let mut header = tar::Header::new_gnu();
        let (content, mode, kind) = match entry {
            Entry::File { content, mode } => (&content[..], *mode, tar::EntryType::Regular),
            Entry::Folder { mode } => (&[][..], *mode, tar::EntryType::Directory),
            Entry::Link { target } => {
                header.set_link_name(target)?;
                (&[][..], 0o777, tar::EntryType::Symlink)
            }
        };
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_mtime(0);
        tar.append_data(&mut header, path.trim_start_matches('/'), content)?;
    }
    Ok(tar.into_inner()?)
}

/// A piece of an image, known by its sum; a layer is large, so it is summed up once.
struct Blob<'a> {
    media_type: &'static str,
    content: Cow<'a, [u8]>,
    digest: String,
}

impl<'a> Blob<'a> {
    fn new(kind: &'static str, content: impl Into<Cow<'a, [u8]>>) -> Self {
        let content = content.into();
        Self { media_type: kind, digest: sha256(&content), content }
    }

    fn descriptor(&self) -> Value {
        let digest = format!("sha256:{}", self.digest);
        json!({ "mediaType": self.media_type, "digest": digest, "size": self.content.len() })
    }

    fn entry(self) -> (String, Entry) {
        let content = self.content.into_owned();
        (format!("/blobs/sha256/{}", self.digest), Entry::File { content, mode: 0o644 })
    }
}

/// An OCI layout in one file, and the digest that the image will be listed with.
fn archive(image: &Image, layer: &[u8]) -> Result<(Vec<u8>, String)> {
    let program = image.binary.file_name().context("a binary has a name")?.to_string_lossy();
    let layer = Blob::new("application/vnd.oci.image.layer.v1.tar", layer);
    let configuration = serde_json::to_vec(&json!({
        "architecture": architecture(),
        "os": "linux",
        "config": {
            "User": format!("{NONROOT}:{NONROOT}"),
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"],
            "Entrypoint": [format!("/usr/local/bin/{program}")],
            "Cmd": image.arguments,
            "WorkingDir": "/tmp",
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", layer.digest)] },
    }))?;
    let configuration = Blob::new("application/vnd.oci.image.config.v1+json", configuration);
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = serde_json::to_vec(&json!({
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": configuration.descriptor(),
        "layers": [layer.descriptor()],
    }))?;
    let manifest = Blob::new(manifest_type, manifest);
    let digest = manifest.digest.clone();
    let named = image.names.iter().map(|name| {
        let mut descriptor = manifest.descriptor();
        descriptor["annotations"] = json!({ "io.containerd.image.name": name });
        descriptor
    });
    let index = json!({ "schemaVersion": 2, "manifests": named.collect::<Vec<Value>>() });
    let entries = BTreeMap::from([
        ("/oci-layout".to_owned(), text(r#"{"imageLayoutVersion":"1.0.0"}"#)),
        ("/index.json".to_owned(), text(&index.to_string())),
        configuration.entry(),
        manifest.entry(),
        layer.entry(),
    ]);
    Ok((packed(&entries)?, digest))
}

/// This machine's, in the words of images.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_links_to_a_loader_and_a_libc() {
        let found = libraries(&std::env::current_exe().unwrap()).unwrap();
        let has = |part: &str| found.iter().any(|path| path.to_string_lossy().contains(part));
        assert!(has("/ld-linux") && has("/libc.so"), "{found:?}");
    }

    #[test]
    fn equal_content_makes_an_equal_image_and_other_names_do_not_change_it() {
        let image = |name: &str| Image {
            names: vec![name.to_owned()],
            binary: PathBuf::from("/bin/x"),
            arguments: vec![],
        };
        let (first, digest) = archive(&image("localhost/a:1"), b"layer").unwrap();
        assert_eq!(archive(&image("localhost/a:1"), b"layer").unwrap(), (first, digest.clone()));
        assert_eq!(archive(&image("localhost/b:1"), b"layer").unwrap().1, digest);
        assert_ne!(archive(&image("localhost/a:1"), b"other").unwrap().1, digest);
    }

    #[test]
    fn an_image_is_listed_by_name_and_digest() {
        let listing = "REF TYPE DIGEST\nlocalhost/a:1 t sha256:00ff 1 MiB - -\n";
        assert!(is_listed(listing, "localhost/a:1", "00ff"));
        assert!(!is_listed(listing, "localhost/a:1", "00fe"));
        assert!(!is_listed(listing, "localhost/a", "00ff"));
    }
}
