//! An image: a program, what it links to, what it runs as; as an OCI layout, in a folder or in one file.
//! Names and tags are the caller's; the digest does not depend on them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use crate::entries::{Entries, Entry, packed, sha256};
use crate::machine;

/// The user that programs run as: no one of a machine.
const NONROOT: u64 = 65532;
/// File of the CA certificates that programs trust by default.
const CA_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Annotation by which tools find one of several images in a layout.
pub const REFERENCE: &str = "org.opencontainers.image.ref.name";

/// An image to be built: a program at `/usr/local/bin`, what it links to, and what it runs as.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// The program, on this machine.
    pub program: PathBuf,
    /// Its arguments when a pod gives none.
    pub arguments: Vec<String>,
    /// What else is in it.
    pub files: Entries,
    /// Labels, and annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// Whether its layer is compressed: for a registry, not for a machine that unpacks it at once.
    pub compressed: bool,
}

/// An image that is built, in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    layer: Blob,
    configuration: Blob,
    manifest: Blob,
}

/// A piece of an image, known by its sum; a layer is large, so it is summed up once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Blob {
    media_type: &'static str,
    content: Vec<u8>,
    digest: String,
}

impl Blob {
    fn new(media_type: &'static str, content: Vec<u8>) -> Self {
        Self { media_type, digest: sha256(&content), content }
    }

    fn json(media_type: &'static str, mut value: Value) -> Self {
        // Another crate of the build may ask serde_json for the order of insertion.
        value.sort_all_objects();
        Self::new(media_type, value.to_string().into_bytes())
    }

    fn descriptor(&self) -> Value {
        let digest = format!("sha256:{}", self.digest);
        json!({ "mediaType": self.media_type, "digest": digest, "size": self.content.len() })
    }

    fn path(&self) -> String {
        format!("/blobs/sha256/{}", self.digest)
    }
}

impl Image {
    /// Packs the layer and describes it.
    ///
    /// # Errors
    /// A file that is missing, or a library that the loader does not find.
    pub fn build(&self) -> Result<Built> {
        let name = self.program.file_name().context("a program has a name")?.to_string_lossy();
        let program = format!("/usr/local/bin/{name}");
        let entries = self.entries(&program).with_context(|| format!("packing {name}"))?;
        let tar = packed(&entries)?;
        let diff_id = format!("sha256:{}", sha256(&tar));
        let layer = if self.compressed {
            Blob::new("application/vnd.oci.image.layer.v1.tar+gzip", compressed(&tar)?)
        } else {
            Blob::new("application/vnd.oci.image.layer.v1.tar", tar)
        };
        let configuration = json!({
            "architecture": machine::architecture(),
            "os": "linux",
            "config": {
                "User": format!("{NONROOT}:{NONROOT}"),
                // OpenSSL looks elsewhere by default, in a place that Debian's package makes.
                "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", format!("SSL_CERT_FILE={CA_CERTIFICATES}")],
                "Entrypoint": [program],
                "Cmd": self.arguments,
                "WorkingDir": "/tmp",
                "Labels": self.annotations,
            },
            "rootfs": { "type": "layers", "diff_ids": [diff_id] },
        });
        let configuration = Blob::json("application/vnd.oci.image.config.v1+json", configuration);
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": configuration.descriptor(),
            "layers": [layer.descriptor()],
        });
        if !self.annotations.is_empty() {
            manifest["annotations"] = json!(self.annotations);
        }
        Ok(Built { layer, configuration, manifest: Blob::json(MANIFEST, manifest) })
    }

    /// The program, what the loader finds for it, and the little that programs expect of a system.
    fn entries(&self, program: &str) -> Result<Entries> {
        let mut entries = BTreeMap::from([
            ("/tmp".to_owned(), Entry::Folder { mode: 0o1777 }),
            ("/etc/passwd".to_owned(), Entry::text("root:x:0:0::/:\nnonroot:x:65532:65532::/:\n")),
            ("/etc/group".to_owned(), Entry::text("root:x:0:\nnonroot:x:65532:\n")),
            ("/etc/nsswitch.conf".to_owned(), Entry::text("hosts: files dns\n")),
        ]);
        entries.insert(program.to_owned(), runnable(&self.program)?);
        for library in machine::libraries(&self.program)? {
            entries.insert(library.to_string_lossy().into_owned(), runnable(&library)?);
        }
        if let Some(bundle) = machine::certificates()? {
            entries.insert(CA_CERTIFICATES.to_owned(), Entry::text(bundle));
        }
        entries.extend(self.files.clone());
        Ok(entries)
    }
}

fn runnable(path: &Path) -> Result<Entry> {
    let content = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Entry::program(content))
}

/// Gzip without a name and without a time.
fn compressed(bytes: &[u8]) -> Result<Vec<u8>> {
    // The system that a header may name is left unknown (255).
    let mut gzip = GzBuilder::new().operating_system(255).write(Vec::new(), Compression::new(6));
    gzip.write_all(bytes)?;
    Ok(gzip.finish()?)
}

impl Built {
    /// The manifest's sum, which is the image's digest, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.manifest.digest
    }

    /// The layout in one file: an entry of the index for each set of annotations.
    ///
    /// # Errors
    /// None in practice: paths are short.
    pub fn archive(&self, named: &[BTreeMap<String, String>]) -> Result<Vec<u8>> {
        let named: Vec<_> = named.iter().map(|annotations| self.indexed(annotations)).collect();
        let mut files = self.files();
        files.insert("/index.json".to_owned(), Entry::text(index(&named)));
        Ok(packed(&files)?)
    }

    /// Writes the layout into a folder. Of a layout that is there every image stays but one of this reference.
    ///
    /// # Errors
    /// The folder can't be written, or holds something else.
    pub fn push_layout(&self, folder: &Path, reference: &str) -> Result<()> {
        let path = folder.join("index.json");
        let mut named: Vec<Value> = Vec::new();
        if path.exists() {
            let index: Value = serde_json::from_str(&fs::read_to_string(&path)?)
                .with_context(|| format!("{} is no index", path.display()))?;
            let there = index["manifests"].as_array().cloned().unwrap_or_default();
            named.extend(there.into_iter().filter(|it| it["annotations"][REFERENCE] != reference));
        }
        named.push(self.indexed(&BTreeMap::from([(REFERENCE.to_owned(), reference.to_owned())])));
        named.sort_by_key(|it| it["annotations"][REFERENCE].to_string());
        fs::create_dir_all(folder.join("blobs/sha256"))?;
        for (name, entry) in self.files() {
            if let Entry::File { content, .. } = entry {
                let path = folder.join(name.trim_start_matches('/'));
                fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
            }
        }
        // Last: whoever reads the index finds all that it names.
        fs::write(&path, index(&named)).with_context(|| format!("writing {}", path.display()))
    }

    fn files(&self) -> Entries {
        let blobs = [&self.layer, &self.configuration, &self.manifest];
        let mut files: Entries =
            blobs.map(|it| (it.path(), Entry::text(it.content.clone()))).into_iter().collect();
        files.insert("/oci-layout".to_owned(), Entry::text(r#"{"imageLayoutVersion":"1.0.0"}"#));
        files
    }

    fn indexed(&self, annotations: &BTreeMap<String, String>) -> Value {
        let mut descriptor = self.manifest.descriptor();
        descriptor["annotations"] = json!(annotations);
        descriptor["platform"] = json!({ "architecture": machine::architecture(), "os": "linux" });
        descriptor
    }
}

fn index(manifests: &[Value]) -> String {
    let mut index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    });
    index.sort_all_objects();
    index.to_string()
}

#[cfg(test)]
mod tests;
